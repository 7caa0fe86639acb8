//===- Tensors.h - ONNX tensors as attributes -------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_FRONTENDS_ONNX_TENSORS_H
#define NNCC_FRONTENDS_ONNX_TENSORS_H

#include "frontends/onnx/Import.h"

#include "mlir/IR/BuiltinAttributeInterfaces.h"

namespace onnx {
class TensorProto;
} // namespace onnx

namespace nncc::onnx {

class ModelFile;

/// The value of a tensor: a dense attribute when it is small, else a resource
/// over the file's own memory (row-major, little-endian, a byte for a bool).
/// The claimed shape is checked against the data that there is; on failure an
/// error that begins with `who` has been emitted.
mlir::FailureOr<mlir::ElementsAttr>
convertTensor(ModelFile &file, const ::onnx::TensorProto &tensor,
              const std::string &who, const ImportOptions &options,
              mlir::MLIRContext *context);

} // namespace nncc::onnx

#endif // NNCC_FRONTENDS_ONNX_TENSORS_H
