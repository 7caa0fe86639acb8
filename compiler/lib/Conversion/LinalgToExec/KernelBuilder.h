//===- KernelBuilder.h - Outlines linalg ops as kernels ---------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_LIB_CONVERSION_LINALGTOEXEC_KERNELBUILDER_H
#define NNCC_LIB_CONVERSION_LINALGTOEXEC_KERNELBUILDER_H

#include "Buffer.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "nncc/Dialect/Exec/Exec.h"

namespace nncc::exec {

/// What a kernel is made of: one generic and, optionally, an elementwise
/// epilogue that reads its result.
struct KernelRequest {
  mlir::linalg::GenericOp main;
  mlir::linalg::GenericOp epilogue;
  /// Where the results of the last of them go.
  llvm::SmallVector<Buffer> results;
};

/// Outlines kernels into the module and dispatches them. Kernels that are alike
/// but for names are one.
class KernelBuilder {
public:
  KernelBuilder(mlir::ModuleOp module,
                llvm::function_ref<mlir::FailureOr<Buffer>(mlir::Value)> buffer,
                llvm::function_ref<mlir::Value(mlir::Value)> hostValue,
                llvm::ArrayRef<mlir::Value> symbols)
      : module(module), context(module.getContext()), getBuffer(buffer),
        getHostValue(hostValue), symbols(symbols) {}

  /// Outlines the request and dispatches it at the builder's insertion point.
  mlir::LogicalResult dispatch(mlir::OpBuilder &host,
                               const KernelRequest &request);
  /// Dispatches a copy between views of equal sizes.
  mlir::LogicalResult copy(mlir::OpBuilder &host, mlir::Location loc,
                           const Buffer &from, const Buffer &to);
  /// Dispatches a kernel that sets every element of a view.
  mlir::LogicalResult fill(mlir::OpBuilder &host, mlir::Location loc,
                           mlir::TypedAttr value, const Buffer &to);

private:
  struct Draft;

  mlir::Value addView(Draft &draft, const Buffer &buffer);
  mlir::Value addPaddedView(Draft &draft, const Buffer &buffer);
  mlir::Value addView(Draft &draft, mlir::BlockArgument argument,
                      int64_t offset, const Buffer &buffer);
  /// Views that lie in one buffer at constant distances share an argument, so
  /// that a loop over many of them keeps one pointer.
  llvm::SmallVector<mlir::Value> addViews(Draft &draft,
                                          llvm::ArrayRef<Buffer> buffers);
  mlir::FailureOr<mlir::Value> addOperand(Draft &draft, mlir::Value tensor);
  mlir::FailureOr<mlir::Value> addScalar(Draft &draft, mlir::Value value);
  mlir::LogicalResult addOperands(Draft &draft, const KernelRequest &request);
  /// The sizes of the main generic's result, also where only the epilogue's is
  /// written.
  llvm::SmallVector<mlir::AffineExpr>
  getMainSizes(const KernelRequest &request);
  /// What holds a result that the epilogue reads and that never reaches memory.
  mlir::Value addAccumulator(Draft &draft, mlir::Value result,
                             llvm::ArrayRef<mlir::AffineExpr> sizes);
  /// Sets what a reduction starts from.
  mlir::LogicalResult addFills(Draft &draft, mlir::linalg::GenericOp op,
                               mlir::ValueRange outputs);
  /// The operations of all iterations.
  mlir::FailureOr<mlir::AffineExpr>
  getFlops(mlir::linalg::GenericOp op,
           llvm::ArrayRef<mlir::AffineExpr> resultSizes);
  mlir::LogicalResult addGeneric(Draft &draft, mlir::linalg::GenericOp op,
                                 mlir::ValueRange outputs);
  mlir::LogicalResult addCaptures(Draft &draft, mlir::linalg::GenericOp op);
  mlir::Value getHostView(mlir::OpBuilder &host, mlir::Location loc,
                          const Buffer &buffer);
  mlir::Value getSize(Draft &draft, mlir::AffineExpr size);
  void finish(mlir::OpBuilder &host, Draft &draft);
  mlir::func::FuncOp addKernel(Draft &draft);

  mlir::ModuleOp module;
  mlir::MLIRContext *context;
  llvm::function_ref<mlir::FailureOr<Buffer>(mlir::Value)> getBuffer;
  llvm::function_ref<mlir::Value(mlir::Value)> getHostValue;
  llvm::ArrayRef<mlir::Value> symbols;
  llvm::StringMap<mlir::func::FuncOp> kernels;
  llvm::StringMap<unsigned> names;
};

} // namespace nncc::exec

#endif
