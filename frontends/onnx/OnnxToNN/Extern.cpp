//===- Extern.cpp - nodes of a user's operators ---------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Converter.h"
#include "frontends/onnx/OnnxToNN/Halves.h"
#include "frontends/onnx/OnnxToNN/Node.h"

#include "nncc/Dialect/NN/NN.h"

using namespace mlir;
using namespace nncc::onnx;

const ExternOperator *Converter::findExtern(NodeOp op) const {
  for (const ExternOperator &declared : externs)
    if (declared.domain == op.getDomain() && declared.op == op.getOpType())
      return &declared;
  return nullptr;
}

/// What a packed call can hold.
static bool isPackable(Attribute value) {
  return isa<IntegerAttr, FloatAttr, StringAttr, DenseI64ArrayAttr,
             DenseF32ArrayAttr>(value);
}

void Converter::convertExtern(NodeOp op, const ExternOperator &declared,
                              ArrayRef<Value> inputs) {
  SmallVector<RankedTensorType> types;
  for (Value input : inputs) {
    if (!input)
      return report(op, inputs,
                    "it leaves an input out, which no function "
                    "can be told");
    types.push_back(cast<RankedTensorType>(input.getType()));
  }
  for (NamedAttribute attribute : op.getOnnxAttributes())
    if (!isPackable(attribute.getValue()))
      return report(op, inputs,
                    "the attribute '" + attribute.getName().getValue() +
                        "' is no number, string or list of numbers, which is "
                        "what functions take");
  llvm::Expected<SmallVector<RankedTensorType>> outputs =
      inferExternOutputs(declared, types, [&](RankedTensorType type) {
        return describeType(type, getSymbols());
      });
  if (!outputs)
    return report(op, inputs, llvm::toString(outputs.takeError()));
  if (op.getNumResults() > outputs->size())
    return report(op, inputs,
                  "--extern declares " + llvm::Twine(outputs->size()) +
                      " outputs, the node has " +
                      llvm::Twine(op.getNumResults()));
  SmallVector<Type> results(outputs->begin(), outputs->end());
  auto call = builder.create<nn::ExternOp>(
      op.getLoc(), results, declared.getName(), op.getOnnxAttributes(), inputs);
  for (auto [from, to] : llvm::zip(op.getResults(), call.getOutputs()))
    mapping[from] =
        isHalf(Node::elementType(to)) ? holdHalves(builder, to) : Value(to);
}
