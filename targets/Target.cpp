//===- Target.cpp - The targets of this compiler --------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/Target.h"

#include "targets/wasm/WasmTarget.h"
#include "targets/webgpu/WebgpuTarget.h"

using namespace nncc;

llvm::ArrayRef<const Target *> nncc::getTargets() {
  static const Target *const targets[] = {&wasm::getWasmTarget(),
                                          &webgpu::getWebgpuTarget()};
  return targets;
}

const Target *nncc::findTarget(llvm::StringRef name) {
  for (const Target *target : getTargets())
    if (target->getName() == name)
      return target;
  return nullptr;
}
