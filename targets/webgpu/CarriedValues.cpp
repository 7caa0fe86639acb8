//===- CarriedValues.cpp - Numbers of the host beyond a segment -----------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/webgpu/CarriedValues.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "targets/webgpu/HostSlots.h"
#include "targets/webgpu/OpenLoops.h"
#include "llvm/ADT/MapVector.h"

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
    forEachOpenBlock(program, [&](Block &block) { divide(block); });
  }

  void run();

private:
  void divide(Block &block);
  /// The value in another segment than its own.
  Value getIn(unsigned segment, Value value);
  Value load(unsigned segment, Value value);
  Value getSlot(Value value);

  func::FuncOp program;
  unsigned numSegments = 0;
  llvm::MapVector<Operation *, unsigned> segments;
  /// The first op of each segment.
  llvm::DenseMap<unsigned, Operation *> begins;
  llvm::DenseMap<Value, Value> slots;
  llvm::DenseMap<std::pair<unsigned, Value>, Value> copies;
};

} // namespace

/// Numbers the stretches between readbacks, bindings and open loops.
void Carrier::divide(Block &block) {
  begins[++numSegments] = &block.front();
  for (Operation &op : block) {
    segments[&op] = numSegments;
    if (isa<exec::ReadbackOp, exec::BindOp>(op) || isOpenLoop(&op))
      begins[++numSegments] = op.getNextNode();
  }
}

/// Stored where it is computed.
Value Carrier::getSlot(Value value) {
  Value &slot = slots[value];
  if (slot)
    return slot;
  slot = makeSlot(program, value.getType());
  OpBuilder b(program.getContext());
  b.setInsertionPointAfterValue(value);
  storeSlot(b, value, slot);
  return slot;
}

Value Carrier::load(unsigned segment, Value value) {
  Value slot = getSlot(value);
  OpBuilder b(begins[segment]);
  return loadSlot(b, value.getType(), slot);
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
  if (numSegments == 1)
    return;
  for (auto &[step, segment] : segments) {
    // The steps of an open loop are in segments of their own.
    if (isOpenLoop(step))
      continue;
    step->walk([&, segment = segment](Operation *inner) {
      for (OpOperand &operand : inner->getOpOperands())
        operand.set(getIn(segment, operand.get()));
    });
  }
}

void carryValues(func::FuncOp program) { Carrier(program).run(); }

} // namespace nncc::webgpu
