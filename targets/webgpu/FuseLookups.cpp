//===- FuseLookups.cpp - Compute what is looked up where it is needed -----===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "targets/webgpu/Kernel.h"
#include "targets/webgpu/Passes.h"

namespace nncc::webgpu {

#define GEN_PASS_DEF_FUSELOOKUPS
#include "targets/webgpu/Passes.h.inc"

} // namespace nncc::webgpu

using namespace mlir;
using namespace nncc;
using namespace nncc::webgpu;

/// The most elements that one step may look up after fusion: those of two
/// linear interpolations.
static constexpr size_t mostLookups = 4;

/// The lookups in what an op computes.
static SmallVector<tensor::ExtractOp> getLookups(linalg::GenericOp op) {
  return llvm::to_vector(op.getBody()->getOps<tensor::ExtractOp>());
}

/// The op whose lookups alone read the result; null where there is none.
static linalg::GenericOp getReader(linalg::GenericOp producer) {
  linalg::GenericOp reader;
  for (Operation *user : producer->getUsers()) {
    auto parent = dyn_cast<linalg::GenericOp>(user->getParentOp());
    if (!isa<tensor::ExtractOp>(user) || !parent ||
        (reader && reader != parent))
      return nullptr;
    reader = parent;
  }
  return reader && reader->getBlock() == producer->getBlock() ? reader
                                                              : nullptr;
}

/// Whether an element can be computed from its place alone.
static bool isPointwise(linalg::GenericOp op) {
  if (op->getNumResults() != 1 || op.getNumReductionLoops() != 0 ||
      !op.getRegionOutputArgs()[0].use_empty() ||
      !op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity())
    return false;
  // Not what takes long: it may be computed several times.
  bool isCheap = llvm::all_of(*op.getBody(), [](Operation &inner) {
    return isa<arith::ArithDialect, linalg::LinalgDialect,
               tensor::TensorDialect>(inner.getDialect()) &&
           inner.getNumRegions() == 0;
  });
  return isCheap &&
         llvm::all_of(op.getDpsInputOperands(), [&](OpOperand *input) {
           return isa<RankedTensorType>(input->get().getType()) &&
                  llvm::all_of(
                      op.getMatchingIndexingMap(input).getResults(),
                      llvm::IsaPred<AffineDimExpr, AffineConstantExpr>);
         });
}

/// The buffers that a kernel of both would bind.
static size_t countBuffers(linalg::GenericOp producer,
                           linalg::GenericOp reader) {
  SetVector<Value> buffers;
  for (linalg::GenericOp op : {producer, reader}) {
    buffers.insert(op.getInputs().begin(), op.getInputs().end());
    for (tensor::ExtractOp lookup : getLookups(op))
      buffers.insert(lookup.getTensor());
  }
  buffers.remove(producer->getResult(0));
  return buffers.size() + 1;
}

static bool isWorthFusing(linalg::GenericOp producer,
                          linalg::GenericOp reader) {
  size_t count = 0;
  for (tensor::ExtractOp lookup : getLookups(reader))
    count += lookup.getTensor() == producer->getResult(0);
  size_t inner = getLookups(producer).size();
  return inner > 0 && count * inner <= mostLookups &&
         countBuffers(producer, reader) <= size_t(maxBuffers);
}

/// What a producer reads through an operand for the element at `place`.
static Value readOperand(OpBuilder &b, Location loc, Value tensor,
                         AffineMap map, ValueRange place) {
  SmallVector<Value> indices;
  for (AffineExpr index : map.getResults()) {
    if (auto dim = dyn_cast<AffineDimExpr>(index))
      indices.push_back(place[dim.getPosition()]);
    else
      indices.push_back(b.create<arith::ConstantIndexOp>(
          loc, cast<AffineConstantExpr>(index).getValue()));
  }
  return b.create<tensor::ExtractOp>(loc, tensor, indices);
}

/// Computes what is looked up in place of the lookup.
static void inlineAt(tensor::ExtractOp lookup, linalg::GenericOp producer) {
  OpBuilder b(lookup);
  Location loc = lookup.getLoc();
  ValueRange place = lookup.getIndices();
  IRMapping mapping;
  for (OpOperand *input : producer.getDpsInputOperands())
    mapping.map(producer.getMatchingBlockArgument(input),
                readOperand(b, loc, input->get(),
                            producer.getMatchingIndexingMap(input), place));
  for (Operation &inner : producer.getBody()->without_terminator()) {
    if (auto index = dyn_cast<linalg::IndexOp>(inner))
      mapping.map(index.getResult(), place[index.getDim()]);
    else
      b.clone(inner, mapping);
  }
  Value yielded = producer.getBody()->getTerminator()->getOperand(0);
  lookup.replaceAllUsesWith(mapping.lookupOrDefault(yielded));
  lookup.erase();
}

namespace {

struct FuseLookupsPass : webgpu::impl::FuseLookupsBase<FuseLookupsPass> {
  void runOnOperation() override {
    SmallVector<linalg::GenericOp> producers;
    getOperation().walk([&](linalg::GenericOp op) { producers.push_back(op); });
    for (linalg::GenericOp producer : producers) {
      if (!isPointwise(producer))
        continue;
      linalg::GenericOp reader = getReader(producer);
      if (!reader || !isWorthFusing(producer, reader))
        continue;
      for (tensor::ExtractOp lookup : getLookups(reader))
        if (lookup.getTensor() == producer->getResult(0))
          inlineAt(lookup, producer);
      reader->setLoc(
          FusedLoc::get(&getContext(), {producer.getLoc(), reader.getLoc()}));
      producer.erase();
    }
  }
};

} // namespace
