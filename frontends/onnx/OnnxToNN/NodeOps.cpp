//===- OnnxToNN/NodeOps.cpp - ops that many handlers create -----*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Node.h"

#include "nncc/Dialect/NN/NN.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"

using namespace mlir;
using namespace nncc::onnx;

Value Node::constant(ElementsAttr value) {
  return builder.create<nn::ConstantOp>(getLoc(), value);
}

Value Node::constant(double value, Type elementType) {
  auto tensor = RankedTensorType::get({}, elementType);
  if (auto floatType = dyn_cast<FloatType>(elementType)) {
    APFloat number(value);
    bool losesInfo = false;
    number.convert(floatType.getFloatSemantics(), APFloat::rmNearestTiesToEven,
                   &losesInfo);
    return constant(DenseElementsAttr::get(tensor, number));
  }
  unsigned width = elementType.getIntOrFloatBitWidth();
  APInt number(64, static_cast<uint64_t>(static_cast<int64_t>(value)));
  return constant(DenseElementsAttr::get(tensor, number.trunc(width)));
}

Value Node::constant(ArrayRef<int64_t> values) {
  auto tensor = RankedTensorType::get({static_cast<int64_t>(values.size())},
                                      builder.getI64Type());
  return constant(DenseElementsAttr::get(tensor, values));
}

Value Node::constant(ArrayRef<float> values) {
  auto tensor = RankedTensorType::get({static_cast<int64_t>(values.size())},
                                      builder.getF32Type());
  return constant(DenseElementsAttr::get(tensor, values));
}

Value Node::reshape(Value value, ArrayRef<AffineExpr> dims) {
  if (!value)
    return Value();
  RankedTensorType target = nn::makeTensorType(dims, elementType(value));
  if (target == value.getType())
    return value;
  return createTyped<nn::ReshapeOp>(target, value);
}

Value Node::withSize(Value value, int64_t axis, AffineExpr size) {
  if (!value)
    return Value();
  Dims sizes = dims(value);
  if (nn::getDifference(sizes[axis], size))
    return value;
  checkEqual(sizes[axis], size);
  sizes[axis] = size;
  return reshape(value, sizes);
}

Value Node::matmul(Value a, Value b) {
  if (!a || !b || rank(a) == 0 || rank(b) == 0)
    return create<nn::MatmulOp>(a, b);
  int64_t left = rank(a) - 1, right = std::max<int64_t>(rank(b) - 2, 0);
  if (nn::getConstantValue(dims(b)[right]))
    a = withSize(a, left, dims(b)[right]);
  else
    b = withSize(b, right, dims(a)[left]);
  Dims leftBatch = dims(a), rightBatch = dims(b);
  leftBatch.truncate(std::max<int64_t>(left - 1, 0));
  rightBatch.truncate(right);
  for (auto [x, y] :
       llvm::zip(llvm::reverse(leftBatch), llvm::reverse(rightBatch)))
    if (!nn::isOne(x) && !nn::isOne(y))
      checkEqual(x, y);
  return create<nn::MatmulOp>(a, b);
}

Value Node::transpose(Value value, ArrayRef<int64_t> permutation) {
  if (value && llvm::is_sorted(permutation))
    return value;
  return create<nn::TransposeOp>(value, permutation);
}

Value Node::broadcast(Value value, ArrayRef<AffineExpr> dims) {
  if (!value)
    return Value();
  RankedTensorType target = nn::makeTensorType(dims, elementType(value));
  if (target == value.getType())
    return value;
  return createTyped<nn::BroadcastToOp>(target, value);
}

Value Node::stretch(Value value, int64_t axis, AffineExpr count) {
  if (!value)
    return Value();
  assumeNonNegative(dims(value)[axis] - 1);
  Value last = sizeValues(nn::simplify(dims(value)[axis] - 1));
  auto places = nn::makeTensorType({count}, builder.getI64Type());
  return create<nn::GatherOp>(
      value, create<nn::MinOp>(createTyped<nn::IotaOp>(places, 0), last), axis);
}

Value Node::cast(Value value, Type to) {
  if (!value || elementType(value) == to)
    return value;
  // Sizes go through floats and back.
  if (auto inner = value.getDefiningOp<nn::CastOp>();
      inner && isa<IntegerType>(to) && isa<FloatType>(elementType(value)) &&
      nn::symbolicElements(inner.getInput()))
    return cast(inner.getInput(), to);
  return createTyped<nn::CastOp>(nn::makeTensorType(dims(value), to), value);
}

Value Node::concat(ArrayRef<Value> values, int64_t axis) {
  Value result = create<nn::ConcatOp>(values, axis);
  if (!result)
    return Value();
  for (Value value : values)
    for (auto [i, size] : llvm::enumerate(dims(value)))
      if (static_cast<int64_t>(i) != axis)
        checkEqual(size, dims(result)[i]);
  return result;
}

Value Node::slice(Value value, int64_t axis, AffineExpr start,
                  AffineExpr size) {
  if (!value)
    return Value();
  Dims starts(rank(value), dim(0)), sizes = dims(value);
  starts[axis] = start;
  sizes[axis] = size;
  return create<nn::SliceOp>(value, map(starts), map(sizes),
                             Ints(rank(value), 1));
}

Value Node::reverse(Value value, int64_t axis) {
  if (!value)
    return Value();
  Dims starts(rank(value), dim(0)), sizes = dims(value);
  Ints steps(rank(value), 1);
  starts[axis] = nn::simplify(sizes[axis] - 1);
  steps[axis] = -1;
  return create<nn::SliceOp>(value, map(starts), map(sizes), steps);
}

Value Node::select(Value condition, Value trueValue, Value falseValue) {
  return create<nn::SelectOp>(condition, trueValue, falseValue);
}

static constexpr llvm::StringLiteral stackedAttrName = "onnx.stacked";

Value Node::stackedSequence(Value stack) {
  Value list = sequence(stack);
  if (list)
    list.getDefiningOp()->setAttr(stackedAttrName, builder.getUnitAttr());
  return list;
}

Value Node::getStack(Value sequence) {
  auto list = sequence.getDefiningOp<UnrealizedConversionCastOp>();
  return list && list->hasAttr(stackedAttrName) ? list.getInputs().front()
                                                : Value();
}

Value Node::sequence(ArrayRef<Value> elements) {
  if (isFailed || !isPresent(elements))
    return Value();
  return builder
      .create<UnrealizedConversionCastOp>(getLoc(), builder.getNoneType(),
                                          elements)
      .getResult(0);
}

std::optional<SmallVector<Value>> Node::elements(Value value) {
  auto list = value ? value.getDefiningOp<UnrealizedConversionCastOp>()
                    : UnrealizedConversionCastOp();
  if (!list || list->hasAttr(stackedAttrName))
    return std::nullopt;
  return SmallVector<Value>(list.getInputs());
}

SmallVector<Value>
Node::loop(AffineExpr count, ArrayRef<Value> initial,
           function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  if (isFailed || !isPresent(initial))
    return {};
  Region region;
  Block &block = region.emplaceBlock();
  block.addArgument(RankedTensorType::get({}, builder.getI64Type()), getLoc());
  for (Value state : initial)
    block.addArgument(state.getType(), getLoc());
  SmallVector<Type> types(ValueRange(initial).getTypes());
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(&block);
    SmallVector<Value> next =
        body(block.getArgument(0), block.getArguments().drop_front());
    if (isFailed || !isPresent(ArrayRef<Value>(next)))
      return {};
    for (Value element : ArrayRef<Value>(next).drop_front(initial.size())) {
      Dims stack = dims(element);
      stack.insert(stack.begin(), count);
      types.push_back(nn::makeTensorType(stack, elementType(element)));
    }
    builder.create<nn::YieldOp>(getLoc(), next);
  }
  auto op = builder.create<nn::LoopOp>(
      getLoc(), types, AffineMapAttr::get(map(count)), Value(), Value(),
      initial, IntegerAttr(), IntegerAttr());
  op.getBody().takeBody(region);
  return SmallVector<Value>(op.getOutputs());
}

Value Node::add(Value a, Value b) { return create<nn::AddOp>(a, b); }
Value Node::sub(Value a, Value b) { return create<nn::SubOp>(a, b); }
Value Node::mul(Value a, Value b) { return create<nn::MulOp>(a, b); }
Value Node::div(Value a, Value b) { return create<nn::DivOp>(a, b); }
