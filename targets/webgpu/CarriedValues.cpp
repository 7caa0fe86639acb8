//===- CarriedValues.cpp - Numbers of the host beyond a segment -----------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/webgpu/CarriedValues.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/ADT/DenseMap.h"

using namespace mlir;

namespace nncc::webgpu {

static bool isRepeatable(Operation *op) {
  // Memory that is planned is there from the beginning to the end.
  return isa<exec::AllocOp>(op) ||
         (op->getNumRegions() == 0 && isMemoryEffectFree(op));
}

bool isInAllSegments(Operation *op) {
  return isRepeatable(op) && llvm::all_of(op->getOperands(), [](Value operand) {
           Operation *maker = operand.getDefiningOp();
           return !maker || isInAllSegments(maker);
         });
}

namespace {

class Carrier {
public:
  explicit Carrier(func::FuncOp program) : program(program) {
    unsigned number = 0;
    for (Operation &op : program.getBody().front()) {
      segments[&op] = number;
      if (isa<exec::ReadbackOp>(op))
        begins[++number] = op.getNextNode();
    }
  }

  void run();

private:
  /// The value in another segment than its own.
  Value getIn(unsigned segment, Value value);
  Value load(unsigned segment, Value value);
  Value getSlot(Value value);

  func::FuncOp program;
  llvm::DenseMap<Operation *, unsigned> segments;
  /// The first op of each segment but the first.
  llvm::DenseMap<unsigned, Operation *> begins;
  llvm::DenseMap<Value, Value> slots;
  llvm::DenseMap<std::pair<unsigned, Value>, Value> copies;
};

} // namespace

/// An index or a boolean in memory.
static Type getSlotType(Type type) {
  Builder b(type.getContext());
  if (type.isIndex())
    return b.getI64Type();
  return type.isInteger(1) ? b.getI8Type() : type;
}

/// A view of 8 bytes in which the value is stored where it is computed.
Value Carrier::getSlot(Value value) {
  Value &slot = slots[value];
  if (slot)
    return slot;
  OpBuilder b(program.getContext());
  b.setInsertionPointToStart(&program.getBody().front());
  Location loc = value.getLoc();
  auto alloc = b.create<exec::AllocOp>(
      loc, MemRefType::get({ShapedType::kDynamic}, b.getI8Type()),
      AffineMapAttr::get(AffineMap::getConstantMap(8, b.getContext())));
  alloc->setAttr(exec::hostAttrName, b.getUnitAttr());
  Value zero = b.create<arith::ConstantIndexOp>(loc, 0);
  Type type = getSlotType(value.getType());
  slot = b.create<memref::ViewOp>(loc, MemRefType::get({1}, type), alloc, zero,
                                  ValueRange());
  b.setInsertionPointAfterValue(value);
  if (value.getType().isIndex())
    value = b.create<arith::IndexCastOp>(loc, type, value);
  else if (value.getType() != type)
    value = b.create<arith::ExtUIOp>(loc, type, value);
  b.create<memref::StoreOp>(loc, value, slot, zero);
  return slot;
}

Value Carrier::load(unsigned segment, Value value) {
  Value slot = getSlot(value);
  OpBuilder b(begins[segment]);
  Location loc = value.getLoc();
  Value zero = b.create<arith::ConstantIndexOp>(loc, 0);
  Value stored = b.create<memref::LoadOp>(loc, slot, zero);
  if (value.getType().isIndex())
    return b.create<arith::IndexCastOp>(loc, value.getType(), stored);
  if (value.getType() != stored.getType())
    return b.create<arith::TruncIOp>(loc, value.getType(), stored);
  return stored;
}

Value Carrier::getIn(unsigned segment, Value value) {
  Operation *maker = value.getDefiningOp();
  if (!maker || !segments.contains(maker) || segments[maker] == segment ||
      isInAllSegments(maker))
    return value;
  if (Value known = copies.lookup({segment, value}))
    return known;
  Value copy;
  if (isRepeatable(maker)) {
    SmallVector<Value> operands;
    for (Value operand : maker->getOperands())
      operands.push_back(getIn(segment, operand));
    OpBuilder b(begins[segment]);
    Operation *clone = b.clone(*maker);
    clone->setOperands(operands);
    copy = clone->getResult(cast<OpResult>(value).getResultNumber());
  } else {
    copy = load(segment, value);
  }
  return copies[{segment, value}] = copy;
}

void Carrier::run() {
  if (begins.empty())
    return;
  SmallVector<std::pair<Operation *, unsigned>> steps(segments.begin(),
                                                      segments.end());
  llvm::sort(steps, [](auto &a, auto &b) {
    return a.first->isBeforeInBlock(b.first);
  });
  for (const auto &step : steps)
    step.first->walk([&](Operation *inner) {
      for (OpOperand &operand : inner->getOpOperands())
        operand.set(getIn(step.second, operand.get()));
    });
}

void carryValues(func::FuncOp program) { Carrier(program).run(); }

} // namespace nncc::webgpu
