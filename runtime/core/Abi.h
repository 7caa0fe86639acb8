//===- Abi.h - What crosses the boundary of a module ------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// docs/module-format.md is the specification. Addresses have 32 bits.
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_RUNTIME_CORE_ABI_H
#define NNCC_RUNTIME_CORE_ABI_H

#include <stdint.h>

namespace nncc {

inline constexpr int abiVersion = 1;

enum class Tag : uint32_t {
  None,
  Int,
  Float,
  Handle,
  String,
  Tensor,
  Function
};

/// Of DLPack.
inline constexpr int deviceCpu = 1, deviceWebGpu = 15;

/// A value of a packed call.
struct PackedValue {
  Tag tag;
  uint32_t reserved;
  /// Of a tensor the address of a Tensor, of a function that of a Function, of
  /// a string its address and, in the upper half, its length.
  uint64_t payload;
};

struct DataType {
  uint8_t code; ///< 0 int, 1 uint, 2 float, 4 bfloat, 6 bool
  uint8_t bits;
  uint16_t lanes;
};

/// A DLTensor as DLPack lays it out on wasm32.
struct Tensor {
  uint32_t data;
  int32_t deviceType;
  int32_t deviceId;
  int32_t rank;
  DataType type;
  uint32_t shape;   ///< Address of int64_t[rank].
  uint32_t strides; ///< 0 or the address of int64_t[rank], in elements.
  uint32_t padding;
  uint64_t byteOffset;
};

static_assert(sizeof(PackedValue) == 16, "the size is part of the ABI");
static_assert(sizeof(Tensor) == 40, "the size is part of the ABI");

} // namespace nncc

#endif
