//===- Graph.h - ONNX graphs as regions -------------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_FRONTENDS_ONNX_GRAPH_H
#define NNCC_FRONTENDS_ONNX_GRAPH_H

#include "frontends/onnx/Functions.h"
#include "frontends/onnx/Types.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringSet.h"

namespace onnx {
class GraphProto;
} // namespace onnx

namespace nncc::onnx {

/// Turns a graph's nodes into ops at the builder's insertion point. Subgraphs
/// see the names of the graphs around them. The nodes of a function take the
/// place of the node that calls it.
class GraphImporter {
public:
  /// What all graphs of a model share.
  struct Context {
    ModelFile &file;
    const ImportOptions &options;
    const Functions &functions;
    mlir::OpBuilder &builder;
    /// How many nodes calls have been replaced by.
    int64_t inlined = 0;
  };

  GraphImporter(Context &context, const OpsetVersions &opsets,
                const GraphImporter *outer = nullptr)
      : context(context), file(context.file), options(context.options),
        opsets(opsets), builder(context.builder), outer(outer) {
    if (outer)
      prefix = outer->prefix;
  }

  /// Makes `value` known by `name`; an error if the name is taken.
  mlir::LogicalResult define(llvm::StringRef name, mlir::Value value);

  /// Creates the constants and nodes. Reports several errors before it fails.
  mlir::LogicalResult importBody(const ::onnx::GraphProto &graph);

  /// The values of the graph's outputs.
  mlir::FailureOr<llvm::SmallVector<mlir::Value>>
  getOutputs(const ::onnx::GraphProto &graph);

private:
  using Nodes = google::protobuf::RepeatedPtrField<::onnx::NodeProto>;

  /// What a node is and has become so far.
  struct NodeState;

  /// The node that the body of a function stands for.
  struct Call {
    const Function &function;
    const ::onnx::NodeProto &node;
    const GraphImporter &caller;
    unsigned depth;
  };

  void collectDeclarations(const ::onnx::GraphProto &graph);
  mlir::LogicalResult importInitializers(const ::onnx::GraphProto &graph);
  mlir::LogicalResult importNodes(const Nodes &nodes);
  mlir::LogicalResult importNode(const ::onnx::NodeProto &node, int index);
  mlir::LogicalResult importCall(const Function &function, NodeState &state);
  mlir::LogicalResult importFunction(const NodeState &call);
  mlir::LogicalResult resolveInputs(NodeState &state);
  mlir::LogicalResult importAttributes(NodeState &state);
  mlir::FailureOr<mlir::Attribute>
  convertAttribute(const ::onnx::AttributeProto &attribute, int type,
                   NodeState &state);
  mlir::LogicalResult importSubgraph(const ::onnx::AttributeProto &attribute,
                                     NodeState &state);
  mlir::LogicalResult createNode(NodeState &state);

  const Call *getCall() const;
  mlir::FailureOr<const ::onnx::AttributeProto *>
  resolve(const ::onnx::AttributeProto &attribute, llvm::StringRef who) const;
  mlir::Value lookup(llvm::StringRef name) const;
  mlir::Type getValueType(llvm::StringRef name) const;

  Context &context;
  ModelFile &file;
  const ImportOptions &options;
  const OpsetVersions &opsets;
  mlir::OpBuilder &builder;
  const GraphImporter *outer;
  /// Where this is the body of a function.
  std::optional<Call> call;
  /// In front of the names of nodes: those of the calls.
  std::string prefix;

  llvm::StringMap<mlir::Value> values;
  llvm::StringMap<mlir::Type> declared;
};

} // namespace nncc::onnx

#endif // NNCC_FRONTENDS_ONNX_GRAPH_H
