//===- Types.h - ONNX types and symbolic dimensions -------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_FRONTENDS_ONNX_TYPES_H
#define NNCC_FRONTENDS_ONNX_TYPES_H

#include "frontends/onnx/Import.h"

#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/StringMap.h"

namespace onnx {
class TypeProto;
} // namespace onnx

namespace nncc::onnx {

class ModelFile;

/// The element type of a value of TensorProto.DataType; null for one that has
/// no equivalent (strings, complex numbers and floats of 4 bits).
mlir::Type getElementType(int32_t dataType, mlir::MLIRContext *context);

/// The name that ONNX gives a TensorProto.DataType, for messages.
std::string getDataTypeName(int32_t dataType);

/// The program's symbols, in order of first appearance over the inputs.
class DimSymbols {
public:
  DimSymbols(ModelFile &file, const ImportOptions &options,
             mlir::MLIRContext &context)
      : file(file), options(options), context(context) {}

  /// The type of the graph input `name`; makes symbols of its open dimensions.
  mlir::FailureOr<mlir::RankedTensorType>
  getInputType(llvm::StringRef name, const ::onnx::TypeProto &type);

  /// Reports bounds whose symbol no input has.
  mlir::LogicalResult checkBounds() const;

  llvm::ArrayRef<std::string> getNames() const { return names; }
  /// [low, high] a symbol; empty when none is bounded.
  llvm::SmallVector<mlir::Attribute> getBounds() const;

private:
  mlir::AffineExpr getDim(const std::string &name);
  const DimBound *findBound(llvm::StringRef name) const;

  ModelFile &file;
  const ImportOptions &options;
  mlir::MLIRContext &context;
  std::vector<std::string> names;
  llvm::StringMap<mlir::AffineExpr> dims;
};

/// The type that the file declares for a value inside the graph, without
/// symbols; null where it declares none that is usable.
mlir::Type getDeclaredType(const ::onnx::TypeProto &type,
                           mlir::MLIRContext *context);

} // namespace nncc::onnx

#endif // NNCC_FRONTENDS_ONNX_TYPES_H
