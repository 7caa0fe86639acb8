//===- Transfers.cpp - Buffers that host and GPU both use -----------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/webgpu/Transfers.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "targets/webgpu/Roots.h"
#include "targets/webgpu/Scalars.h"

using namespace mlir;

namespace nncc::webgpu {

static constexpr int64_t wordBytes = 4;

Type getHostType(Type element) {
  return element.isInteger(1) ? IntegerType::get(element.getContext(), 8)
                              : element;
}

Value toWord(OpBuilder &b, Location loc, Value value) {
  Type type = value.getType(), word = b.getI32Type();
  if (type.isF16() || type.isBF16())
    value = b.create<arith::ExtFOp>(loc, b.getF32Type(), value);
  if (isa<FloatType>(type))
    return b.create<arith::BitcastOp>(loc, word, value);
  unsigned bits = type.getIntOrFloatBitWidth();
  if (bits > 32)
    return b.create<arith::TruncIOp>(loc, word, value);
  return bits < 32 ? b.create<arith::ExtSIOp>(loc, word, value).getResult()
                   : value;
}

Value fromWord(OpBuilder &b, Location loc, Value word, Type element) {
  if (isa<FloatType>(element)) {
    Value wide = b.create<arith::BitcastOp>(loc, b.getF32Type(), word);
    return element.isF32()
               ? wide
               : b.create<arith::TruncFOp>(loc, element, wide).getResult();
  }
  unsigned bits = element.getIntOrFloatBitWidth();
  if (bits > 32)
    return b.create<arith::ExtSIOp>(loc, element, word);
  return bits < 32 ? b.create<arith::TruncIOp>(loc, element, word).getResult()
                   : word;
}

Transfers::Transfers(func::FuncOp program) : program(program) {
  for (BlockArgument argument : program.getArguments())
    if (exec::getSymbolArgument(program, argument))
      symbols.push_back(argument);
}

FailureOr<AffineExpr> Transfers::getCount(Value root, Type element) {
  int64_t bytes = getHostType(element).getIntOrFloatBitWidth() / 8;
  if (auto alloc = root.getDefiningOp<exec::AllocOp>())
    return alloc.getBytes().getResult(0).floorDiv(bytes);
  return getInputSize(program, cast<BlockArgument>(root));
}

Value Transfers::allocate(OpBuilder &b, Location loc, AffineExpr bytes) {
  auto type = MemRefType::get({ShapedType::kDynamic}, b.getI8Type());
  auto alloc = b.create<exec::AllocOp>(
      loc, type, AffineMapAttr::get(AffineMap::get(0, symbols.size(), bytes)));
  alloc->setAttr(exec::hostAttrName, b.getUnitAttr());
  return alloc;
}

Value Transfers::getHostCopy(Value root, Type element) {
  Value &copy = copies[root];
  if (copy)
    return copy;
  OpBuilder b(program.getContext());
  b.setInsertionPointAfterValue(root);
  Location loc = root.getLoc();
  if (Operation *maker = root.getDefiningOp()) {
    Operation *twin = b.clone(*maker);
    twin->setAttr(exec::hostAttrName, b.getUnitAttr());
    return copy = twin->getResult(0);
  }
  // Of an input; its size is known, since all uses were looked at before.
  int64_t bytes = getHostType(element).getIntOrFloatBitWidth() / 8;
  return copy = allocate(b, loc, *getCount(root, element) * bytes);
}

Value Transfers::view(OpBuilder &b, Location loc, Value memory, Type element,
                      AffineExpr count) {
  Value zero = b.create<arith::ConstantIndexOp>(loc, 0);
  Value size = exec::materialize(b, loc, count, symbols);
  auto type = MemRefType::get({ShapedType::kDynamic}, element);
  return b.create<memref::ViewOp>(loc, type, memory, zero, size);
}

void Transfers::convertWords(OpBuilder &b, Location loc, Value words,
                             const SharedBuffer &buffer) {
  Type element = getHostType(buffer.element);
  Value elements = view(b, loc, buffer.host, element, buffer.count);
  Value zero = b.create<arith::ConstantIndexOp>(loc, 0);
  Value one = b.create<arith::ConstantIndexOp>(loc, 1);
  Value count = exec::materialize(b, loc, buffer.count, symbols);
  b.create<scf::ForOp>(loc, zero, count, one, ValueRange(),
                       [&](OpBuilder &inner, Location, Value i, ValueRange) {
                         Value word =
                             inner.create<memref::LoadOp>(loc, words, i);
                         Value value = fromWord(inner, loc, word, element);
                         inner.create<memref::StoreOp>(loc, value, elements, i);
                         inner.create<scf::YieldOp>(loc);
                       });
}

/// What a GPU has no type for is words to it.
static SharedBuffer asWords(SharedBuffer buffer) {
  if (getStorageType(buffer.element))
    return buffer;
  int64_t words =
      llvm::divideCeil(buffer.element.getIntOrFloatBitWidth(), 8 * wordBytes);
  buffer.element = IntegerType::get(buffer.element.getContext(), 32);
  buffer.count = buffer.count * words;
  return buffer;
}

void Transfers::readBack(OpBuilder &b, Location loc,
                         ArrayRef<SharedBuffer> given) {
  SmallVector<SharedBuffer> buffers = llvm::map_to_vector(given, asWords);
  SmallVector<Value> from, to;
  for (const SharedBuffer &buffer : buffers) {
    from.push_back(view(b, loc, buffer.gpu, buffer.element, buffer.count));
    bool isWord = getHostType(buffer.element).getIntOrFloatBitWidth() == 32;
    Value memory =
        isWord ? buffer.host : allocate(b, loc, buffer.count * wordBytes);
    to.push_back(view(b, loc, memory, b.getI32Type(), buffer.count));
  }
  b.create<exec::ReadbackOp>(loc, from, to);
  for (auto [buffer, words] : llvm::zip(buffers, to))
    if (getHostType(buffer.element).getIntOrFloatBitWidth() != 32)
      convertWords(b, loc, words, buffer);
}

void Transfers::upload(OpBuilder &b, Location loc, const SharedBuffer &given) {
  SharedBuffer buffer = asWords(given);
  Value from =
      view(b, loc, buffer.host, getHostType(buffer.element), buffer.count);
  Value to = view(b, loc, buffer.gpu, buffer.element, buffer.count);
  b.create<exec::UploadOp>(loc, from, to);
}

} // namespace nncc::webgpu
