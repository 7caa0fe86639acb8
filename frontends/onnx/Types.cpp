//===- Types.cpp - ONNX types and symbolic dimensions -----------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/Types.h"

#include "frontends/onnx/ModelFile.h"
#include "nncc/Dialect/NN/Symbols.h"

#include "onnx-ml.pb.h"

#include "mlir/IR/Builders.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace nncc::onnx;
using ::onnx::TensorProto;
using ::onnx::TypeProto;

static constexpr int maxRank = 32;

Type nncc::onnx::getElementType(int32_t dataType, MLIRContext *context) {
  auto integer = [&](unsigned bits, IntegerType::SignednessSemantics sign) {
    return IntegerType::get(context, bits, sign);
  };
  switch (dataType) {
  case TensorProto::FLOAT:
    return Float32Type::get(context);
  case TensorProto::DOUBLE:
    return Float64Type::get(context);
  case TensorProto::FLOAT16:
    return Float16Type::get(context);
  case TensorProto::BFLOAT16:
    return BFloat16Type::get(context);
  case TensorProto::FLOAT8E4M3FN:
    return Float8E4M3FNType::get(context);
  case TensorProto::FLOAT8E4M3FNUZ:
    return Float8E4M3FNUZType::get(context);
  case TensorProto::FLOAT8E5M2:
    return Float8E5M2Type::get(context);
  case TensorProto::FLOAT8E5M2FNUZ:
    return Float8E5M2FNUZType::get(context);
  case TensorProto::BOOL:
    return integer(1, IntegerType::Signless);
  case TensorProto::INT8:
    return integer(8, IntegerType::Signless);
  case TensorProto::INT16:
    return integer(16, IntegerType::Signless);
  case TensorProto::INT32:
    return integer(32, IntegerType::Signless);
  case TensorProto::INT64:
    return integer(64, IntegerType::Signless);
  case TensorProto::UINT8:
    return integer(8, IntegerType::Unsigned);
  case TensorProto::UINT16:
    return integer(16, IntegerType::Unsigned);
  case TensorProto::UINT32:
    return integer(32, IntegerType::Unsigned);
  case TensorProto::UINT64:
    return integer(64, IntegerType::Unsigned);
  case TensorProto::INT4:
    return integer(4, IntegerType::Signless);
  case TensorProto::UINT4:
    return integer(4, IntegerType::Unsigned);
  case TensorProto::INT2:
    return integer(2, IntegerType::Signless);
  case TensorProto::UINT2:
    return integer(2, IntegerType::Unsigned);
  default:
    return Type();
  }
}

std::string nncc::onnx::getDataTypeName(int32_t dataType) {
  static constexpr const char *names[] = {
      "UNDEFINED",      "FLOAT",      "UINT8",
      "INT8",           "UINT16",     "INT16",
      "INT32",          "INT64",      "STRING",
      "BOOL",           "FLOAT16",    "DOUBLE",
      "UINT32",         "UINT64",     "COMPLEX64",
      "COMPLEX128",     "BFLOAT16",   "FLOAT8E4M3FN",
      "FLOAT8E4M3FNUZ", "FLOAT8E5M2", "FLOAT8E5M2FNUZ",
      "UINT4",          "INT4",       "FLOAT4E2M1",
      "FLOAT8E8M0",     "UINT2",      "INT2"};
  if (dataType >= 0 && dataType < static_cast<int32_t>(std::size(names)))
    return names[dataType];
  return "number " + std::to_string(dataType);
}

llvm::Expected<DimBound> nncc::onnx::parseDimBound(StringRef text) {
  auto [name, value] = text.rsplit('=');
  auto [low, high] = value.split("..");
  DimBound bound;
  bound.name = name.str();
  bool bad = name.empty() || low.getAsInteger(10, bound.low);
  if (value.contains(".."))
    bad = bad || high.getAsInteger(10, bound.high);
  else
    bound.high = bound.low;
  constexpr int64_t limit = int64_t(1) << 31;
  if (bad || bound.low < 0 || bound.high < bound.low || bound.high > limit)
    return llvm::createStringError(
        llvm::inconvertibleErrorCode(),
        "'%s': a dimension is given as NAME=VALUE or NAME=LOW..HIGH",
        text.str().c_str());
  return bound;
}

const DimBound *DimSymbols::findBound(StringRef name) const {
  for (const DimBound &bound : options.dims)
    if (bound.name == name)
      return &bound;
  return nullptr;
}

AffineExpr DimSymbols::getDim(const std::string &name) {
  auto [it, isNew] = dims.try_emplace(name);
  if (!isNew)
    return it->second;
  const DimBound *bound = findBound(name);
  if (bound && bound->low == bound->high)
    return it->second = getAffineConstantExpr(bound->low, &context);
  names.push_back(name);
  return it->second = getAffineSymbolExpr(names.size() - 1, &context);
}

FailureOr<RankedTensorType> DimSymbols::getInputType(StringRef name,
                                                     const TypeProto &type) {
  auto refuse = [&](const llvm::Twine &why) {
    return file.error() << "input '" << printable(name) << "' " << why;
  };
  if (!type.has_tensor_type())
    return refuse("is not a tensor: sequences, maps and optionals are not "
                  "supported");
  const TypeProto::Tensor &tensor = type.tensor_type();
  Type elementType = getElementType(tensor.elem_type(), &context);
  if (!elementType)
    return refuse("has the element type " +
                  getDataTypeName(tensor.elem_type()) +
                  ", which is not supported");
  if (!tensor.has_shape())
    return refuse("has no shape: declare at least its rank in the model");
  if (tensor.shape().dim_size() > maxRank)
    return refuse("has " + llvm::Twine(tensor.shape().dim_size()) +
                  " dimensions; at most " + llvm::Twine(maxRank) +
                  " are supported");

  SmallVector<AffineExpr> exprs;
  int64_t elements = 1;
  for (auto [i, dim] : llvm::enumerate(tensor.shape().dim())) {
    // Old exporters write -1 for an open dimension.
    bool isOpen = !dim.has_dim_value() || dim.dim_value() == -1;
    if (isOpen) {
      std::string symbol = dim.dim_param();
      if (symbol.empty())
        symbol = (name + "_d" + llvm::Twine(i)).str();
      exprs.push_back(getDim(symbol));
    } else if (dim.dim_value() < 0) {
      return refuse("has the negative dimension " +
                    llvm::Twine(dim.dim_value()));
    } else {
      exprs.push_back(getAffineConstantExpr(dim.dim_value(), &context));
    }
    auto constant = dyn_cast<AffineConstantExpr>(exprs.back());
    if (constant &&
        (constant.getValue() > options.maxElements ||
         llvm::MulOverflow(elements, constant.getValue(), elements) ||
         elements > options.maxElements))
      return refuse("is too large: more than " +
                    llvm::Twine(options.maxElements) + " elements");
  }
  return nn::makeTensorType(exprs, elementType);
}

LogicalResult DimSymbols::checkBounds() const {
  for (const DimBound &bound : options.dims) {
    if (dims.contains(bound.name))
      continue;
    InFlightDiagnostic diagnostic = file.error();
    diagnostic << "no input has a dimension named '" << printable(bound.name)
               << "'";
    if (names.empty())
      return diagnostic << "; all dimensions are constant";
    diagnostic << "; there are: ";
    llvm::interleaveComma(names, diagnostic, [&](const std::string &name) {
      diagnostic << "'" << printable(name) << "'";
    });
    return diagnostic;
  }
  return success();
}

SmallVector<Attribute> DimSymbols::getBounds() const {
  SmallVector<Attribute> bounds;
  bool any = false;
  for (const std::string &name : names) {
    const DimBound *bound = findBound(name);
    any |= bound != nullptr;
    bounds.push_back(Builder(&context).getDenseI64ArrayAttr(
        {bound ? bound->low : 0, bound ? bound->high : -1}));
  }
  if (!any)
    bounds.clear();
  return bounds;
}

Type nncc::onnx::getDeclaredType(const TypeProto &type, MLIRContext *context) {
  if (!type.has_tensor_type() || !type.tensor_type().has_shape() ||
      type.tensor_type().shape().dim_size() > maxRank)
    return Type();
  Type elementType = getElementType(type.tensor_type().elem_type(), context);
  if (!elementType)
    return Type();
  SmallVector<int64_t> shape;
  for (const auto &dim : type.tensor_type().shape().dim())
    shape.push_back(dim.has_dim_value() && dim.dim_value() >= 0
                        ? dim.dim_value()
                        : ShapedType::kDynamic);
  return RankedTensorType::get(shape, elementType);
}
