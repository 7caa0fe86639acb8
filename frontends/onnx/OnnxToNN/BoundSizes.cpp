//===- OnnxToNN/BoundSizes.cpp - sizes that data tell -----------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Converter.h"
#include "frontends/onnx/OnnxToNN/Node.h"
#include "nncc/Dialect/Exec/Exec.h"
#include "nncc/Dialect/NN/NN.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

Dims Converter::addBoundSymbols(StringRef prefix, int64_t count) {
  Dims fresh;
  for (int64_t i = 0; i < count; ++i) {
    AffineExpr symbol =
        getAffineSymbolExpr(sizes.symbols.size(), builder.getContext());
    fresh.push_back(symbol);
    sizes.symbols.push_back(
        (prefix + "." + llvm::Twine(sizes.numBound++)).str());
    sizes.bounds.emplace_back();
  }
  return fresh;
}

bool Node::isBound(AffineExpr size) {
  return needsSymbols(size, converter.getNumGivenSymbols());
}

bool Node::needsSymbols(AffineExpr size, unsigned first) {
  for (unsigned i = first; i < getNumSymbols(); ++i)
    if (size.isFunctionOfSymbol(i))
      return true;
  return false;
}

Value Node::sizeValues(ArrayRef<AffineExpr> sizes) {
  return create<nn::SizesOp>(map(sizes));
}

Dims Node::knownSymbols(Value value) {
  if (nn::SymbolicElements elements = nn::symbolicElements(value))
    return *elements;
  if (const Dims *bound = converter.findBound(value))
    return *bound;
  Operation *op = value.getDefiningOp();
  bool isSame = isa_and_nonnull<nn::ReshapeOp>(op) ||
                (isa_and_nonnull<nn::CastOp>(op) &&
                 isa<IntegerType>(elementType(op->getOperand(0))));
  if (isSame)
    return knownSymbols(op->getOperand(0));
  auto concat = dyn_cast_or_null<nn::ConcatOp>(op);
  if (!concat || rank(value) != 1)
    return Dims(type(value).getNumElements());
  Dims all;
  for (Value part : concat.getInputs())
    llvm::append_range(all, knownSymbols(part));
  return all;
}

std::optional<Dims> Node::bindSizes(Value values, const llvm::Twine &what,
                                    ArrayRef<AffineExpr> known) {
  if (!values)
    return std::nullopt;
  int64_t count = type(values).getNumElements();
  Dims sizes(known);
  sizes.resize(count);
  Value all = reshape(cast(values, builder.getI64Type()), dim(count));
  SmallVector<Value> unknown;
  for (auto [i, size] : llvm::enumerate(sizes))
    if (!size)
      unknown.push_back(slice(all, 0, dim(i), dim(1)));
  if (unknown.empty() || hasFailed())
    return hasFailed() ? std::nullopt : std::optional(sizes);
  if (static_cast<int64_t>(unknown.size()) < count)
    all = unknown.size() == 1 ? unknown.front() : concat(unknown, 0);
  Dims fresh = converter.addBoundSymbols(getOpType(), unknown.size());
  builder.create<nn::BindSizesOp>(getLoc(), all,
                                  getNumSymbols() - fresh.size());
  const AffineExpr *next = fresh.begin();
  for (AffineExpr &size : sizes)
    if (!size)
      size = *next++;
  return sizes;
}

AffineExpr Node::bindSize(Value value, const llvm::Twine &what) {
  auto sizes = bindSizes(value, what);
  return sizes ? sizes->front() : AffineExpr();
}

std::optional<Dims> Node::sizes(Value value, const llvm::Twine &what) {
  if (!value)
    return std::nullopt;
  bool isVector = type(value).hasStaticShape() && rank(value) <= 1 &&
                  type(value).getNumElements() <= nn::maxSymbolicElements &&
                  isa<IntegerType>(elementType(value));
  if (!isVector)
    return symbols(value, what);
  auto sizes = bindSizes(value, what, knownSymbols(value));
  if (sizes)
    converter.setBound(value, *sizes);
  return sizes;
}

void Node::checkEqual(AffineExpr a, AffineExpr b) {
  if (nn::getDifference(a, b) == 0 || hasFailed() || narrowTo(a, b) ||
      narrowTo(b, a))
    return;
  // What a branch or the body of a loop compares holds only where that runs.
  Operation *parent = builder.getInsertionBlock()->getParentOp();
  bool isInside = !isa_and_nonnull<func::FuncOp>(parent);
  if (isInside ? !converter.isChecked(a, b) : converter.addCheck(a, b))
    builder.create<nn::CheckSizesOp>(getLoc(), map(a), map(b));
}

void Node::checkBroadcast(Operation *op) {
  if (!isa<nn::ElementwiseOpInterface>(op))
    return;
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(op);
  Dims result = dims(op->getResult(0));
  for (Value operand : op->getOperands()) {
    Dims own = dims(operand);
    // One number may come as a vector of open size; the lowering stretches it.
    if (own.size() == 1 && !isBound(own[0]) &&
        nn::getConstantValue(result.back()))
      continue;
    for (auto [a, b] : llvm::zip(llvm::reverse(own), llvm::reverse(result)))
      if (!nn::isOne(a))
        checkEqual(a, b);
  }
}

SmallVector<Value> Node::callLibrary(StringRef name, ArrayRef<Value> inputs,
                                     ArrayRef<RankedTensorType> results) {
  SmallVector<Value> none(results.size());
  if (hasFailed() || !isPresent(inputs))
    return none;
  SmallVector<Type> types(results.begin(), results.end());
  auto call = builder.create<nn::ExternOp>(
      getLoc(), types, (exec::libraryPrefix + name).str(),
      builder.getDictionaryAttr({}), inputs);
  return SmallVector<Value>(call.getOutputs());
}
