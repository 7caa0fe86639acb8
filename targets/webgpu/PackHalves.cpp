//===- PackHalves.cpp - Halves where a GPU has no type for them -----------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "nncc/Dialect/Exec/Exec.h"
#include "targets/webgpu/Passes.h"
#include "targets/webgpu/Schedule.h"

namespace nncc::webgpu {

#define GEN_PASS_DEF_PACKHALVES
#include "targets/webgpu/Passes.h.inc"

} // namespace nncc::webgpu

using namespace mlir;
using namespace nncc;
using namespace nncc::webgpu;

namespace {

/// Rewrites one kernel.
class Packer {
public:
  explicit Packer(func::FuncOp kernel)
      : kernel(kernel), b(kernel.getContext()) {}

  void pack();

private:
  void packBuffer(BlockArgument buffer);
  Value load(memref::LoadOp op, bool isWide);
  void store(memref::StoreOp op, bool isWide);
  Value unpack(Location loc, Value word);
  Value packPair(Location loc, Value low, Value high);
  Value call(Location loc, StringRef builtin, Type result, Value operand);
  Value word(Location loc, int64_t value) {
    return b.create<arith::ConstantIntOp>(loc, value, 32);
  }
  Value extract(Location loc, Value vector, int64_t lane) {
    return b.create<vector::ExtractOp>(loc, vector, lane);
  }

  func::FuncOp kernel;
  OpBuilder b;
};

struct PackHalvesPass : webgpu::impl::PackHalvesBase<PackHalvesPass> {
  void runOnOperation() override;
};

} // namespace

static bool isHalf(Type type) { return getElementTypeOrSelf(type).isF16(); }

/// A function of WGSL's own, which MLIR has no op for.
Value Packer::call(Location loc, StringRef builtin, Type result,
                   Value operand) {
  return b.create<func::CallOp>(loc, builtin, TypeRange(result), operand)
      .getResult(0);
}

Value Packer::unpack(Location loc, Value word) {
  return call(loc, "unpack2x16float", VectorType::get(2, b.getF32Type()), word);
}

Value Packer::packPair(Location loc, Value low, Value high) {
  auto type = VectorType::get(2, b.getF32Type());
  Value pair =
      b.create<vector::FromElementsOp>(loc, type, ValueRange{low, high});
  return call(loc, "pack2x16float", b.getI32Type(), pair);
}

/// The f32 that an f16 in memory, or a vector of them, is.
Value Packer::load(memref::LoadOp op, bool isWide) {
  Location loc = op.getLoc();
  Value index = op.getIndices().front(), one = word(loc, 1);
  if (isWide) {
    Value words = b.create<memref::LoadOp>(loc, op.getMemRef(), index);
    SmallVector<Value> elements;
    for (int64_t i = 0; i < lanes; i += 2) {
      Value pair = unpack(loc, extract(loc, words, i / 2));
      elements.push_back(extract(loc, pair, 0));
      elements.push_back(extract(loc, pair, 1));
    }
    return b.create<vector::FromElementsOp>(
        loc, VectorType::get(lanes, b.getF32Type()), elements);
  }
  Value at = b.create<arith::IndexCastOp>(loc, b.getI32Type(), index);
  Value place = b.create<arith::IndexCastOp>(
      loc, b.getIndexType(), b.create<arith::ShRSIOp>(loc, at, one));
  Value pair =
      unpack(loc, b.create<memref::LoadOp>(loc, op.getMemRef(), place));
  Value isHigh =
      b.create<arith::CmpIOp>(loc, arith::CmpIPredicate::eq,
                              b.create<arith::AndIOp>(loc, at, one), one);
  return b.create<arith::SelectOp>(loc, isHigh, extract(loc, pair, 1),
                                   extract(loc, pair, 0));
}

/// Another thread may write the other half of a word: each clears and sets its
/// own bits alone.
void Packer::store(memref::StoreOp op, bool isWide) {
  Location loc = op.getLoc();
  Value index = op.getIndices().front(), value = op.getValueToStore();
  if (isWide) {
    SmallVector<Value> words;
    for (int64_t i = 0; i < lanes; i += 2)
      words.push_back(
          packPair(loc, extract(loc, value, i), extract(loc, value, i + 1)));
    Value both = b.create<vector::FromElementsOp>(
        loc, VectorType::get(2, b.getI32Type()), words);
    b.create<memref::StoreOp>(loc, both, op.getMemRef(), index);
    return;
  }
  Value one = word(loc, 1);
  Value at = b.create<arith::IndexCastOp>(loc, b.getI32Type(), index);
  Value place = b.create<arith::IndexCastOp>(
      loc, b.getIndexType(), b.create<arith::ShRSIOp>(loc, at, one));
  Value shift = b.create<arith::ShLIOp>(
      loc, b.create<arith::AndIOp>(loc, at, one), word(loc, 4));
  Value own = b.create<arith::ShLIOp>(loc, word(loc, 0xffff), shift);
  Value others = b.create<arith::XOrIOp>(loc, own, word(loc, -1));
  Value bits = b.create<arith::AndIOp>(loc, packPair(loc, value, value), own);
  b.create<memref::AtomicRMWOp>(loc, arith::AtomicRMWKind::andi, others,
                                op.getMemRef(), place);
  b.create<memref::AtomicRMWOp>(loc, arith::AtomicRMWKind::ori, bits,
                                op.getMemRef(), place);
}

void Packer::packBuffer(BlockArgument buffer) {
  auto type = cast<MemRefType>(buffer.getType());
  int64_t size = type.getDimSize(0);
  bool isWide = isa<VectorType>(type.getElementType());
  Type element = b.getI32Type();
  if (isWide)
    element = VectorType::get(2, element);
  else if (!ShapedType::isDynamic(size))
    size = llvm::divideCeil(size, 2);
  buffer.setType(MemRefType::get({size}, element));
  for (Operation *user : llvm::make_early_inc_range(buffer.getUsers())) {
    b.setInsertionPoint(user);
    if (auto op = dyn_cast<memref::LoadOp>(user)) {
      op.replaceAllUsesWith(load(op, isWide));
      op.erase();
    } else if (auto op = dyn_cast<memref::StoreOp>(user)) {
      store(op, isWide);
      op.erase();
    }
  }
}

static Type toSingle(Type half) {
  Type single = Float32Type::get(half.getContext());
  if (auto vector = dyn_cast<VectorType>(half))
    return vector.clone(single);
  return single;
}

/// The number, or vector of one number, that `half` is.
static TypedAttr toSingle(TypedAttr half) {
  auto splat = dyn_cast<SplatElementsAttr>(half);
  APFloat number =
      splat ? splat.getSplatValue<APFloat>() : cast<FloatAttr>(half).getValue();
  auto single = FloatAttr::get(Float32Type::get(half.getContext()),
                               number.convertToDouble());
  if (!splat)
    return single;
  return DenseElementsAttr::get(cast<VectorType>(toSingle(half.getType())),
                                single.getValue());
}

/// Between memory and registers nothing is a half any more.
static void computeInSingle(func::FuncOp kernel) {
  kernel.walk([](Operation *op) {
    if (auto constant = dyn_cast<arith::ConstantOp>(op);
        constant && isHalf(constant.getType()))
      constant.setValueAttr(toSingle(constant.getValue()));
    for (Value result : op->getResults())
      if (isHalf(result.getType()))
        result.setType(toSingle(result.getType()));
    if (isa<arith::ExtFOp, arith::TruncFOp>(op) &&
        op->getOperand(0).getType() == op->getResult(0).getType()) {
      op->replaceAllUsesWith(op->getOperands());
      op->erase();
    }
  });
}

void Packer::pack() {
  SmallVector<BlockArgument> buffers;
  for (BlockArgument argument : kernel.getArguments())
    if (auto type = dyn_cast<MemRefType>(argument.getType());
        type && isHalf(type.getElementType()))
      buffers.push_back(argument);
  if (buffers.empty())
    return;
  for (BlockArgument buffer : buffers)
    packBuffer(buffer);
  computeInSingle(kernel);
  kernel.setFunctionType(FunctionType::get(
      kernel.getContext(), kernel.getBody().front().getArgumentTypes(), {}));
}

/// Declares what packing calls.
static void declareBuiltins(ModuleOp module) {
  OpBuilder b = OpBuilder::atBlockEnd(module.getBody());
  Type word = b.getI32Type(), pair = VectorType::get(2, b.getF32Type());
  auto declare = [&](StringRef name, Type from, Type to) {
    b.create<func::FuncOp>(module.getLoc(), name, b.getFunctionType(from, to))
        .setPrivate();
  };
  declare("unpack2x16float", word, pair);
  declare("pack2x16float", pair, word);
}

void PackHalvesPass::runOnOperation() {
  declareBuiltins(getOperation());
  for (auto kernel : getOperation().getOps<func::FuncOp>())
    if (kernel->hasAttr(exec::kernelAttrName) && !kernel.isExternal())
      Packer(kernel).pack();
}
