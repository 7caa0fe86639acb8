//===- OnnxToNN/Node.cpp - an ONNX node while it is legalized ---*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Node.h"

#include "frontends/onnx/ModelFile.h"
#include "frontends/onnx/OnnxToNN/Converter.h"
#include "frontends/onnx/OnnxToNN/Halves.h"
#include "frontends/onnx/OnnxToNN/Narrow.h"
#include "nncc/Dialect/NN/NN.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Verifier.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace nncc::onnx;

// No tensor of a 32-bit module can have more elements.
static constexpr int64_t maxElements = int64_t(1) << 32;

/// The type of the first floats of at least 16 bits.
static Type findFloatType(ArrayRef<Value> values) {
  for (Value value : values)
    if (value && Node::isTensor(value))
      if (Type type = Node::elementType(value);
          isa<FloatType>(type) && !isNarrow(type))
        return type;
  return Type();
}

Node::Node(NodeOp op, Converter &converter, ArrayRef<Value> given)
    : op(op), converter(converter), builder(converter.getBuilder()),
      given(given), inputs(llvm::map_to_vector(given, unwrapHalves)),
      floatType(findFloatType(given)) {}

Region *Node::getBody(StringRef name) {
  for (auto [graph, body] :
       llvm::zip(op.getGraphs().getAsRange<StringAttr>(), op.getBodies()))
    if (graph.getValue() == name && !body.empty())
      return &body;
  return nullptr;
}

/// Halves are f32 with a cast.
Value Node::asResult(unsigned index, Value value) {
  if (!isTensor(value))
    return value;
  if (isHalf(elementType(value)))
    return holdHalves(builder, value);
  auto said = resultTypes.find(index);
  Type type = said == resultTypes.end() ? floatType : said->second;
  if (!type || !isHalf(type) || !elementType(value).isF32())
    return value;
  return wrapHalves(builder, value, type);
}

Value Node::takeOutput(unsigned output, Value value) {
  if (isTensor(value))
    setType(output, elementType(value));
  return unwrapHalves(value);
}

LogicalResult Node::results(ArrayRef<Value> values) {
  if (isFailed)
    return failure();
  for (auto [index, output] : llvm::enumerate(op.getResults())) {
    if (index < values.size() && values[index])
      converter.map(output, asResult(index, values[index]));
    else if (!output.use_empty() || index == 0)
      return fail("its output " + llvm::Twine(index) + " is not supported");
  }
  return success();
}

LogicalResult Node::attempt(function_ref<LogicalResult()> legalize) {
  LogicalResult status = converter.attempt(
      [&] { return success(succeeded(legalize()) && !isFailed); });
  if (failed(status))
    isFailed = false;
  return status;
}

LogicalResult Node::fail(const llvm::Twine &message) {
  if (!isFailed)
    emitError(getLoc()) << message;
  isFailed = true;
  return failure();
}

Operation *Node::inferenceFailed(StringRef opName) {
  isFailed = true;
  // Inference has usually said more; only the first message counts.
  emitError(getLoc()) << "the operand types don't fit together (in " << opName
                      << ")";
  return nullptr;
}

Type Node::getPlaceholder() {
  return RankedTensorType::get({}, builder.getF32Type());
}

static bool isTooLarge(RankedTensorType type) {
  int64_t elements = 1;
  for (int64_t size : type.getShape()) {
    if (ShapedType::isDynamic(size))
      continue;
    if (size < 0 || size > maxElements ||
        llvm::MulOverflow(elements, size, elements) || elements > maxElements)
      return true;
  }
  return false;
}

LogicalResult Node::checkSize(RankedTensorType type) {
  if (!isTooLarge(type))
    return success();
  return fail("its result " + describeType(type, converter.getSymbols()) +
              " is too large");
}

/// Elements that no kernel knows: see Narrow.h.
static Value findNarrow(const OperationState &state) {
  if (state.name.getStringRef() == nncc::nn::CastOp::getOperationName() ||
      state.name.getStringRef() == nncc::nn::ShapeOfOp::getOperationName())
    return Value();
  for (Value operand : state.operands)
    if (Node::isTensor(operand) && isNarrow(Node::elementType(operand)))
      return operand;
  return Value();
}

Operation *Node::finish(OperationState &state) {
  if (Value narrow = findNarrow(state)) {
    (void)fail("does not take " + describe(narrow) + ": cast it first");
    return nullptr;
  }
  for (Type type : state.types) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (tensor && failed(checkSize(tensor)))
      return nullptr;
  }
  Operation *created = builder.create(state);
  if (succeeded(verify(created, /*verifyRecursively=*/false))) {
    checkBroadcast(created);
    checkSigns(created);
    return created;
  }
  isFailed = true;
  created->erase();
  return nullptr;
}

std::string Node::describe(Value value) {
  return describeType(value.getType(), converter.getSymbols());
}

std::string Node::describe(AffineExpr dim) {
  return describeDim(dim, converter.getSymbols());
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

template <typename T> T Node::getAttr(StringRef name, StringRef kind) {
  readAttributes.insert(name);
  Attribute attribute = op.getOnnxAttributes().get(name);
  if (!attribute)
    return T();
  if (auto typed = dyn_cast<T>(attribute))
    return typed;
  (void)fail("the attribute '" + name + "' is not " + kind);
  return T();
}

bool Node::hasAttr(StringRef name) {
  return op.getOnnxAttributes().contains(name);
}

int64_t Node::getInt(StringRef name, int64_t otherwise) {
  auto attribute = getAttr<IntegerAttr>(name, "an integer");
  return attribute ? attribute.getInt() : otherwise;
}

float Node::getFloat(StringRef name, float otherwise) {
  auto attribute = getAttr<FloatAttr>(name, "a number");
  return attribute ? attribute.getValue().convertToFloat() : otherwise;
}

std::string Node::getString(StringRef name, StringRef otherwise) {
  auto attribute = getAttr<StringAttr>(name, "a string");
  return attribute ? attribute.str() : otherwise.str();
}

std::optional<Ints> Node::getInts(StringRef name) {
  auto attribute = getAttr<DenseI64ArrayAttr>(name, "a list of integers");
  if (!attribute)
    return std::nullopt;
  return Ints(attribute.asArrayRef());
}

std::optional<SmallVector<float>> Node::getFloats(StringRef name) {
  auto attribute = getAttr<DenseF32ArrayAttr>(name, "a list of numbers");
  if (!attribute)
    return std::nullopt;
  return SmallVector<float>(attribute.asArrayRef());
}

SmallVector<std::string> Node::getStrings(StringRef name) {
  SmallVector<std::string> strings;
  // An empty list has no type of its own.
  if (auto attribute = getAttr<ArrayAttr>(name, "a list of strings"))
    for (auto text : attribute.getAsRange<StringAttr>())
      strings.push_back(text.str());
  return strings;
}

ElementsAttr Node::getTensor(StringRef name) {
  return getAttr<ElementsAttr>(name, "a tensor");
}

LogicalResult Node::checkAllRead() {
  for (NamedAttribute attribute : op.getOnnxAttributes())
    if (!readAttributes.contains(attribute.getName()) &&
        attribute.getName() != "consumed_inputs")
      return fail("the attribute '" + printable(attribute.getName()) +
                  "' is not supported");
  return success();
}

//===----------------------------------------------------------------------===//
// Axes and values
//===----------------------------------------------------------------------===//

Dims Node::dims(ArrayRef<int64_t> sizes) {
  return llvm::map_to_vector(sizes, [&](int64_t size) { return dim(size); });
}

std::optional<Ints> Node::staticDims(Value value, const llvm::Twine &what) {
  if (type(value).hasStaticShape())
    return Ints(type(value).getShape());
  (void)fail(what + " must have a static shape, not " + describe(value));
  return std::nullopt;
}

std::optional<int64_t> Node::axis(int64_t axis, int64_t rank) {
  if (axis >= -rank && axis < rank)
    return axis < 0 ? axis + rank : axis;
  (void)fail("the axis " + llvm::Twine(axis) + " is out of range for rank " +
             llvm::Twine(rank));
  return std::nullopt;
}

std::optional<Ints> Node::axes(ArrayRef<int64_t> list, int64_t rank) {
  Ints result;
  for (int64_t entry : list) {
    std::optional<int64_t> normal = axis(entry, rank);
    if (!normal)
      return std::nullopt;
    if (llvm::is_contained(result, *normal)) {
      (void)fail("the axis " + llvm::Twine(entry) + " is given twice");
      return std::nullopt;
    }
    result.push_back(*normal);
  }
  return result;
}

bool Node::hasRank(unsigned index, int64_t least, int64_t most) {
  Value value = in(index);
  if (!value || (rank(value) >= least && rank(value) <= most))
    return true;
  std::string range = std::to_string(least);
  if (most > least)
    range = most == anyRank ? "at least " + range
                            : range + " to " + std::to_string(most);
  (void)fail("its input " + llvm::Twine(index) + " must have " + range +
             " dimensions: " + describe(value));
  return false;
}

std::optional<Dims> Node::symbols(Value value, const llvm::Twine &what) {
  if (!value)
    return std::nullopt;
  if (nn::SymbolicElements elements = nn::symbolicElements(value))
    return *elements;
  (void)fail(what +
             " must be known when compiling: a constant or computed from "
             "shapes alone; data-dependent shapes are not supported");
  return std::nullopt;
}

std::optional<Ints> Node::ints(Value value, const llvm::Twine &what) {
  std::optional<Dims> elements = symbols(value, what);
  if (!elements)
    return std::nullopt;
  Ints result;
  for (AffineExpr element : *elements) {
    auto constant = dyn_cast<AffineConstantExpr>(element);
    if (!constant) {
      (void)fail(what + " must be constant, not " + describe(element));
      return std::nullopt;
    }
    result.push_back(constant.getValue());
  }
  return result;
}
