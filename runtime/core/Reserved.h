//===- Reserved.h - The part of a memory that adapters have -----*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_RUNTIME_CORE_RESERVED_H
#define NNCC_RUNTIME_CORE_RESERVED_H

namespace nncc {

/// A module without threads leaves these bytes of its memory, which lie behind
/// its stack, to code that is linked beside it: an adapter has its data and its
/// stack there. As runtime/wasi-nn/CMakeLists.txt has them.
inline constexpr unsigned reservedBegin = 131072;
inline constexpr unsigned reservedEnd = 196608;

} // namespace nncc

#endif
