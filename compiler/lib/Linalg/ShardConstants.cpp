//===- ShardConstants.cpp - Large constants in parts ----------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "nncc/Linalg/Passes.h"

#include "ShardedLoops.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "nncc/Dialect/Exec/Weights.h"
#include "llvm/ADT/SmallPtrSet.h"

namespace nncc {

#define GEN_PASS_DEF_SHARDCONSTANTS
#include "nncc/Linalg/Passes.h.inc"

using namespace mlir;

/// The outermost dimension that can be divided; what lies in one of its steps
/// lies together.
static unsigned getOuterDim(RankedTensorType type) {
  auto isOne = [](int64_t size) { return size == 1; };
  return llvm::find_if_not(type.getShape(), isOne) - type.getShape().begin();
}

/// Steps of the outermost dimension for each shard, which are about as large;
/// 0 where a single one is too large.
static int64_t getStep(RankedTensorType type, int64_t maxElements) {
  int64_t rows = type.getDimSize(getOuterDim(type));
  int64_t most = maxElements / (type.getNumElements() / rows);
  return most ? llvm::divideCeil(rows, llvm::divideCeil(rows, most)) : 0;
}

/// The elements of `shard` as a constant of its own, beside the whole. Bytes of
/// a resource are not copied: they live as long as the context.
static Value makeShard(arith::ConstantOp constant, Range shard, unsigned dim) {
  auto type = cast<RankedTensorType>(constant.getType());
  auto value = cast<ElementsAttr>(constant.getValue());
  SmallVector<int64_t> shape(type.getShape());
  shape[dim] = shard.size;
  auto part = RankedTensorType::get(shape, type.getElementType());
  SmallVector<char> storage;
  ArrayRef<char> bytes = exec::getBytes(value, storage);
  size_t row = bytes.size() / type.getDimSize(dim);
  bytes = bytes.slice(shard.begin * row, shard.size * row);
  AsmResourceBlob blob =
      isa<DenseResourceElementsAttr>(value)
          ? UnmanagedAsmResourceBlob::allocateWithAlign(bytes, 1)
          : HeapAsmResourceBlob::allocateAndCopyWithAlign(bytes, 64);
  OpBuilder b(constant);
  return b.create<arith::ConstantOp>(
      constant.getLoc(), part,
      DenseResourceElementsAttr::get(part, "shard", std::move(blob)));
}

namespace {

/// A constant that is too large, and what reads it.
class LargeConstant {
public:
  LargeConstant(arith::ConstantOp constant, int64_t maxElements,
                unsigned maxInputs)
      : constant(constant), maxInputs(maxInputs) {
    auto type = cast<RankedTensorType>(constant.getType());
    dim = getOuterDim(type);
    shards = divide(type.getDimSize(dim), getStep(type, maxElements));
  }

  /// Whether every reader can do with shards.
  bool canShard() const;
  void shard();

private:
  bool canExtract(tensor::ExtractOp extract) const;
  void extract(tensor::ExtractOp extract, ArrayRef<Value> parts) const;

  arith::ConstantOp constant;
  unsigned maxInputs, dim;
  SmallVector<Range> shards;
};

} // namespace

/// Whether the kernel may read a buffer for each shard in place of one.
bool LargeConstant::canExtract(tensor::ExtractOp extract) const {
  auto kernel = dyn_cast<linalg::GenericOp>(extract->getParentOp());
  if (!kernel)
    return false;
  llvm::SmallPtrSet<Value, 8> inputs(kernel.getInputs().begin(),
                                     kernel.getInputs().end());
  kernel.getBody()->walk(
      [&](tensor::ExtractOp other) { inputs.insert(other.getTensor()); });
  return maxInputs == 0 || inputs.size() - 1 + shards.size() <= maxInputs;
}

bool LargeConstant::canShard() const {
  return llvm::all_of(constant->getUses(), [&](OpOperand &use) {
    if (auto extract = dyn_cast<tensor::ExtractOp>(use.getOwner()))
      return canExtract(extract);
    std::optional<ShardedLoop> loop = ShardedLoop::find(use, dim);
    return loop && loop->canShard();
  });
}

/// Extracts from each shard, at an index within it, and takes what is right.
void LargeConstant::extract(tensor::ExtractOp extract,
                            ArrayRef<Value> parts) const {
  OpBuilder b(extract);
  Location loc = extract.getLoc();
  auto getIndex = [&](int64_t value) {
    return b.create<arith::ConstantIndexOp>(loc, value);
  };
  Value index = extract.getIndices()[dim], result;
  for (auto [shard, part] : llvm::zip_equal(shards, parts)) {
    SmallVector<Value> indices = extract.getIndices();
    Value begin = getIndex(shard.begin);
    Value inside = b.create<arith::SubIOp>(loc, index, begin);
    inside = b.create<arith::MaxSIOp>(loc, inside, getIndex(0));
    indices[dim] =
        b.create<arith::MinSIOp>(loc, inside, getIndex(shard.size - 1));
    Value element = b.create<tensor::ExtractOp>(loc, part, indices);
    if (result) {
      Value isHere =
          b.create<arith::CmpIOp>(loc, arith::CmpIPredicate::sge, index, begin);
      element = b.create<arith::SelectOp>(loc, isHere, element, result);
    }
    result = element;
  }
  extract.replaceAllUsesWith(result);
  extract.erase();
}

void LargeConstant::shard() {
  SmallVector<Value> parts;
  for (Range each : shards)
    parts.push_back(makeShard(constant, each, dim));
  while (!constant->use_empty()) {
    OpOperand &use = *constant->use_begin();
    if (auto op = dyn_cast<tensor::ExtractOp>(use.getOwner()))
      extract(op, parts);
    else
      ShardedLoop::find(use, dim)->shard(shards, constant, parts);
  }
  constant.erase();
}

namespace {

struct ShardConstantsPass : impl::ShardConstantsBase<ShardConstantsPass> {
  using ShardConstantsBase::ShardConstantsBase;

  void runOnOperation() override {
    if (maxElements == 0)
      return;
    SmallVector<arith::ConstantOp> constants;
    getOperation().walk([&](arith::ConstantOp constant) {
      auto type = dyn_cast<RankedTensorType>(constant.getType());
      if (type && type.getNumElements() > maxElements &&
          getStep(type, maxElements) > 0)
        constants.push_back(constant);
    });
    for (arith::ConstantOp constant : constants) {
      LargeConstant large(constant, maxElements, maxInputs);
      if (large.canShard())
        large.shard();
    }
  }
};

} // namespace
} // namespace nncc
