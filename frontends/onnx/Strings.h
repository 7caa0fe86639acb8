//===- Strings.h - numbers that stand for strings ---------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_FRONTENDS_ONNX_STRINGS_H
#define NNCC_FRONTENDS_ONNX_STRINGS_H

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"

namespace nncc::onnx {

/// What stands for a list of strings, which no tensor of a module can hold:
/// for each, how many others come first in the list. So the classes of a
/// classifier are 0, 1, 2..
template <typename Strings>
llvm::SmallVector<int64_t> numberStrings(const Strings &strings) {
  llvm::StringMap<int64_t> numbers;
  llvm::SmallVector<int64_t> result;
  for (const auto &text : strings)
    result.push_back(numbers.try_emplace(text, numbers.size()).first->second);
  return result;
}

} // namespace nncc::onnx

#endif // NNCC_FRONTENDS_ONNX_STRINGS_H
