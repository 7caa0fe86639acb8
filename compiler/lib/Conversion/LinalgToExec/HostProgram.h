//===- HostProgram.h - Tensors to buffers, ops to dispatches ----*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_LIB_CONVERSION_LINALGTOEXEC_HOSTPROGRAM_H
#define NNCC_LIB_CONVERSION_LINALGTOEXEC_HOSTPROGRAM_H

#include "KernelBuilder.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/BitVector.h"

namespace nncc::exec {

/// Translates `@main`, op by op, into the host program.
class HostProgramBuilder {
public:
  HostProgramBuilder(mlir::ModuleOp module, bool guardPads)
      : module(module), guardPads(guardPads), context(module.getContext()),
        host(context) {}

  mlir::LogicalResult run(mlir::func::FuncOp main);

private:
  void addProgram(mlir::func::FuncOp main);
  void bindSymbols(mlir::func::FuncOp main);
  mlir::LogicalResult bindInputs(mlir::func::FuncOp main);
  mlir::FailureOr<Buffer> placeOutput(mlir::Value value,
                                      llvm::DenseSet<mlir::Value> &returned);
  mlir::LogicalResult returnOutputs(mlir::func::ReturnOp end);
  mlir::Type getBytesType() {
    return mlir::MemRefType::get({mlir::ShapedType::kDynamic},
                                 host.getI8Type());
  }

  // One function an op that stands in the linalg stage.
  mlir::LogicalResult convertBlock(mlir::Block &block);
  mlir::LogicalResult convert(mlir::Operation *op);
  mlir::LogicalResult convert(mlir::linalg::GenericOp op);
  mlir::LogicalResult convert(mlir::linalg::FillOp op);
  mlir::LogicalResult convert(mlir::tensor::PadOp op);
  mlir::LogicalResult convert(mlir::tensor::CollapseShapeOp op);
  mlir::LogicalResult convert(mlir::tensor::ExpandShapeOp op);
  mlir::LogicalResult convert(mlir::tensor::ExtractSliceOp op);
  mlir::LogicalResult convert(mlir::tensor::CastOp op);
  mlir::LogicalResult convert(mlir::tensor::InsertSliceOp op);
  mlir::LogicalResult convert(mlir::tensor::FromElementsOp op);
  mlir::LogicalResult convert(mlir::tensor::InsertOp op);
  mlir::LogicalResult convert(mlir::tensor::ExtractOp op);
  mlir::LogicalResult convert(mlir::tensor::DimOp op);
  mlir::LogicalResult convert(mlir::arith::ConstantOp op);
  mlir::LogicalResult convert(mlir::scf::ForOp op);
  mlir::LogicalResult convert(mlir::scf::IfOp op);
  mlir::LogicalResult convert(mlir::scf::WhileOp op);
  mlir::LogicalResult convert(ExternOp op);
  mlir::LogicalResult convert(BindOp op);

  /// A buffer of its own for what a loop carries, with the initial value.
  mlir::FailureOr<Buffer> getCarried(mlir::Value init, mlir::Value result);
  /// The ops of a step of a loop, but for the last one if that binds sizes of
  /// what is carried.
  mlir::LogicalResult convertStep(mlir::Block &body);
  mlir::LogicalResult convertBody(mlir::Block *body, mlir::Region &to);
  mlir::LogicalResult getCarriedBuffers(mlir::scf::WhileOp op,
                                        llvm::SmallVectorImpl<Buffer> &carried);
  llvm::SmallVector<mlir::Value> getNumbers(mlir::ValueRange values);
  /// Carries over what needs the sizes as they are, binds the next ones, and
  /// carries over the rest, which lies in other memory.
  mlir::LogicalResult endStep(mlir::Block &body, mlir::ValueRange values,
                              llvm::ArrayRef<Buffer> carried);
  /// Writes what a step gives into the carried buffers.
  mlir::LogicalResult carryOver(mlir::Location loc, mlir::ValueRange values,
                                llvm::ArrayRef<Buffer> carried);
  mlir::FailureOr<Buffer> getBuffer(mlir::Value tensor);
  /// Where a value is to be written: where its only user wants it, or a new
  /// buffer.
  mlir::FailureOr<Buffer> getDestination(mlir::Value tensor);
  mlir::FailureOr<std::optional<Buffer>> getUserDestination(mlir::Value tensor);
  /// The slice of an assembled tensor that an insertion fills.
  mlir::FailureOr<std::optional<Buffer>>
  getInsertedPlace(mlir::tensor::InsertSliceOp insert);
  /// Of a tensor with several users: its place in one that it becomes a part
  /// of, if the others can read it there.
  mlir::FailureOr<std::optional<Buffer>>
  getSharedDestination(mlir::Value tensor);
  mlir::FailureOr<Buffer> getInsertionTarget(mlir::tensor::InsertSliceOp op);
  mlir::FailureOr<Buffer> getPadded(mlir::tensor::PadOp op);
  /// The padded tensor as a view of its source.
  mlir::FailureOr<Buffer> getPaddedView(mlir::tensor::PadOp op);
  /// Gives a slice of a padded view what it has of the padding.
  void slicePaddedView(mlir::tensor::ExtractSliceOp op, const Padding &padding,
                       Buffer &slice);
  /// Whether readers of the padded tensor test the indices.
  bool isGuarded(mlir::tensor::PadOp op) const;
  Buffer getInterior(mlir::tensor::PadOp op, const Buffer &padded);
  /// The bytes from a buffer's first element on.
  mlir::Value getBytes(mlir::Location loc, const Buffer &buffer);
  Buffer allocate(mlir::Location loc, llvm::ArrayRef<mlir::AffineExpr> sizes,
                  mlir::Type elementType);
  /// A buffer with the tensor's elements that lies as one.
  mlir::FailureOr<Buffer> makeContiguous(mlir::Location loc,
                                         const Buffer &buffer);
  mlir::FailureOr<llvm::SmallVector<mlir::AffineExpr>>
  getSizes(mlir::Value tensor);
  mlir::FailureOr<llvm::SmallVector<mlir::AffineExpr>>
  getResultSizes(mlir::tensor::CollapseShapeOp collapse);
  mlir::FailureOr<llvm::SmallVector<mlir::AffineExpr>>
  getResultSizes(mlir::tensor::PadOp pad);
  mlir::FailureOr<mlir::AffineExpr> getSize(mlir::tensor::DimOp op);
  mlir::FailureOr<mlir::AffineExpr> getExpr(mlir::Location loc,
                                            mlir::Value value);
  mlir::FailureOr<llvm::SmallVector<mlir::AffineExpr>>
  getExprs(mlir::Location loc, llvm::ArrayRef<mlir::OpFoldResult> values);
  mlir::FailureOr<Buffer> getSlice(mlir::Operation *op, const Buffer &from,
                                   llvm::ArrayRef<mlir::OpFoldResult> offsets,
                                   llvm::ArrayRef<mlir::OpFoldResult> sizes,
                                   llvm::ArrayRef<mlir::OpFoldResult> strides,
                                   const llvm::SmallBitVector &dropped);
  /// Whether the sizes of a tensor are known here.
  bool areSizesBound(mlir::Value tensor);
  /// Writes `tensor` into `buffer` unless it is there already.
  mlir::LogicalResult writeTo(mlir::Location loc, mlir::Value tensor,
                              const Buffer &buffer);
  mlir::Value getElementView(mlir::Location loc, const Buffer &buffer,
                             mlir::ValueRange indices, mlir::Value &index);
  mlir::AffineExpr constant(int64_t value) {
    return getAffineConstantExpr(value, context);
  }

  mlir::ModuleOp module;
  /// See the pass option.
  bool guardPads;
  mlir::MLIRContext *context;
  mlir::OpBuilder host;
  mlir::func::FuncOp program;
  llvm::SmallVector<mlir::Value> symbols;
  /// Symbols whose exec.bind comes later.
  llvm::BitVector unbound;
  llvm::DenseMap<mlir::Value, Buffer> buffers;
  mlir::IRMapping hostValues;
  std::unique_ptr<KernelBuilder> kernels;
};

/// Whether two views are the same elements.
bool isSamePlace(const Buffer &a, const Buffer &b);

/// The elementwise op that a reduction's kernel computes too, if there is one:
/// its only user, which walks the result as it was written.
mlir::linalg::GenericOp getEpilogue(mlir::linalg::GenericOp op);

/// The reduction whose kernel computes `epilogue`, if there is one.
mlir::linalg::GenericOp getMainOf(mlir::linalg::GenericOp epilogue);

} // namespace nncc::exec

#endif
