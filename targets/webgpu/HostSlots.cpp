//===- HostSlots.cpp - Numbers of the host in its memory ------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/webgpu/HostSlots.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "nncc/Dialect/Exec/Exec.h"

using namespace mlir;

namespace nncc::webgpu {

/// An index or a boolean in memory.
static Type getSlotType(Type type) {
  Builder b(type.getContext());
  if (type.isIndex())
    return b.getI64Type();
  return type.isInteger(1) ? b.getI8Type() : type;
}

Value makeSlot(func::FuncOp program, Type type) {
  OpBuilder b(program.getContext());
  b.setInsertionPointToStart(&program.getBody().front());
  Location loc = program.getLoc();
  auto alloc = b.create<exec::AllocOp>(
      loc, MemRefType::get({ShapedType::kDynamic}, b.getI8Type()),
      AffineMapAttr::get(AffineMap::getConstantMap(8, b.getContext())));
  alloc->setAttr(exec::hostAttrName, b.getUnitAttr());
  Value zero = b.create<arith::ConstantIndexOp>(loc, 0);
  return b.create<memref::ViewOp>(loc, MemRefType::get({1}, getSlotType(type)),
                                  alloc, zero, ValueRange());
}

void storeSlot(OpBuilder &b, Value value, Value slot) {
  Location loc = value.getLoc();
  Type type = getSlotType(value.getType());
  if (value.getType().isIndex())
    value = b.create<arith::IndexCastOp>(loc, type, value);
  else if (value.getType() != type)
    value = b.create<arith::ExtUIOp>(loc, type, value);
  Value zero = b.create<arith::ConstantIndexOp>(loc, 0);
  b.create<memref::StoreOp>(loc, value, slot, zero);
}

Value loadSlot(OpBuilder &b, Type type, Value slot) {
  Location loc = slot.getLoc();
  Value zero = b.create<arith::ConstantIndexOp>(loc, 0);
  Value stored = b.create<memref::LoadOp>(loc, slot, zero);
  if (type.isIndex())
    return b.create<arith::IndexCastOp>(loc, type, stored);
  if (type != stored.getType())
    return b.create<arith::TruncIOp>(loc, type, stored);
  return stored;
}

} // namespace nncc::webgpu
