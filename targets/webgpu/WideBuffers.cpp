//===- WideBuffers.cpp - Buffers of vectors ------------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Builders.h"
#include "nncc/Dialect/Exec/Exec.h"
#include "targets/webgpu/Passes.h"
#include "targets/webgpu/Schedule.h"

namespace nncc::webgpu {

#define GEN_PASS_DEF_WIDENBUFFERS
#include "targets/webgpu/Passes.h.inc"

} // namespace nncc::webgpu

using namespace mlir;
using namespace nncc;
using namespace nncc::webgpu;

static bool isWideAccess(Operation *user) {
  if (auto load = dyn_cast<vector::LoadOp>(user))
    return load.getVectorType().getNumElements() == lanes;
  if (auto store = dyn_cast<vector::StoreOp>(user))
    return store.getVectorType().getNumElements() == lanes;
  return false;
}

static MemRefType getWideType(MemRefType type) {
  int64_t size = type.getDimSize(0);
  return MemRefType::get({ShapedType::isDynamic(size) ? size : size / lanes},
                         VectorType::get(lanes, type.getElementType()),
                         MemRefLayoutAttrInterface(), type.getMemorySpace());
}

/// Vectors lie at multiples of their size.
static Value getWideIndex(OpBuilder &b, Location loc, Value index) {
  return b.createOrFold<arith::ShRSIOp>(
      loc, index, b.create<arith::ConstantIndexOp>(loc, 2));
}

static void widen(Value buffer) {
  buffer.setType(getWideType(cast<MemRefType>(buffer.getType())));
  for (Operation *user : llvm::make_early_inc_range(buffer.getUsers())) {
    OpBuilder b(user);
    Location loc = user->getLoc();
    if (auto load = dyn_cast<vector::LoadOp>(user)) {
      Value index = getWideIndex(b, loc, load.getIndices().front());
      load.replaceAllUsesWith(
          b.create<memref::LoadOp>(loc, buffer, index).getResult());
    } else {
      auto store = cast<vector::StoreOp>(user);
      Value index = getWideIndex(b, loc, store.getIndices().front());
      b.create<memref::StoreOp>(loc, store.getValueToStore(), buffer, index);
    }
    user->erase();
  }
}

/// Vectors of a buffer that is read or written in single elements too.
static void narrow(Value buffer) {
  for (Operation *user : llvm::make_early_inc_range(buffer.getUsers())) {
    if (!isWideAccess(user))
      continue;
    OpBuilder b(user);
    Location loc = user->getLoc();
    auto getPlace = [&](Value first, int64_t lane) {
      return b.createOrFold<arith::AddIOp>(
          loc, first, b.create<arith::ConstantIndexOp>(loc, lane));
    };
    if (auto load = dyn_cast<vector::LoadOp>(user)) {
      SmallVector<Value> elements;
      for (int64_t lane = 0; lane < lanes; ++lane)
        elements.push_back(b.create<memref::LoadOp>(
            loc, buffer, getPlace(load.getIndices().front(), lane)));
      load.replaceAllUsesWith(
          b.create<vector::FromElementsOp>(loc, load.getVectorType(), elements)
              .getResult());
    } else {
      auto store = cast<vector::StoreOp>(user);
      for (int64_t lane = 0; lane < lanes; ++lane)
        b.create<memref::StoreOp>(
            loc,
            b.create<vector::ExtractOp>(loc, store.getValueToStore(), lane),
            buffer, getPlace(store.getIndices().front(), lane));
    }
    user->erase();
  }
}

namespace {

struct WidenBuffersPass : webgpu::impl::WidenBuffersBase<WidenBuffersPass> {
  void runOnOperation() override;
};

} // namespace

static void convert(Value buffer) {
  auto type = dyn_cast<MemRefType>(buffer.getType());
  if (!type || isa<VectorType>(type.getElementType()) || buffer.use_empty())
    return;
  if (llvm::all_of(buffer.getUsers(), isWideAccess))
    widen(buffer);
  else
    narrow(buffer);
}

void WidenBuffersPass::runOnOperation() {
  for (auto kernel : getOperation().getOps<func::FuncOp>()) {
    if (!kernel->hasAttr(exec::kernelAttrName))
      continue;
    for (BlockArgument argument : kernel.getArguments())
      convert(argument);
    SmallVector<memref::AllocaOp> own;
    kernel.walk([&](memref::AllocaOp op) { own.push_back(op); });
    for (memref::AllocaOp op : own)
      convert(op);
    kernel.setFunctionType(FunctionType::get(
        kernel.getContext(), kernel.getBody().front().getArgumentTypes(), {}));
  }
}
