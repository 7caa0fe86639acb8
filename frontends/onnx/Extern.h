//===- Extern.h - operators of a user's own ---------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_FRONTENDS_ONNX_EXTERN_H
#define NNCC_FRONTENDS_ONNX_EXTERN_H

#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/Support/LLVM.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace nncc::onnx {

/// A tensor of a declaration.
struct ExternTensor {
  /// An element type's name ("f32"), or a variable that stands for one.
  std::string element;
  bool isVariable = false;
  /// Over the declaration's names as symbols; null for "...", which stands
  /// for any number of sizes.
  llvm::SmallVector<mlir::AffineExpr> dims;
};

/// What --extern says of an operator: "DOMAIN::OP=T[n,...],i64[k]->T[n+k,...]".
struct ExternOperator {
  std::string domain, op;
  llvm::SmallVector<ExternTensor> inputs, outputs;
  /// The names of sizes, by the number of their symbol.
  std::vector<std::string> sizes;

  std::string getName() const { return domain + "::" + op; }
};

/// Parses a declaration; the error says what is wrong where.
llvm::Expected<ExternOperator> parseExtern(llvm::StringRef text,
                                           mlir::MLIRContext *context);

/// The types of the outputs for inputs of these types, which have to match the
/// declaration. `describe` prints a type for messages.
llvm::Expected<llvm::SmallVector<mlir::RankedTensorType>> inferExternOutputs(
    const ExternOperator &declared,
    llvm::ArrayRef<mlir::RankedTensorType> inputs,
    llvm::function_ref<std::string(mlir::RankedTensorType)> describe);

} // namespace nncc::onnx

#endif // NNCC_FRONTENDS_ONNX_EXTERN_H
