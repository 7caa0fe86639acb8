//===- KernelRewriter.cpp - A kernel on whole buffers ---------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/webgpu/KernelRewriter.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "nncc/Kernels/LoopNest.h"
#include "targets/webgpu/Kernel.h"

using namespace mlir;

namespace nncc::webgpu {

void KernelRewriter::addBuffer(OpBuilder &host, unsigned number,
                               const Root &root, memref::ViewOp view) {
  Part part;
  part.number = number;
  auto known = llvm::find(buffers, &root);
  part.buffer = known - buffers.begin();
  if (known == buffers.end())
    buffers.push_back(&root);
  Value shift = view.getByteShift();
  if (AffineExpr bytes = kernels::getSymbolicExpr(shift)) {
    part.offset = bytes.floorDiv(root.getElementBytes());
  } else {
    Location loc = view.getLoc();
    Value size =
        host.create<arith::ConstantIndexOp>(loc, root.getElementBytes());
    part.dynamicOffset = host.create<arith::DivUIOp>(loc, shift, size);
  }
  parts.push_back(part);
}

void KernelRewriter::addScalar(unsigned number, Value value) {
  BlockArgument argument = kernel.getArgument(number);
  if (!argument.getType().isIndex()) {
    isSupported = false;
    return;
  }
  scalars[argument] = value;
  if (exec::getSymbolArgument(kernel, argument))
    return;
  kernel.setArgAttr(number, exec::symbolAttrName,
                    OpBuilder(kernel.getContext())
                        .getI64IntegerAttr(symbols.size() + numExtra++));
}

/// Adds an argument before the two of the grid.
static BlockArgument insertSymbol(func::FuncOp kernel, unsigned symbol) {
  OpBuilder b(kernel.getContext());
  unsigned at = kernel.getNumArguments() - 2;
  NamedAttribute number =
      b.getNamedAttr(exec::symbolAttrName, b.getI64IntegerAttr(symbol));
  kernel.insertArgument(at, b.getIndexType(), b.getDictionaryAttr(number),
                        kernel.getLoc());
  return kernel.getArgument(at);
}

Value KernelRewriter::getSymbol(unsigned symbol) {
  for (auto &[argument, value] : scalars)
    if (exec::getSymbolArgument(kernel, cast<BlockArgument>(argument)) ==
        symbol)
      return argument;
  Value argument = insertSymbol(kernel, symbol);
  scalars[argument] = symbols[symbol];
  return argument;
}

Value KernelRewriter::addExtraSymbol(Value hostValue) {
  for (auto &[argument, value] : scalars)
    if (value == hostValue)
      return argument;
  Value argument = insertSymbol(kernel, symbols.size() + numExtra++);
  scalars[argument] = hostValue;
  return argument;
}

Value KernelRewriter::getOffset(OpBuilder &b, const Part &part,
                                int64_t already) {
  Location loc = kernel.getLoc();
  MLIRContext *context = b.getContext();
  if (part.dynamicOffset) {
    // As a map of one symbol, which the reading of the kernel understands.
    Value extra = addExtraSymbol(part.dynamicOffset);
    AffineMap map =
        AffineMap::get(0, 1, getAffineSymbolExpr(0, context) + already);
    return b.create<affine::AffineApplyOp>(loc, map, ValueRange(extra));
  }
  SmallVector<AffineExpr> used(symbols.size(),
                               getAffineConstantExpr(0, context));
  SmallVector<Value> operands;
  for (unsigned i = 0; i < symbols.size(); ++i) {
    if (!part.offset.isFunctionOfSymbol(i))
      continue;
    used[i] = getAffineSymbolExpr(operands.size(), context);
    operands.push_back(getSymbol(i));
  }
  AffineMap map = AffineMap::get(0, operands.size(),
                                 part.offset.replaceSymbols(used) + already);
  return b.create<affine::AffineApplyOp>(loc, map, operands);
}

void KernelRewriter::moveView(memref::ReinterpretCastOp view,
                              const Part &part) {
  int64_t already = view.getStaticOffsets()[0];
  OpBuilder b(view);
  auto type = cast<MemRefType>(view.getType());
  int64_t place = ShapedType::kDynamic;
  OpFoldResult offset;
  if (auto constant = dyn_cast_or_null<AffineConstantExpr>(part.offset)) {
    place = already + constant.getValue();
    offset = b.getIndexAttr(place);
  } else {
    offset = getOffset(b, part, already);
  }
  auto [strides, oldOffset] = getStridesAndOffset(type);
  auto layout = StridedLayoutAttr::get(b.getContext(), place, strides);
  auto moved = MemRefType::get(type.getShape(), type.getElementType(), layout);
  Value result = b.create<memref::ReinterpretCastOp>(
      view.getLoc(), moved, kernel.getArgument(part.buffer), offset,
      view.getMixedSizes(), view.getMixedStrides());
  view.replaceAllUsesWith(result);
  view.erase();
}

void KernelRewriter::moveViews(const Part &part) {
  BlockArgument argument = kernel.getArgument(part.number + buffers.size());
  for (Operation *user : llvm::make_early_inc_range(argument.getUsers())) {
    if (auto view = dyn_cast<memref::ReinterpretCastOp>(user))
      moveView(view, part);
    else
      isSupported = false;
  }
}

/// The arguments that are whole buffers come first.
void KernelRewriter::insertBuffers() {
  OpBuilder b(kernel.getContext());
  for (auto [i, root] : llvm::enumerate(buffers)) {
    auto size = dyn_cast<AffineConstantExpr>(root->size);
    auto type = MemRefType::get({size ? size.getValue() : ShapedType::kDynamic},
                                root->element);
    NamedAttribute space =
        b.getNamedAttr(spaceAttrName, b.getStringAttr(root->space));
    kernel.insertArgument(i, type, b.getDictionaryAttr(space), kernel.getLoc());
  }
}

Value KernelRewriter::bindWhole(OpBuilder &host, Location loc,
                                const Root &root) {
  Value zero = host.create<arith::ConstantIndexOp>(loc, 0);
  auto constant = dyn_cast<AffineConstantExpr>(root.size);
  auto type = MemRefType::get(
      {constant ? constant.getValue() : ShapedType::kDynamic}, root.element);
  SmallVector<Value> sizes;
  if (!constant)
    sizes.push_back(exec::materialize(host, loc, root.size, symbols));
  return host.create<memref::ViewOp>(loc, type, root.memory, zero, sizes);
}

FailureOr<BoundKernel> KernelRewriter::finish(OpBuilder &host, Location loc) {
  insertBuffers();
  for (const Part &part : parts)
    moveViews(part);
  if (!isSupported) {
    kernel.erase();
    emitError(loc, "a GPU's kernel gets numbers of the host only as sizes");
    return failure();
  }
  llvm::BitVector old(kernel.getNumArguments());
  for (const Part &part : parts)
    old.set(part.number + buffers.size());
  BoundKernel bound;
  for (const Root *root : buffers)
    bound.operands.push_back(bindWhole(host, loc, *root));
  for (BlockArgument argument : kernel.getArguments())
    if (auto scalar = scalars.find(argument); scalar != scalars.end())
      bound.operands.push_back(scalar->second);
  kernel.eraseArguments(old);
  bound.kernel = kernel;
  return bound;
}

} // namespace nncc::webgpu
