//===- Functions.cpp - functions of a model ---------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/Functions.h"

#include "frontends/onnx/ModelFile.h"

#include "onnx-ml.pb.h"

using namespace mlir;
using namespace nncc::onnx;
using ::onnx::AttributeProto;
using ::onnx::FunctionProto;
using ::onnx::NodeProto;
using ::onnx::OperatorSetIdProto;

// What this frontend has been written for.
static constexpr int64_t oldestOpset = 1;
static constexpr int64_t newestOpset = 28;

FailureOr<OpsetVersions> nncc::onnx::readOpsets(
    const ModelFile &file,
    const google::protobuf::RepeatedPtrField<OperatorSetIdProto> &imports) {
  OpsetVersions opsets;
  for (const OperatorSetIdProto &opset : imports) {
    StringRef domain =
        opset.domain() == "ai.onnx" ? "" : StringRef(opset.domain());
    int64_t version = opset.version();
    auto [it, isNew] = opsets.try_emplace(domain, version);
    if (!isNew && it->second != version)
      return file.error() << "imports two versions of the domain '"
                          << printable(opset.domain()) << "'";
    if (domain.empty() && version < oldestOpset)
      return file.error() << "uses opset " << version
                          << " of ai.onnx; the oldest supported one is "
                          << oldestOpset
                          << ": convert the model with onnx.version_converter";
    if (domain.empty() && version > newestOpset)
      return file.error() << "uses opset " << version
                          << " of ai.onnx; the newest supported one is "
                          << newestOpset;
  }
  return opsets;
}

const AttributeProto *Function::getDefault(StringRef name) const {
  for (const AttributeProto &attribute : proto->attribute_proto())
    if (name == attribute.name())
      return &attribute;
  return nullptr;
}

/// Names of domains and operators have no character 0.
static std::string getKey(StringRef domain, StringRef name,
                          StringRef overload) {
  if (domain == "ai.onnx")
    domain = "";
  std::string key;
  for (StringRef part : {domain, name, overload}) {
    key += part;
    key += '\0';
  }
  return key;
}

LogicalResult Functions::read(const ModelFile &file) {
  for (const FunctionProto &proto : file.getModel().functions()) {
    FailureOr<OpsetVersions> opsets = readOpsets(file, proto.opset_import());
    if (failed(opsets))
      return failure();
    std::string key = getKey(proto.domain(), proto.name(), proto.overload());
    if (!functions.try_emplace(key, Function{&proto, *opsets}).second)
      return file.error() << "defines the function '" << printable(proto.name())
                          << "' of the domain '" << printable(proto.domain())
                          << "' twice";
  }
  return success();
}

const Function *Functions::find(const NodeProto &node) const {
  if (functions.empty())
    return nullptr;
  auto it =
      functions.find(getKey(node.domain(), node.op_type(), node.overload()));
  return it == functions.end() ? nullptr : &it->second;
}
