//===- RowKernel.cpp - Kernels that work row by row -----------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RowKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "nncc/Kernels/Rows.h"

using namespace mlir;

namespace nncc::kernels {

namespace {

/// A kernel that becomes a part of another.
struct Part {
  func::CallOp call;
  func::FuncOp body; ///< a copy, in no module
  int64_t rowElements;
};

class RowKernelBuilder {
public:
  explicit RowKernelBuilder(func::FuncOp kernel) : kernel(kernel) {}

  FailureOr<AffineExpr> build();

private:
  LogicalResult addPart(func::CallOp call);
  int64_t getRowsAtOnce() const;
  void emitLoop();

  func::FuncOp kernel;
  AffineExpr count;
  SmallVector<Part> parts;
};

} // namespace

/// Elements of a row. An open size counts as a usual one.
static int64_t countElements(const LoopNest &nest) {
  constexpr int64_t usual = 256;
  int64_t count = 1;
  for (const LoopDim &dim : nest.dims) {
    auto size = dyn_cast<AffineConstantExpr>(dim.size);
    if (!dim.isRow)
      count *= size ? std::max<int64_t>(size.getValue(), 1) : usual;
  }
  return count;
}

LogicalResult RowKernelBuilder::addPart(func::CallOp call) {
  auto callee = kernel->getParentOfType<ModuleOp>().lookupSymbol<func::FuncOp>(
      call.getCallee());
  Part part{call, callee.clone(), 0};
  parts.push_back(part);
  FailureOr<LoopNest> nest = buildLoopNest(part.body);
  if (failed(nest))
    return failure();
  std::optional<RowSplit> split =
      count ? splitRows(*nest, count) : getReducedRows(*nest);
  if (!split)
    return callee.emitError("does not work row by row");
  if (!count)
    count = getCount(*nest, split->rows, kernel.getContext());
  if (!collapseRows(*nest, *split))
    return callee.emitError("has rows that are no loop");
  parts.back().rowElements = countElements(*nest);
  generateLoops(part.body, *nest);
  return success();
}

/// As many as fit into a part of the first cache, some 8 KB a buffer.
int64_t RowKernelBuilder::getRowsAtOnce() const {
  constexpr int64_t elements = 2048;
  int64_t longest = 1;
  for (const Part &part : parts)
    longest = std::max(longest, part.rowElements);
  return std::max<int64_t>(elements / longest, 1);
}

void RowKernelBuilder::emitLoop() {
  Block &body = kernel.getBody().front();
  OpBuilder b(body.getTerminator());
  Location loc = kernel.getLoc();
  unsigned numArguments = kernel.getNumArguments();
  Value begin = kernel.getArgument(numArguments - 2);
  Value end = kernel.getArgument(numArguments - 1);
  Value step = b.create<arith::ConstantIndexOp>(loc, getRowsAtOnce());
  auto loop = b.create<scf::ForOp>(loc, begin, end, step);
  b.setInsertionPointToStart(loop.getBody());
  Value first = loop.getInductionVar();
  Value next = b.create<arith::AddIOp>(loc, first, step);
  Value last = b.create<arith::MinUIOp>(loc, next, end);
  for (Part &part : parts) {
    IRMapping mapping;
    auto call = part.call;
    for (auto [i, operand] : llvm::enumerate(call.getOperands().drop_back(2)))
      mapping.map(part.body.getArgument(i), operand);
    unsigned count = part.body.getNumArguments();
    mapping.map(part.body.getArgument(count - 2), first);
    mapping.map(part.body.getArgument(count - 1), last);
    for (Operation &op : part.body.getBody().front().without_terminator())
      b.clone(op, mapping);
  }
}

FailureOr<AffineExpr> RowKernelBuilder::build() {
  LogicalResult added = success();
  for (auto call : kernel.getOps<func::CallOp>())
    if (added = addPart(call); failed(added))
      break;
  if (succeeded(added))
    emitLoop();
  for (Part &part : parts) {
    if (succeeded(added))
      part.call.erase();
    part.body.erase();
  }
  if (failed(added))
    return failure();
  return count;
}

FailureOr<AffineExpr> generateRowKernel(func::FuncOp kernel) {
  return RowKernelBuilder(kernel).build();
}

} // namespace nncc::kernels
