//===- Report.h - What the compiler made of a network -----------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TOOLS_NNCC_REPORT_H
#define NNCC_TOOLS_NNCC_REPORT_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/JSON.h"

namespace nncc {

/// An ONNX node, as the file has it.
struct SourceNode {
  std::string name, op;
  /// Numbers of the nodes whose outputs it takes.
  llvm::SmallVector<int64_t> inputs;
};

/// The nodes of an imported module, in order.
llvm::SmallVector<SourceNode> getSourceNodes(mlir::ModuleOp onnxModule);

/// Arithmetic operations of one run, over the symbols; for a module whose
/// kernels are dispatched and not yet called. Null where data tell how often
/// loops run.
mlir::AffineExpr countFlops(mlir::ModuleOp module);

/// What the section nncc.kernels of such a module says: its `kernels` (name,
/// flops, bytes) and its `dispatches` in order (kernel, nodes). Numbers that
/// depend on the symbols are expressions over s0, s1, ...
llvm::json::Object makeKernelTable(mlir::ModuleOp module);

/// The report of docs/report.md on such a module: the kernel table with shapes
/// and nodes of each kernel, and the symbols, the memory plan and the ONNX
/// nodes, which run on `device` ("cpu" or "gpu"). Numbers that depend on the
/// symbols are expressions as above.
llvm::json::Object makeReport(mlir::ModuleOp module, llvm::StringRef device,
                              llvm::ArrayRef<SourceNode> nodes);

} // namespace nncc

#endif
