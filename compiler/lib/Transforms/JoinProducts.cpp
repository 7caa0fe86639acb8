//===- JoinProducts.cpp - products of one operand by several weights ------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   x * u + a, x * v + b  ->  parts of x * concat(u, v) + concat(a, b)
// which is how attention computes queries, keys and values, of each head even.
//
//===----------------------------------------------------------------------===//

#include "ConstantDerived.h"
#include "nncc/Dialect/NN/NN.h"
#include "nncc/Dialect/NN/Symbols.h"
#include "nncc/Transforms/Passes.h"
#include "llvm/ADT/MapVector.h"

namespace nncc::nn {
#define GEN_PASS_DEF_JOINPRODUCTS
#include "nncc/Transforms/Passes.h.inc"
} // namespace nncc::nn

using namespace mlir;
using namespace nncc;
using namespace nncc::nn;

// All results are in memory at once: at most so many times the operand.
static constexpr int64_t maxGrowth = 4;

namespace {

/// A matrix product by constant weights [K, N], with the offsets [N] that are
/// added to it, if any.
struct Product {
  MatmulOp op;
  AddOp add;
  Value offsets;

  Value getResult() { return add ? add.getResult() : op.getResult(); }
  int64_t getWidth() { return op.getRhs().getType().getDimSize(1); }
  int64_t getDepth() { return op.getRhs().getType().getDimSize(0); }
};

/// Products of one operand in one block, all with offsets or all without.
using Key = std::tuple<Value, Block *, unsigned>;

class ProductJoiner {
public:
  ProductJoiner(ArrayRef<Product> products)
      : products(products), b(this->products.front().op),
        loc(b.getFusedLoc(llvm::map_to_vector(
            this->products, [](Product p) { return p.op.getLoc(); }))) {}

  void join();

private:
  /// [K, N] of all products.
  Value joinWeights();
  /// [N] of all products.
  Value joinOffsets();
  /// Moves what computes a value before the first product.
  void hoist(Value value);

  SmallVector<Product> products;
  OpBuilder b;
  Location loc;
};

} // namespace

/// What `add` adds to `product`, the same to each row; null if that is no
/// constant, or not one number a column.
static Value getOffsets(AddOp add, MatmulOp product) {
  bool isLeft = add.getLhs() == product.getResult();
  Value other = isLeft ? add.getRhs() : add.getLhs();
  auto type = cast<RankedTensorType>(other.getType());
  bool isRow = isConstantDerived(other) && type.getRank() >= 1 &&
               type.getNumElements() == type.getShape().back() &&
               type.getShape().back() == product.getType().getShape().back();
  return isRow && add.getType() == product.getType() ? other : Value();
}

/// Elementwise ops are computed where a product is written, and outputs are
/// written in place, so that a part of a tensor would be worse for them.
static bool wantsOwnTensor(Operation *user) {
  return isa<ElementwiseOpInterface>(user) ||
         user->hasTrait<OpTrait::IsTerminator>();
}

static std::optional<Product> match(MatmulOp op) {
  auto weights = cast<RankedTensorType>(op.getRhs().getType());
  auto left = cast<RankedTensorType>(op.getLhs().getType());
  if (weights.getRank() != 2 || !weights.hasStaticShape() ||
      left.getRank() < 2 || !isa<FloatType>(op.getType().getElementType()) ||
      !isConstantDerived(op.getRhs()) || isConstantDerived(op.getLhs()))
    return std::nullopt;
  Product product{op, nullptr, nullptr};
  if (op->hasOneUse())
    if (auto add = dyn_cast<AddOp>(*op->user_begin());
        add && add->getBlock() == op->getBlock()) {
      product.offsets = getOffsets(add, op);
      product.add = product.offsets ? add : AddOp();
    }
  if (llvm::any_of(product.getResult().getUsers(), wantsOwnTensor))
    return std::nullopt;
  return product;
}

void ProductJoiner::hoist(Value value) {
  Operation *op = value.getDefiningOp(), *first = products.front().op;
  if (op->getBlock() != first->getBlock() || op->isBeforeInBlock(first))
    return;
  for (Value operand : op->getOperands())
    hoist(operand);
  op->moveBefore(first);
}

Value ProductJoiner::joinWeights() {
  SmallVector<Value> parts;
  for (Product &product : products) {
    hoist(product.op.getRhs());
    parts.push_back(product.op.getRhs());
  }
  return b.create<ConcatOp>(loc, parts, /*axis=*/1);
}

Value ProductJoiner::joinOffsets() {
  for (Product &product : products)
    hoist(product.offsets);
  // They may have more dimensions, of 1.
  auto parts = llvm::map_to_vector(products, [&](Product &product) -> Value {
    return b.createOrFold<ReshapeOp>(
        loc, product.offsets, b.getAffineConstantExpr(product.getWidth()));
  });
  return b.create<ConcatOp>(loc, parts, /*axis=*/0);
}

void ProductJoiner::join() {
  Value all =
      b.create<MatmulOp>(loc, products.front().op.getLhs(), joinWeights());
  if (products.front().offsets)
    all = b.create<AddOp>(loc, all, joinOffsets());
  SmallVector<AffineExpr> sizes =
      getDims(cast<RankedTensorType>(all.getType()));
  SmallVector<AffineExpr> starts(sizes.size(), b.getAffineConstantExpr(0));
  SmallVector<int64_t> steps(sizes.size(), 1);
  int64_t begin = 0;
  for (Product &product : products) {
    starts.back() = b.getAffineConstantExpr(begin);
    sizes.back() = b.getAffineConstantExpr(product.getWidth());
    Value part = b.create<SliceOp>(product.op.getLoc(), all,
                                   makeSymbolMap(starts, b.getContext()),
                                   makeSymbolMap(sizes, b.getContext()), steps);
    product.getResult().replaceAllUsesWith(part);
    begin += product.getWidth();
  }
  for (Product &product : products) {
    if (product.add)
      product.add.erase();
    product.op.erase();
  }
}

/// Joins as many of them at a time as may be.
static void joinAll(ArrayRef<Product> products) {
  while (!products.empty()) {
    Product first = products.front();
    size_t count = 0;
    int64_t width = 0;
    for (Product product : products) {
      width += product.getWidth();
      if (count > 0 && width > maxGrowth * first.getDepth())
        break;
      ++count;
    }
    if (count > 1)
      ProductJoiner(products.take_front(count)).join();
    products = products.drop_front(count);
  }
}

namespace {

struct JoinProductsPass : nn::impl::JoinProductsBase<JoinProductsPass> {
  void runOnOperation() override {
    llvm::MapVector<Key, SmallVector<Product>> groups;
    getOperation()->walk([&](MatmulOp op) {
      if (std::optional<Product> product = match(op))
        groups[{op.getLhs(), op->getBlock(), product->add ? 1u : 0u}].push_back(
            *product);
    });
    for (auto &[key, products] : groups)
      joinAll(products);
  }
};

} // namespace
