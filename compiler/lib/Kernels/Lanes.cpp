//===- Lanes.cpp - Scalar bodies on vector lanes --------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "nncc/Kernels/Lanes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace nncc::kernels {

/// A load in the body of which only the last index differs between lanes, and
/// by one from each to the next.
static bool isContiguousLoad(memref::LoadOp load, unsigned dim,
                             const DenseSet<Value> &varying) {
  if (load.getIndices().empty())
    return false;
  auto index = load.getIndices().back().getDefiningOp<linalg::IndexOp>();
  if (!index || index.getDim() != dim)
    return false;
  auto view = load.getMemRef().getDefiningOp<memref::ReinterpretCastOp>();
  if (!view || view.getStaticStrides().back() != 1)
    return false;
  return llvm::none_of(load.getIndices().drop_back(),
                       [&](Value i) { return varying.contains(i); });
}

bool canVectorize(const Stage &stage, unsigned dim) {
  linalg::GenericOp op = stage.op;
  Block *body = op.getBody();
  DenseSet<Value> varying;
  for (auto [argument, access] : llvm::zip(body->getArguments(), stage.inputs))
    if (!access.buffer || !access.isZero(dim))
      varying.insert(argument);
  for (Value accumulator : body->getArguments().drop_front(stage.inputs.size()))
    varying.insert(accumulator);
  for (Operation &inner : body->without_terminator()) {
    if (auto index = dyn_cast<linalg::IndexOp>(inner)) {
      if (index.getDim() == dim)
        varying.insert(index);
      continue;
    }
    bool varies = llvm::any_of(inner.getOperands(),
                               [&](Value v) { return varying.contains(v); });
    if (!varies)
      continue;
    if (auto load = dyn_cast<memref::LoadOp>(inner)) {
      if (!isContiguousLoad(load, dim, varying))
        return false;
    } else if (!OpTrait::hasElementwiseMappableTraits(&inner) ||
               isa<arith::DivSIOp, arith::DivUIOp, arith::RemSIOp,
                   arith::RemUIOp, arith::CeilDivSIOp, arith::CeilDivUIOp,
                   arith::FloorDivSIOp>(inner)) {
      return false;
    }
    varying.insert(inner.result_begin(), inner.result_end());
  }
  return true;
}

Value toVector(OpBuilder &b, Location loc, Value value) {
  if (isa<VectorType>(value.getType()))
    return value;
  return b.create<vector::BroadcastOp>(
      loc, VectorType::get({lanes}, value.getType()), value);
}

Value cloneOnLanes(OpBuilder &b, Operation *op, const IRMapping &mapping) {
  bool onVectors = llvm::any_of(op->getOperands(), [&](Value operand) {
    return isa<VectorType>(mapping.lookupOrDefault(operand).getType());
  });
  IRMapping operands;
  for (Value operand : op->getOperands()) {
    Value mapped = mapping.lookupOrDefault(operand);
    operands.map(operand,
                 onVectors ? toVector(b, op->getLoc(), mapped) : mapped);
  }
  Operation *clone = b.clone(*op, operands);
  if (onVectors)
    for (Value result : clone->getResults())
      result.setType(VectorType::get({lanes}, result.getType()));
  return clone->getResult(0);
}

Value getLaneIndices(OpBuilder &b, Location loc) {
  auto type = VectorType::get({lanes}, b.getIndexType());
  return b.create<arith::ConstantOp>(
      loc,
      DenseElementsAttr::get(
          type, ArrayRef<Attribute>{b.getIndexAttr(0), b.getIndexAttr(1),
                                    b.getIndexAttr(2), b.getIndexAttr(3)}));
}

} // namespace nncc::kernels
