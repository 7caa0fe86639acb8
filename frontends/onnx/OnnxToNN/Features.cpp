//===- OnnxToNN/Features.cpp - features of ai.onnx.ml -----------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Node.h"
#include "frontends/onnx/OnnxToNN/Rows.h"
#include "frontends/onnx/OnnxToNN/Scores.h"
#include "nncc/Dialect/NN/NN.h"

#include <cmath>

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

static Value toF32(Node &node, Value value) {
  return node.cast(value, node.getBuilder().getF32Type());
}

/// A list with one entry a feature, or one for all of them; null after an
/// error.
static Value getPerFeature(Node &node, StringRef name, Value input,
                           ArrayRef<float> values) {
  Dims dims = Node::dims(input);
  if (dims.empty() || values.empty())
    return node.failValue("the attribute " + name + " is missing");
  std::optional<int64_t> features = nn::getConstantValue(dims.back());
  if (values.size() != 1 && features &&
      *features != static_cast<int64_t>(values.size()))
    return node.failValue(name + " must have one entry a feature");
  return node.constant(values);
}

/// (x - offset) * scale
static LogicalResult convertScaler(Node &node) {
  Value input = node.in(0), x = toF32(node, input);
  SmallVector<float> none;
  auto offset = node.getFloats("offset").value_or(none);
  auto scale = node.getFloats("scale").value_or(none);
  if (!offset.empty())
    x = node.sub(x, getPerFeature(node, "offset", input, offset));
  if (!scale.empty())
    x = node.mul(x, getPerFeature(node, "scale", input, scale));
  return node.result(x);
}

/// Rows divided by their norm, unless it is 0.
static LogicalResult convertNormalizer(Node &node) {
  std::string norm = node.getString("norm", "MAX");
  Value x = toF32(node, node.in(0)), size;
  if (!x || Node::rank(x) < 1)
    return node.fail("the input must have features");
  Ints axes = {Node::rank(x) - 1};
  if (norm == "MAX")
    size = node.create<nn::ReduceMaxOp>(x, axes, true);
  else if (norm == "L1")
    size = node.create<nn::ReduceSumOp>(node.create<nn::AbsOp>(x), axes, true);
  else if (norm == "L2")
    size = node.create<nn::SqrtOp>(
        node.create<nn::ReduceSumOp>(node.mul(x, x), axes, true));
  else
    return node.fail("norm = '" + llvm::Twine(norm) + "' is unknown");
  Type f32 = node.getBuilder().getF32Type();
  Value isZero = node.create<nn::EqualOp>(size, node.constant(0, f32));
  return node.result(
      node.div(x, node.select(isZero, node.constant(1, f32), size)));
}

static LogicalResult convertBinarizer(Node &node) {
  Value x = node.in(0);
  Type type = Node::elementType(x);
  Value isAbove = node.create<nn::GreaterOp>(
      x, node.constant(node.getFloat("threshold", 0), type));
  return node.result(node.cast(isAbove, type));
}

/// Replaces a value, or NaNs, by one of the feature's.
static LogicalResult convertImputer(Node &node) {
  Value x = node.in(0);
  Type type = Node::elementType(x);
  Value isMissing, imputed;
  if (isa<FloatType>(type)) {
    double replaced = node.getFloat("replaced_value_float", 0);
    auto values = node.getFloats("imputed_value_floats");
    if (!values)
      return node.fail("imputed_value_floats is missing");
    isMissing =
        std::isnan(replaced)
            ? node.create<nn::IsNaNOp>(x)
            : node.create<nn::EqualOp>(x, node.constant(replaced, type));
    imputed = getPerFeature(node, "imputed_value_floats", x, *values);
  } else {
    auto values = node.getInts("imputed_value_int64s");
    int64_t replaced = node.getInt("replaced_value_int64", 0);
    if (!values || values->empty())
      return node.fail("imputed_value_int64s is missing");
    isMissing = node.create<nn::EqualOp>(
        x, node.cast(node.reshape(node.constant(Ints{replaced}), {}), type));
    imputed = node.constant(ArrayRef<int64_t>(*values));
  }
  return node.result(node.select(isMissing, node.cast(imputed, type), x));
}

/// The features at the given positions, along the last axis.
static LogicalResult convertExtractor(Node &node) {
  Value x = node.in(0);
  if (Node::rank(x) == 1)
    x = node.reshape(x, {node.dim(1), Node::dims(x)[0]});
  if (!x || Node::rank(x) < 1)
    return node.fail("the input must have features");
  Value where = node.reshape(
      node.in(1), {nn::getProduct(Node::dims(node.in(1)), x.getContext())});
  return node.result(node.create<nn::GatherOp>(x, where, Node::rank(x) - 1));
}

static LogicalResult convertFeatureVectorizer(Node &node) {
  (void)node.getInts("inputdimensions");
  SmallVector<Value> parts;
  for (Value input : node.ins()) {
    if (!input || Node::rank(input) > 2 || Node::rank(input) < 1)
      return node.fail("the inputs must be matrices, one row an example");
    Dims dims = Node::dims(input);
    if (dims.size() == 1)
      dims.push_back(node.dim(1));
    parts.push_back(toF32(node, node.reshape(input, dims)));
  }
  return node.result(parts.size() == 1 ? parts[0] : node.concat(parts, 1));
}

//===----------------------------------------------------------------------===//
// Categories
//===----------------------------------------------------------------------===//

/// i1[..., keys]: which key an element is.
static Value compareWithKeys(Node &node, Value x, Value keys) {
  if (!x || !keys)
    return Value();
  Dims dims = Node::dims(x);
  dims.push_back(node.dim(1));
  return node.create<nn::EqualOp>(node.reshape(x, dims),
                                  node.cast(keys, Node::elementType(x)));
}

static LogicalResult convertOneHotEncoder(Node &node) {
  auto keys = node.getInts("cats_int64s");
  // With zeros = 0 there are none but the keys, or the operator fails.
  (void)node.getInt("zeros", 1);
  if (!keys || keys->empty())
    return node.fail("categories that are strings are not supported");
  Value isKey = compareWithKeys(node, node.in(0),
                                node.constant(ArrayRef<int64_t>(*keys)));
  return node.result(toF32(node, isKey));
}

/// Keys or values of a LabelEncoder, [n]; null where they are not numbers.
static Value getTable(Node &node, StringRef kind) {
  std::string name = kind.str();
  if (auto ints = node.getInts(name + "_int64s"))
    return node.constant(ArrayRef<int64_t>(*ints));
  if (auto floats = node.getFloats(name + "_floats"))
    return node.constant(ArrayRef<float>(*floats));
  if (node.hasAttr(name + "_tensor"))
    return node.constant(node.getTensor(name + "_tensor"));
  return Value();
}

static Value getDefault(Node &node, Type type) {
  double otherwise = type.isF32() ? node.getFloat("default_float", -0.0F)
                                  : node.getInt("default_int64", -1);
  if (node.hasAttr("default_tensor")) {
    auto numbers = node.readNumbers(node.getTensor("default_tensor"));
    if (!numbers || numbers->size() != 1)
      return node.failValue("default_tensor must be one number");
    otherwise = numbers->front();
  }
  return node.constant(otherwise, type);
}

static LogicalResult convertLabelEncoder(Node &node) {
  Value keys = getTable(node, "keys"), values = getTable(node, "values");
  SmallVector<std::string> labels = node.getStrings("values_strings");
  if (!labels.empty())
    values = node.constant(ArrayRef<int64_t>(numberLabels(node, labels)));
  // Only the default of the values' type counts.
  for (StringRef unused : {"default_string", "default_float", "default_int64"})
    (void)node.hasAttr(unused);
  (void)node.getString("default_string", "");
  if (!keys || !values)
    return node.fail("keys that are strings are not supported");
  if (Node::rank(keys) != 1 || keys.getType() == Type() ||
      Node::dims(keys) != Node::dims(values))
    return node.fail("keys and values must be of one size");
  Value isKey = compareWithKeys(node, node.in(0), keys);
  if (!isKey)
    return failure();
  int64_t last = Node::rank(isKey) - 1;
  Value number =
      node.create<nn::ArgMaxOp>(toF32(node, isKey), last, false, false);
  Value isKnown = node.create<nn::ReduceMaxOp>(isKey, Ints{last}, false);
  Value value = node.create<nn::GatherOp>(values, number, 0);
  return node.result(
      node.select(isKnown, value, getDefault(node, Node::elementType(values))));
}

/// Each row as a dictionary: here, the columns in the order of their labels.
static LogicalResult convertZipMap(Node &node) {
  (void)node.getInts("classlabels_int64s");
  (void)node.getStrings("classlabels_strings");
  emitWarning(node.getLoc())
      << "ZipMap makes dictionaries, which no tensor of the module can hold: "
         "its output has a column for each label, in the labels' order";
  return node.result(node.in(0));
}

static const Row rows[] = {
    {"ArrayFeatureExtractor", 1, 2, 2, convertExtractor, "ai.onnx.ml"},
    {"Binarizer", 1, 1, 1, convertBinarizer, "ai.onnx.ml"},
    {"FeatureVectorizer", 1, 1, anyNumber, convertFeatureVectorizer,
     "ai.onnx.ml"},
    {"Imputer", 1, 1, 1, convertImputer, "ai.onnx.ml"},
    {"LabelEncoder", 2, 1, 1, convertLabelEncoder, "ai.onnx.ml",
     "keys that are strings; values that are strings: their numbers stand for "
     "them"},
    {"Normalizer", 1, 1, 1, convertNormalizer, "ai.onnx.ml"},
    {"OneHotEncoder", 1, 1, 1, convertOneHotEncoder, "ai.onnx.ml",
     "strings; zeros = 0 fails for none: what is no category gives zeros"},
    {"Scaler", 1, 1, 1, convertScaler, "ai.onnx.ml"},
    {"ZipMap", 1, 1, 1, convertZipMap, "ai.onnx.ml",
     "dictionaries: the output is the input, a column for each label"},
};

ArrayRef<Row> nncc::onnx::getFeatureRows() { return rows; }
