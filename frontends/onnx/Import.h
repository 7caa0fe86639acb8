//===- Import.h - reads an ONNX file ----------------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_FRONTENDS_ONNX_IMPORT_H
#define NNCC_FRONTENDS_ONNX_IMPORT_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Support/LLVM.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace nncc::onnx {

/// What is known of a symbolic dimension: `low == high` makes it a constant,
/// `high == -1` leaves it open.
struct DimBound {
  std::string name;
  int64_t low = 0;
  int64_t high = -1;
};

/// Parses NAME=VALUE or NAME=LOW..HIGH.
llvm::Expected<DimBound> parseDimBound(llvm::StringRef text);

/// Told of each file that is read: its path in the model's folder, and its
/// bytes.
using FileListener =
    std::function<void(llvm::StringRef path, llvm::StringRef bytes)>;

struct ImportOptions {
  std::vector<DimBound> dims;
  /// A tensor that claims more elements than this is refused.
  int64_t maxElements = int64_t(1) << 32;
  FileListener onFile = nullptr;
};

/// Reads the ONNX file at `path` into a module of the `onnx` dialect: one
/// function `main` with the graph's inputs (named by `nn.name`, symbols in
/// `nn.symbols`, bounds in `nn.symbol_bounds`), and the module attributes
/// `nncc.source_name` and `nncc.source_sha256`.
///
/// Weights are resources that point into memory owned by `keepAlive`, which
/// has to outlive every use of the module's constants. Nothing in the file is
/// trusted; on failure errors have been emitted whose texts name the file and
/// the node.
mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>>
importOnnx(llvm::StringRef path, mlir::MLIRContext &context,
           const ImportOptions &options, std::shared_ptr<void> &keepAlive);

/// The same for a file that is in memory already. External data is looked for
/// in the folder of `path`; an empty path forbids it.
mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>>
importOnnx(llvm::StringRef bytes, llvm::StringRef path,
           mlir::MLIRContext &context, const ImportOptions &options,
           std::shared_ptr<void> &keepAlive);

} // namespace nncc::onnx

#endif // NNCC_FRONTENDS_ONNX_IMPORT_H
