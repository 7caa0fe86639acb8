//===- Segments.cpp - A program that is run in parts ----------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/webgpu/Segments.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "nncc/Dialect/Exec/Exec.h"
#include "targets/webgpu/CarriedValues.h"

using namespace mlir;

namespace nncc::webgpu {

// What runtime/core/Commands.cpp defines.
static constexpr llvm::StringLiteral segmentName = "nncc_gpu_segment";

/// The number of the segment whose turn it is.
static Value getTurn(OpBuilder &b, func::FuncOp program) {
  Location loc = program.getLoc();
  auto module = program->getParentOfType<ModuleOp>();
  if (!module.lookupSymbol(segmentName)) {
    auto declared = func::FuncOp::create(
        loc, segmentName, b.getFunctionType({}, b.getIndexType()));
    declared.setPrivate();
    module.push_back(declared);
  }
  return b.create<func::CallOp>(loc, segmentName, b.getIndexType())
      .getResult(0);
}

void splitSegments(func::FuncOp program) {
  Block &body = program.getBody().front();
  SmallVector<SmallVector<Operation *>> segments(1);
  for (Operation &op : body.without_terminator()) {
    if (isa<exec::ReadbackOp>(op))
      segments.emplace_back();
    else if (!isInAllSegments(&op))
      segments.back().push_back(&op);
  }
  if (segments.size() == 1)
    return;
  OpBuilder b(body.getTerminator());
  Location loc = program.getLoc();
  Value turn = getTurn(b, program);
  for (auto [number, ops] : llvm::enumerate(segments)) {
    Value mine = b.create<arith::ConstantIndexOp>(loc, number);
    Value isDue =
        b.create<arith::CmpIOp>(loc, arith::CmpIPredicate::eq, turn, mine);
    auto part = b.create<scf::IfOp>(loc, isDue, /*withElseRegion=*/false);
    for (Operation *op : ops)
      op->moveBefore(part.thenBlock()->getTerminator());
  }
  for (auto readback :
       llvm::make_early_inc_range(body.getOps<exec::ReadbackOp>()))
    readback.erase();
}

} // namespace nncc::webgpu
