//===- ModelFile.h - a parsed ONNX file and its data ------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_FRONTENDS_ONNX_MODELFILE_H
#define NNCC_FRONTENDS_ONNX_MODELFILE_H

#include "frontends/onnx/Import.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Support/LLVM.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/MemoryBuffer.h"

#include <memory>
#include <string>
#include <vector>

namespace onnx {
class ModelProto;
} // namespace onnx

namespace nncc::onnx {

/// Text from a file, made fit for a message: unprintable bytes are escaped,
/// long texts cut.
std::string printable(llvm::StringRef text);

/// A model and everything that its tensors' bytes live in.
class ModelFile {
public:
  ModelFile(llvm::StringRef path, mlir::MLIRContext &context,
            FileListener onFile = nullptr);
  ~ModelFile();

  /// Parses the file's bytes. On failure an error has been emitted.
  mlir::LogicalResult parse(llvm::StringRef bytes);

  const ::onnx::ModelProto &getModel() const { return *model; }
  /// The file's name without its folder.
  llvm::StringRef getName() const { return name; }
  llvm::StringRef getSha256() const { return sha256; }

  /// An error whose text begins with the file's name.
  mlir::InFlightDiagnostic error() const;
  /// A warning of the same form.
  mlir::InFlightDiagnostic warning() const;

  /// `length` bytes (all that follow when negative) at `offset` of the file
  /// `location`, which has to lie in the model's folder. Emits an error that
  /// begins with `who` on failure.
  mlir::FailureOr<llvm::ArrayRef<char>>
  getExternalData(llvm::StringRef location, uint64_t offset, int64_t length,
                  const std::string &who);

  /// Memory that lives as long as the model.
  char *allocate(size_t bytes);

private:
  mlir::FailureOr<llvm::MemoryBuffer *> openExternal(llvm::StringRef location,
                                                     const std::string &who);

  mlir::MLIRContext &context;
  FileListener onFile;
  std::string path;
  std::string name;
  std::string sha256;
  std::unique_ptr<::onnx::ModelProto> model;
  llvm::StringMap<std::unique_ptr<llvm::MemoryBuffer>> external;
  std::vector<std::unique_ptr<char[]>> owned;
};

} // namespace nncc::onnx

#endif // NNCC_FRONTENDS_ONNX_MODELFILE_H
