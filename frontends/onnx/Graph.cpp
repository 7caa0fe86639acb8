//===- Graph.cpp - ONNX graphs as regions -----------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/Graph.h"

#include "frontends/onnx/IR/OnnxDialect.h"
#include "frontends/onnx/ModelFile.h"
#include "frontends/onnx/NodeOrder.h"
#include "frontends/onnx/Tensors.h"

#include "onnx-ml.pb.h"

using namespace mlir;
using namespace nncc::onnx;
using ::onnx::AttributeProto;
using ::onnx::GraphProto;
using ::onnx::NodeProto;

// One bad file is not worth more lines than this.
static constexpr int maxErrors = 10;

// Functions that call functions may mean more nodes than any memory holds.
static constexpr unsigned maxDepth = 100;
static constexpr int64_t maxInlined = 1 << 20;

struct GraphImporter::NodeState {
  const NodeProto &node;
  std::string name;
  std::string who;
  StringRef domain;
  int64_t opset = 0;
  SmallVector<Value> inputs;
  NamedAttrList attributes;
  SmallVector<StringRef> graphs;
  SmallVector<std::unique_ptr<Region>> bodies;
};

static std::string getNodeName(const NodeProto &node, int index) {
  if (!node.name().empty())
    return node.name();
  for (const std::string &output : node.output())
    if (!output.empty())
      return output;
  return node.op_type() + "_" + std::to_string(index);
}

static std::string describe(const NodeProto &node, const std::string &name) {
  StringRef domain = node.domain();
  return "node '" + printable(name) + "' (op " + printable(node.op_type()) +
         ", domain " + (domain.empty() ? "ai.onnx" : printable(domain)) + ")";
}

LogicalResult GraphImporter::define(StringRef name, Value value) {
  if (!values.try_emplace(name, value).second)
    return file.error() << "the name '" << printable(name)
                        << "' is defined twice in one graph";
  return success();
}

Value GraphImporter::lookup(StringRef name) const {
  for (const GraphImporter *scope = this; scope; scope = scope->outer) {
    auto it = scope->values.find(name);
    if (it != scope->values.end())
      return it->second;
  }
  return Value();
}

Type GraphImporter::getValueType(StringRef name) const {
  if (Type type = declared.lookup(name))
    return type;
  return ValueType::get(builder.getContext());
}

void GraphImporter::collectDeclarations(const GraphProto &graph) {
  for (const auto *infos : {&graph.value_info(), &graph.output()})
    for (const auto &info : *infos)
      if (Type type = getDeclaredType(info.type(), builder.getContext()))
        declared[info.name()] = type;
}

LogicalResult GraphImporter::importInitializers(const GraphProto &graph) {
  if (graph.sparse_initializer_size())
    return file.error() << "sparse initializers are not supported: store them "
                           "dense";
  int errors = 0;
  for (const auto &tensor : graph.initializer()) {
    std::string who = "initializer '" + printable(tensor.name()) + "'";
    FailureOr<ElementsAttr> value =
        convertTensor(file, tensor, who, options, builder.getContext());
    if (failed(value)) {
      if (++errors == maxErrors)
        return failure();
      continue;
    }
    Location loc = NameLoc::get(builder.getStringAttr(tensor.name()));
    Value constant = builder.create<ConstantOp>(loc, *value);
    errors += failed(define(tensor.name(), constant));
  }
  return failure(errors != 0);
}

LogicalResult GraphImporter::resolveInputs(NodeState &state) {
  for (const std::string &input : state.node.input()) {
    if (input.empty()) {
      state.inputs.push_back(builder.create<NoneOp>(builder.getUnknownLoc(),
                                                    builder.getNoneType()));
      continue;
    }
    Value value = lookup(input);
    if (!value)
      return file.error() << state.who << ": its input '" << printable(input)
                          << "' is defined nowhere";
    state.inputs.push_back(value);
  }
  return success();
}

// Files of early IR versions leave the type out.
static int getAttributeType(const AttributeProto &attribute) {
  if (attribute.has_type())
    return attribute.type();
  if (attribute.has_f())
    return AttributeProto::FLOAT;
  if (attribute.has_i())
    return AttributeProto::INT;
  if (attribute.has_s())
    return AttributeProto::STRING;
  if (attribute.has_t())
    return AttributeProto::TENSOR;
  if (attribute.has_g())
    return AttributeProto::GRAPH;
  if (attribute.floats_size())
    return AttributeProto::FLOATS;
  if (attribute.ints_size())
    return AttributeProto::INTS;
  if (attribute.strings_size())
    return AttributeProto::STRINGS;
  return AttributeProto::UNDEFINED;
}

LogicalResult GraphImporter::importSubgraph(const AttributeProto &attribute,
                                            NodeState &state) {
  const GraphProto &graph = attribute.g();
  auto region = std::make_unique<Region>();
  Block &block = region->emplaceBlock();
  GraphImporter importer(context, opsets, this);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToEnd(&block);

  for (const auto &input : graph.input()) {
    Type type = getDeclaredType(input.type(), builder.getContext());
    Value argument =
        block.addArgument(type ? type : ValueType::get(builder.getContext()),
                          NameLoc::get(builder.getStringAttr(input.name())));
    if (failed(importer.define(input.name(), argument)))
      return failure();
  }
  if (failed(importer.importBody(graph)))
    return failure();
  FailureOr<SmallVector<Value>> outputs = importer.getOutputs(graph);
  if (failed(outputs))
    return failure();
  builder.create<YieldOp>(builder.getUnknownLoc(), *outputs);
  state.graphs.push_back(attribute.name());
  state.bodies.push_back(std::move(region));
  return success();
}

FailureOr<Attribute>
GraphImporter::convertAttribute(const AttributeProto &attribute, int type,
                                NodeState &state) {
  switch (type) {
  case AttributeProto::FLOAT:
    return Attribute(builder.getF32FloatAttr(attribute.f()));
  case AttributeProto::INT:
    return Attribute(builder.getI64IntegerAttr(attribute.i()));
  case AttributeProto::STRING:
    return Attribute(builder.getStringAttr(attribute.s()));
  case AttributeProto::FLOATS:
    return Attribute(builder.getDenseF32ArrayAttr(
        ArrayRef<float>(attribute.floats().data(), attribute.floats_size())));
  case AttributeProto::INTS:
    return Attribute(builder.getDenseI64ArrayAttr(
        ArrayRef<int64_t>(attribute.ints().data(), attribute.ints_size())));
  case AttributeProto::STRINGS: {
    SmallVector<StringRef> strings(attribute.strings().begin(),
                                   attribute.strings().end());
    return Attribute(builder.getStrArrayAttr(strings));
  }
  case AttributeProto::TENSOR: {
    FailureOr<ElementsAttr> tensor = convertTensor(
        file, attribute.t(),
        state.who + ", attribute '" + printable(attribute.name()) + "'",
        options, builder.getContext());
    if (failed(tensor))
      return failure();
    return Attribute(*tensor);
  }
  default:
    return file.error() << state.who << ": the attribute '"
                        << printable(attribute.name())
                        << "' has a type that is not supported (number " << type
                        << ")";
  }
}

/// The call whose function this is in; null outside of functions.
const GraphImporter::Call *GraphImporter::getCall() const {
  const GraphImporter *scope = this;
  while (!scope->call && scope->outer)
    scope = scope->outer;
  return scope->call ? &*scope->call : nullptr;
}

/// The attribute that holds the value: one of the call where `attribute` refers
/// to it. Null where neither the call nor the function gives one.
FailureOr<const AttributeProto *>
GraphImporter::resolve(const AttributeProto &attribute, StringRef who) const {
  if (attribute.ref_attr_name().empty())
    return &attribute;
  const Call *call = getCall();
  if (!call)
    return file.error() << who << ": the attribute '"
                        << printable(attribute.name())
                        << "' refers to a function's attribute, but the "
                           "node is in no function";
  for (const AttributeProto &given : call->node.attribute())
    if (given.name() == attribute.ref_attr_name())
      return call->caller.resolve(given, who);
  return call->function.getDefault(attribute.ref_attr_name());
}

LogicalResult GraphImporter::importAttributes(NodeState &state) {
  llvm::StringSet<> seen;
  for (const AttributeProto &attribute : state.node.attribute()) {
    if (attribute.name().empty())
      return file.error() << state.who << ": an attribute has no name";
    if (!seen.insert(attribute.name()).second)
      return file.error() << state.who << ": the attribute '"
                          << printable(attribute.name()) << "' is given twice";
    FailureOr<const AttributeProto *> given = resolve(attribute, state.who);
    if (failed(given))
      return failure();
    if (!*given)
      continue;
    int type = getAttributeType(**given);
    if (type == AttributeProto::GRAPH && *given == &attribute) {
      if (failed(importSubgraph(attribute, state)))
        return failure();
      continue;
    }
    FailureOr<Attribute> value = convertAttribute(**given, type, state);
    if (failed(value))
      return failure();
    state.attributes.append(attribute.name(), *value);
  }
  return success();
}

LogicalResult GraphImporter::createNode(NodeState &state) {
  SmallVector<Type> types;
  for (const std::string &output : state.node.output())
    types.push_back(getValueType(output));
  OperationState op(NameLoc::get(builder.getStringAttr(state.name)),
                    NodeOp::getOperationName());
  op.addOperands(state.inputs);
  op.addTypes(types);
  NodeOp::Properties &properties = op.getOrAddProperties<NodeOp::Properties>();
  properties.setOpType(builder.getStringAttr(state.node.op_type()));
  properties.setDomain(builder.getStringAttr(state.domain));
  properties.setOpset(builder.getI64IntegerAttr(state.opset));
  properties.setNodeName(builder.getStringAttr(state.name));
  properties.setOnnxAttributes(
      state.attributes.getDictionary(builder.getContext()));
  properties.setGraphs(builder.getStrArrayAttr(state.graphs));
  op.addRegions(state.bodies);
  Operation *node = builder.create(op);
  for (auto [name, value] :
       llvm::zip_equal(state.node.output(), node->getResults()))
    if (!name.empty() && failed(define(name, value)))
      return failure();
  return success();
}

LogicalResult GraphImporter::importNode(const NodeProto &node, int index) {
  NodeState state{
      node, prefix + getNodeName(node, index), "", "", 0, {}, {}, {}, {}};
  state.who = describe(node, state.name);
  if (node.op_type().empty())
    return file.error() << state.who << ": the node has no op type";
  if (const Function *function = context.functions.find(node))
    return importCall(*function, state);
  state.domain = node.domain() == "ai.onnx" ? "" : StringRef(node.domain());
  auto version = opsets.find(state.domain);
  // Exporters forget vendors' domains, which have one version only.
  if (version == opsets.end() && state.domain.empty())
    return file.error() << state.who
                        << ": the model imports no opset of this domain";
  state.opset = version == opsets.end() ? 1 : version->second;
  if (failed(resolveInputs(state)) || failed(importAttributes(state)))
    return failure();
  return createNode(state);
}

/// The nodes that a later one overrides: some exporters write several Constants
/// of one name and mean the last one, as onnxruntime reads it.
template <typename Nodes>
static llvm::DenseSet<int> findOverridden(const ModelFile &file,
                                          const Nodes &nodes) {
  llvm::StringMap<int> last;
  llvm::DenseSet<int> overridden;
  for (auto [index, node] : llvm::enumerate(nodes)) {
    if (node.op_type() != "Constant" || node.output_size() != 1)
      continue;
    auto [it, isNew] = last.try_emplace(node.output(0), index);
    if (isNew)
      continue;
    if (overridden.empty())
      file.warning() << "several Constants have the name '"
                     << printable(node.output(0))
                     << "': the last one counts, here and for other names";
    overridden.insert(it->second);
    it->second = index;
  }
  return overridden;
}

LogicalResult GraphImporter::importBody(const GraphProto &graph) {
  collectDeclarations(graph);
  if (failed(importInitializers(graph)))
    return failure();
  return importNodes(graph.node());
}

LogicalResult GraphImporter::importNodes(const Nodes &nodes) {
  int cyclic = -1;
  std::vector<int> order = getNodeOrder(nodes, cyclic);
  if (cyclic >= 0)
    return file.error() << describe(nodes[cyclic],
                                    prefix + getNodeName(nodes[cyclic], cyclic))
                        << ": its inputs depend on its own output; a graph "
                           "must be free of cycles";
  llvm::DenseSet<int> overridden = findOverridden(file, nodes);
  int errors = 0;
  for (int index : order) {
    if (overridden.contains(index))
      continue;
    const NodeProto &node = nodes[index];
    if (succeeded(importNode(node, index)))
      continue;
    if (++errors == maxErrors)
      return failure();
    // What depends on the node is not at fault.
    for (const std::string &output : node.output())
      if (!output.empty() && !values.contains(output))
        values[output] = builder.create<NoneOp>(builder.getUnknownLoc(),
                                                builder.getNoneType());
  }
  return failure(errors != 0);
}

/// Imports the nodes of a function, of which this is the scope, for a call.
LogicalResult GraphImporter::importFunction(const NodeState &state) {
  const ::onnx::FunctionProto &function = *call->function.proto;
  if (state.node.input_size() > function.input_size() ||
      state.node.output_size() > function.output_size())
    return file.error() << state.who << ": has " << state.node.input_size()
                        << " inputs and " << state.node.output_size()
                        << " outputs, the model's function of this name "
                        << function.input_size() << " and "
                        << function.output_size();
  for (auto [index, name] : llvm::enumerate(function.input())) {
    Value value;
    if (index < state.inputs.size())
      value = state.inputs[index];
    else
      value = builder.create<NoneOp>(builder.getUnknownLoc(),
                                     builder.getNoneType());
    if (failed(define(name, value)))
      return failure();
  }
  return importNodes(function.node());
}

LogicalResult GraphImporter::importCall(const Function &function,
                                        NodeState &state) {
  const Call *outerCall = getCall();
  unsigned depth = outerCall ? outerCall->depth + 1 : 1;
  if (depth > maxDepth)
    return file.error() << state.who << ": calls functions more than "
                        << maxDepth << " deep; none may call itself";
  bool isTold = context.inlined > maxInlined;
  context.inlined += function.proto->node_size();
  if (isTold)
    return failure();
  if (context.inlined > maxInlined)
    return file.error() << state.who << ": the functions of this model come to "
                        << "more than " << maxInlined << " nodes";
  GraphImporter body(context, function.opsets);
  body.call.emplace(Call{function, state.node, *this, depth});
  body.prefix = state.name + "/";
  if (failed(resolveInputs(state)) || failed(body.importFunction(state)))
    return failure();
  for (auto [index, name] : llvm::enumerate(state.node.output())) {
    if (name.empty())
      continue;
    Value value = body.lookup(function.proto->output(index));
    if (!value)
      return file.error() << state.who << ": the output '"
                          << printable(function.proto->output(index))
                          << "' of the function is computed by no node";
    if (failed(define(name, value)))
      return failure();
  }
  return success();
}

FailureOr<SmallVector<Value>>
GraphImporter::getOutputs(const GraphProto &graph) {
  SmallVector<Value> outputs;
  for (const auto &output : graph.output()) {
    // A subgraph may hand an outer value through.
    Value value = lookup(output.name());
    if (output.name().empty() || !value)
      return file.error() << "the output '" << printable(output.name())
                          << "' of the graph is computed by no node";
    outputs.push_back(value);
  }
  return outputs;
}
