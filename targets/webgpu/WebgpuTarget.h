//===- WebgpuTarget.h - Kernels for GPUs of browsers ------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WEBGPU_WEBGPUTARGET_H
#define NNCC_TARGETS_WEBGPU_WEBGPUTARGET_H

#include "targets/Target.h"

namespace nncc::webgpu {

const Target &getWebgpuTarget();

} // namespace nncc::webgpu

#endif
