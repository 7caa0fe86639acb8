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
#include "nncc/Dialect/NN/Symbols.h"
#include "nncc/Kernels/LoopNest.h"
#include "targets/webgpu/Kernel.h"

using namespace mlir;

namespace nncc::webgpu {

/// An index of the host over the symbols and, behind them, the numbers that it
/// is computed from.
AffineExpr KernelRewriter::getExpr(Value hostIndex) {
  if (AffineExpr known = kernels::getSymbolicExpr(hostIndex))
    return known;
  Operation *op = hostIndex.getDefiningOp();
  if (isa_and_nonnull<arith::AddIOp, arith::SubIOp, arith::MulIOp>(op)) {
    AffineExpr left = getExpr(op->getOperand(0));
    AffineExpr right = getExpr(op->getOperand(1));
    return isa<arith::AddIOp>(op)   ? left + right
           : isa<arith::SubIOp>(op) ? left - right
                                    : left * right;
  }
  hostNumbers.insert(hostIndex);
  auto number = llvm::find(hostNumbers, hostIndex) - hostNumbers.begin();
  return getAffineSymbolExpr(symbols.size() + number, hostIndex.getContext());
}

void KernelRewriter::addBuffer(OpBuilder &host, unsigned number,
                               const Root &root, memref::ViewOp view) {
  Part part;
  part.number = number;
  auto known = llvm::find(buffers, &root);
  part.buffer = known - buffers.begin();
  if (known == buffers.end())
    buffers.push_back(&root);
  AffineExpr bytes = getExpr(view.getByteShift());
  AffineExpr size =
      getAffineConstantExpr(root.getElementBytes(), host.getContext());
  part.offset = nn::divideExactly(bytes, size).value_or(bytes.floorDiv(size));
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
  MLIRContext *context = b.getContext();
  SmallVector<AffineExpr> used(symbols.size() + hostNumbers.size(),
                               getAffineConstantExpr(0, context));
  SmallVector<Value> operands;
  for (unsigned i = 0; i < used.size(); ++i) {
    if (!part.offset.isFunctionOfSymbol(i))
      continue;
    used[i] = getAffineSymbolExpr(operands.size(), context);
    operands.push_back(i < symbols.size()
                           ? getSymbol(i)
                           : addExtraSymbol(hostNumbers[i - symbols.size()]));
  }
  AffineMap map = AffineMap::get(0, operands.size(),
                                 part.offset.replaceSymbols(used) + already);
  return b.create<affine::AffineApplyOp>(kernel.getLoc(), map, operands);
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
