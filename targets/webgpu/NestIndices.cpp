//===- NestIndices.cpp - Index arithmetic of kernels for GPUs -------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/webgpu/NestEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "targets/webgpu/Scalars.h"

using namespace mlir;
using namespace nncc::kernels;

namespace nncc::webgpu {

/// Workgroups along a dimension of a dispatch, on every device.
static constexpr int64_t maxGridSize = 65535;

Value NestEmitter::constant(int64_t value) {
  return b.create<arith::ConstantIndexOp>(loc, value);
}

Value NestEmitter::add(Value a, Value c) {
  return b.createOrFold<arith::AddIOp>(loc, a, c);
}

Value NestEmitter::mul(Value a, Value c) {
  return b.createOrFold<arith::MulIOp>(loc, a, c);
}

Value NestEmitter::div(Value a, Value by) {
  return b.createOrFold<arith::DivUIOp>(loc, a, by);
}

Value NestEmitter::rem(Value a, Value by) {
  return b.createOrFold<arith::RemUIOp>(loc, a, by);
}

Value NestEmitter::min(Value a, Value c) {
  return b.createOrFold<arith::MinSIOp>(loc, a, c);
}

Value NestEmitter::isLess(Value a, Value c) {
  return b.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::slt, a, c);
}

Value NestEmitter::enterWorkgroup(AffineExpr count) {
  Type index = b.getIndexType();
  Value x = b.create<gpu::BlockIdOp>(loc, index, gpu::Dimension::x);
  auto number = dyn_cast<AffineConstantExpr>(count);
  if (number && number.getValue() <= maxGridSize)
    return x;
  Value y = b.create<gpu::BlockIdOp>(loc, index, gpu::Dimension::y);
  Value row = b.create<gpu::GridDimOp>(loc, index, gpu::Dimension::x);
  Value linear = add(x, mul(y, row));
  auto inside = b.create<scf::IfOp>(loc, isLess(linear, expand(count)),
                                    /*withElseRegion=*/false);
  b.setInsertionPointToStart(inside.thenBlock());
  return linear;
}

Value NestEmitter::getThread() {
  return b.create<gpu::ThreadIdOp>(loc, b.getIndexType(), gpu::Dimension::x);
}

/// Whether a number of sizes alone may be negative: it has a term that is.
/// What steps of loops tell is not, where it is read.
static bool mayBeNegative(AffineExpr expr) {
  bool isNegative = false, hasDims = false;
  expr.walk([&](AffineExpr part) {
    if (auto number = dyn_cast<AffineConstantExpr>(part))
      isNegative |= number.getValue() < 0;
    hasDims |= isa<AffineDimExpr>(part);
  });
  return isNegative && !hasDims;
}

/// Rounds down as affine expressions do; numbers that are not negative take one
/// instruction.
Value NestEmitter::divide(AffineExpr expr, Value left, Value right) {
  bool isSigned = mayBeNegative(cast<AffineBinaryOpExpr>(expr).getLHS());
  auto divideDown = [&](Value number) {
    return isSigned ? b.createOrFold<arith::FloorDivSIOp>(loc, number, right)
                    : div(number, right);
  };
  switch (expr.getKind()) {
  case AffineExprKind::FloorDiv:
    return divideDown(left);
  case AffineExprKind::Mod:
    return isSigned ? b.createOrFold<arith::SubIOp>(
                          loc, left, mul(divideDown(left), right))
                    : rem(left, right);
  default: // CeilDiv
    return divideDown(add(left, add(right, constant(-1))));
  }
}

Value NestEmitter::expand(AffineExpr expr) {
  if (auto number = dyn_cast<AffineConstantExpr>(expr))
    return constant(number.getValue());
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
    return symbols[symbol.getPosition()];
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return ivs[dim.getPosition()];
  auto binary = cast<AffineBinaryOpExpr>(expr);
  Value left = expand(binary.getLHS()), right = expand(binary.getRHS());
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return add(left, right);
  case AffineExprKind::Mul:
    return mul(left, right);
  default:
    return divide(expr, left, right);
  }
}

Value NestEmitter::expandSize(OpFoldResult size) {
  if (std::optional<int64_t> number = getConstantIntValue(size))
    return constant(*number);
  return expand(getSymbolicExpr(cast<Value>(size)));
}

Value NestEmitter::getIndex(const Access &access) {
  Value index = expand(access.offset);
  for (auto [iv, coef] : llvm::zip_equal(ivs, access.coefs))
    if (iv && coef != 0)
      index = add(index, mul(iv, expand(coef)));
  for (const NonLinearTerm &term : access.terms)
    index = add(index, mul(expand(term.expr), expand(term.coef)));
  if (Value inside = isInside(access))
    index = b.createOrFold<arith::SelectOp>(loc, inside, index, constant(0));
  return index;
}

Value NestEmitter::isInside(const Access &access) {
  Value inside;
  for (const Guard &guard : access.guards) {
    // Negative numbers are large ones.
    Value below =
        b.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::ult,
                                      expand(guard.index), expand(guard.size));
    inside = inside ? b.createOrFold<arith::AndIOp>(loc, inside, below) : below;
  }
  return inside;
}

Value NestEmitter::pad(const Access &access, Value stored) {
  Value inside = isInside(access);
  if (!inside)
    return stored;
  Value padding = getConstant(access.padding);
  if (!padding)
    return stored;
  padding = toStorage(b, loc, padding);
  if (isa<VectorType>(stored.getType()))
    padding = toVector(b, loc, padding);
  return b.createOrFold<arith::SelectOp>(loc, inside, stored, padding);
}

AffineExpr NestEmitter::getSize(ArrayRef<unsigned> dims) const {
  AffineExpr size = b.getAffineConstantExpr(1);
  for (unsigned dim : dims)
    size = size * nest.dims[dim].size;
  return size;
}

void NestEmitter::delinearize(Value linear, ArrayRef<unsigned> order) {
  for (unsigned dim : llvm::reverse(order)) {
    if (dim == order.front()) {
      ivs[dim] = linear;
      return;
    }
    Value size = expand(nest.dims[dim].size);
    ivs[dim] = rem(linear, size);
    linear = div(linear, size);
  }
}

/// Whether an access walks the dimensions of `order` as if they were one.
static bool isLinear(const LoopNest &nest, const Access &access,
                     ArrayRef<unsigned> order) {
  if (llvm::any_of(order, [&](unsigned dim) { return access.hasTermOn(dim); }))
    return false;
  for (auto [outer, inner] : llvm::zip(order, order.drop_front()))
    if (access.coefs[outer] != access.coefs[inner] * nest.dims[inner].size)
      return false;
  return true;
}

void NestEmitter::delinearize(Value linear, ArrayRef<unsigned> order,
                              const Access &access) {
  if (!isLinear(nest, access, order))
    return delinearize(linear, order);
  for (unsigned dim : order)
    ivs[dim] = constant(0);
  ivs[order.back()] = linear;
}

} // namespace nncc::webgpu
