//===- OnnxToNN/CountedLoop.cpp - conditions that count steps ---*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/CountedLoop.h"

#include "nncc/Dialect/NN/NN.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

namespace {

/// base + offset, where a null base is 0.
struct Linear {
  Value base;
  int64_t offset = 0;
};

/// low < high.
struct Comparison {
  Value low, high;
  bool orEqual = false;
};

/// Proceeds while start + first + step * stride is before the end.
struct Counted {
  Linear start, end;
  int64_t stride = 1;    ///< negative where the end is below
  int64_t first = 0;     ///< what is added before the first test
  bool isTested = false; ///< before the first step, too

  int64_t sign() const { return stride < 0 ? -1 : 1; }
};

class StepCounter {
public:
  StepCounter(Node &node, const Loop &loop, Block &body, ArrayRef<Value> next,
              bool mayBind)
      : node(node), loop(loop), body(body), next(next), mayBind(mayBind) {}

  std::optional<Counted> match(Value condition);
  bool isFirstTest(Value condition, const Counted &counted);
  AffineExpr count(const Counted &counted);
  AffineExpr minimum(AffineExpr a, AffineExpr b);

private:
  /// A number, also of a state that no step changes.
  std::optional<int64_t> getNumber(Value value);
  Linear split(Value value);
  std::optional<unsigned> getState(Value value);
  std::optional<Counted> match(Value count, Linear end, int64_t sign);
  Value toOutside(Value value);
  bool isOutside(Value value);
  Value toNumber(const Linear &linear);
  AffineExpr toSize(const Linear &linear);
  bool isSame(const Linear &a, const Linear &b);

  Node &node;
  const Loop &loop;
  Block &body;
  ArrayRef<Value> next;
  bool mayBind;
};

} // namespace

/// Without conversions, which change no number of steps.
static Value strip(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<nn::CastOp, nn::ReshapeOp>(op))
      break;
    value = op->getOperand(0);
  }
  return value;
}

static std::optional<Comparison> readComparison(Value condition) {
  Operation *op = strip(condition).getDefiningOp();
  if (!op || op->getNumOperands() != 2)
    return std::nullopt;
  Value a = op->getOperand(0), b = op->getOperand(1);
  if (isa<nn::LessOp, nn::LessEqualOp>(op))
    return Comparison{a, b, isa<nn::LessEqualOp>(op)};
  if (isa<nn::GreaterOp, nn::GreaterEqualOp>(op))
    return Comparison{b, a, isa<nn::GreaterEqualOp>(op)};
  return std::nullopt;
}

/// What a condition is where its own condition does not hold.
static Value getOtherwise(OpResult condition) {
  if (auto choice = dyn_cast<nn::SelectOp>(condition.getOwner()))
    return choice->getOperand(2);
  if (auto choice = dyn_cast<nn::IfOp>(condition.getOwner()))
    return choice.getElseBranch().front().getTerminator()->getOperand(
        condition.getResultNumber());
  return Value();
}

/// The conditions that must all hold, also as `a and b` of a language that asks
/// for b only where a holds.
static void collectParts(Value condition, SmallVectorImpl<Value> &parts) {
  condition = strip(condition);
  auto result = dyn_cast<OpResult>(condition);
  Value otherwise = result ? getOtherwise(result) : Value();
  if (otherwise &&
      strip(otherwise) == strip(result.getOwner()->getOperand(0))) {
    collectParts(otherwise, parts);
    if (auto choice = dyn_cast<nn::SelectOp>(result.getOwner()))
      collectParts(choice->getOperand(1), parts);
    else
      parts.push_back(condition);
    return;
  }
  if (auto both = condition.getDefiningOp<nn::AndOp>()) {
    collectParts(both.getLhs(), parts);
    collectParts(both.getRhs(), parts);
    return;
  }
  parts.push_back(condition);
}

std::optional<int64_t> StepCounter::getNumber(Value value) {
  auto number = node.tryFloats(toOutside(strip(value)));
  if (!number || number->size() != 1)
    return std::nullopt;
  return static_cast<int64_t>(number->front());
}

Linear StepCounter::split(Value value) {
  Linear result{strip(value), 0};
  while (true) {
    if (std::optional<int64_t> number = getNumber(result.base)) {
      result.offset += *number;
      result.base = Value();
      return result;
    }
    Operation *op = result.base.getDefiningOp();
    if (!isa_and_nonnull<nn::AddOp, nn::SubOp>(op))
      return result;
    Value a = op->getOperand(0), b = op->getOperand(1);
    if (isa<nn::AddOp>(op) && getNumber(a))
      std::swap(a, b);
    std::optional<int64_t> number = getNumber(b);
    if (!number)
      return result;
    result.offset += isa<nn::AddOp>(op) ? *number : -*number;
    result.base = strip(a);
  }
}

std::optional<unsigned> StepCounter::getState(Value value) {
  auto argument = dyn_cast_if_present<BlockArgument>(value);
  if (!argument || argument.getOwner() != &body || argument.getArgNumber() == 0)
    return std::nullopt;
  return argument.getArgNumber() - 1;
}

/// What a state is before the loop if no step changes it.
Value StepCounter::toOutside(Value value) {
  auto state = getState(value);
  if (!state || strip(next[*state]) != value)
    return value;
  return strip(loop.initial[*state]);
}

bool StepCounter::isOutside(Value value) {
  if (!value || !body.getParent()->isAncestor(value.getParentRegion()))
    return true;
  nn::SymbolicElements known = nn::symbolicElements(value);
  return known && llvm::none_of(*known, [&](AffineExpr element) {
           return node.needsSymbols(element, loop.firstSymbol);
         });
}

std::optional<Counted> StepCounter::match(Value condition) {
  auto comparison = readComparison(condition);
  if (!comparison)
    return std::nullopt;
  Linear above = split(comparison->high), below = split(comparison->low);
  above.offset += comparison->orEqual;
  below.offset -= comparison->orEqual;
  auto upwards = match(comparison->low, above, 1);
  return upwards ? upwards : match(comparison->high, below, -1);
}

/// A count that goes upwards or, with the sign -1, downwards to the end.
std::optional<Counted> StepCounter::match(Value count, Linear end,
                                          int64_t sign) {
  Linear counter = split(count);
  end.base = end.base ? toOutside(end.base) : Value();
  if (!isOutside(end.base) || !counter.base)
    return std::nullopt;
  Counted counted;
  counted.end = end;
  counted.first = counter.offset;
  if (counter.base == body.getArgument(0) && sign > 0)
    return counted;
  auto state = getState(counter.base);
  if (!state)
    return std::nullopt;
  Linear step = split(next[*state]);
  if (step.base != counter.base || step.offset * sign < 1)
    return std::nullopt;
  counted.start = split(loop.initial[*state]);
  counted.stride = step.offset;
  return counted;
}

bool StepCounter::isSame(const Linear &a, const Linear &b) {
  AffineExpr x = toSize(a), y = toSize(b);
  return (x && x == y) || (a.base == b.base && a.offset == b.offset);
}

/// Whether that is asked before the first step as it is after each.
bool StepCounter::isFirstTest(Value condition, const Counted &counted) {
  auto comparison = readComparison(condition);
  if (!comparison || counted.first != counted.stride)
    return false;
  Linear start = split(comparison->low), end = split(comparison->high);
  if (counted.sign() < 0)
    std::swap(start, end);
  end.offset += comparison->orEqual ? counted.sign() : 0;
  return isSame(start, counted.start) && isSame(end, counted.end);
}

/// Null where data tell.
AffineExpr StepCounter::toSize(const Linear &linear) {
  if (!linear.base)
    return node.dim(linear.offset);
  if (!Node::type(linear.base).hasStaticShape())
    return AffineExpr();
  Dims known = node.knownSymbols(linear.base);
  if (known.size() != 1 || !known.front())
    return AffineExpr();
  return nn::simplify(known.front() + linear.offset);
}

Value StepCounter::toNumber(const Linear &linear) {
  Type i64 = node.getBuilder().getI64Type();
  if (AffineExpr size = toSize(linear))
    return node.reshape(node.sizeValues(size), {});
  return node.add(node.cast(node.reshape(linear.base, {}), i64),
                  node.constant(static_cast<double>(linear.offset), i64));
}

/// The number of steps that this condition alone allows; null where it can't be
/// told.
AffineExpr StepCounter::count(const Counted &counted) {
  // A step of its own goes before the first test, unless that is one.
  int64_t before = counted.isTested ? 0 : 1;
  int64_t first = counted.isTested ? 0 : counted.first;
  int64_t sign = counted.sign(), stride = sign * counted.stride;
  AffineExpr start = toSize(counted.start), end = toSize(counted.end);
  if (start && end) {
    AffineExpr rest =
        nn::simplify(((end - start - first) * sign).ceilDiv(stride));
    if (node.isNonNegative(rest))
      return nn::simplify(rest + before);
    if (Node::isNegative(rest))
      return node.dim(before);
  }
  if (!mayBind)
    return AffineExpr();
  Type i64 = node.getBuilder().getI64Type();
  auto number = [&](int64_t value) {
    return node.constant(static_cast<double>(value), i64);
  };
  Value rest = node.sub(toNumber(counted.end), toNumber(counted.start));
  rest =
      node.add(node.mul(rest, number(sign)), number(stride - 1 - sign * first));
  rest = node.create<nn::MaxOp>(rest, number(0));
  return node.bindSize(node.add(node.div(rest, number(stride)), number(before)),
                       "the number of steps");
}

/// Null where data tell which it is, but may not be asked.
AffineExpr StepCounter::minimum(AffineExpr a, AffineExpr b) {
  if (!a || node.isNonNegative(nn::simplify(a - b)))
    return b;
  if (node.isNonNegative(nn::simplify(b - a)))
    return a;
  if (!mayBind)
    return AffineExpr();
  return node.bindSize(
      node.create<nn::MinOp>(node.sizeValues(a), node.sizeValues(b)),
      "the number of steps");
}

void nncc::onnx::countSteps(Node &node, Loop &loop, Block &body,
                            ArrayRef<Value> outputs, bool mayBind) {
  if (loop.limit)
    return; // Nothing is stacked.
  StepCounter counter(node, loop, body, outputs.drop_front(), mayBind);
  SmallVector<Value> parts, tests;
  collectParts(outputs.front(), parts);
  if (loop.condition)
    collectParts(loop.condition, tests);
  bool isAll = true;
  for (Value part : parts) {
    if (auto known = node.tryFloats(part);
        known && known->size() == 1 && known->front() != 0)
      continue;
    AffineExpr count;
    if (std::optional<Counted> counted = counter.match(part)) {
      size_t before = tests.size();
      llvm::erase_if(tests, [&](Value test) {
        return counter.isFirstTest(test, *counted);
      });
      counted->isTested = tests.size() < before;
      count = counter.count(*counted);
    }
    if (count)
      count = counter.minimum(loop.count, count);
    if (count)
      loop.count = count;
    isAll &= count != AffineExpr();
  }
  if (!isAll || !tests.empty() || !loop.count)
    return;
  loop.condition = Value();
  loop.testsCondition = false;
}
