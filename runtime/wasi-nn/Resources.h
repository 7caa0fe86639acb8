//===- Resources.h - The form of the interfaces of wasi:nn ------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The functions that targets/wasm/Component.cpp lifts have the form that the
// canonical ABI gives them: a resource that is lent comes as the address of its
// object, one that is given as a handle; a result that is no single number is
// the address of its fields.
//
// Tensors and errors are the same for one model and for several: they are
// exported here.
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_RUNTIME_WASINN_RESOURCES_H
#define NNCC_RUNTIME_WASINN_RESOURCES_H

#include "runtime/wasi-nn/Failure.h"
#include "runtime/wasi-nn/Value.h"

#define NNCC_EXPORT(NAME) extern "C" __attribute__((export_name(NAME)))
#define NNCC_RESOURCE(NAME)                                                    \
  extern "C" __attribute__((import_module("resource"), import_name(NAME)))

// What the component model keeps of tensors: handles and their objects.
NNCC_RESOURCE("tensor.new") uint32_t newTensorHandle(nncc::wasinn::Value *);
NNCC_RESOURCE("tensor.rep") nncc::wasinn::Value *getTensor(uint32_t handle);
NNCC_RESOURCE("tensor.drop") void dropTensor(uint32_t handle);

namespace nncc::wasinn {

struct Slice {
  uint32_t begin, length;
};

/// result<T, error>, where T is nothing, a handle or a list.
struct Result {
  uint32_t isError;
  uint32_t payload;
  uint32_t length;
};

struct NamedTensor {
  Text name;
  uint32_t handle;
};

/// Where a function answers with success; it stays until the next call.
Result *succeed(uint32_t payload = 0, uint32_t length = 0);

/// The last failure as an error that the caller owns.
Result *giveFailure();

} // namespace nncc::wasinn

#endif
