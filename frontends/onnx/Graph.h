//===- Graph.h - ONNX graphs as regions -------------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_FRONTENDS_ONNX_GRAPH_H
#define NNCC_FRONTENDS_ONNX_GRAPH_H

#include "frontends/onnx/Types.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringSet.h"

namespace onnx {
class AttributeProto;
class GraphProto;
class NodeProto;
} // namespace onnx

namespace nncc::onnx {

/// The versions of the operator domains that a model imports; the default
/// domain has the empty name.
using OpsetVersions = llvm::StringMap<int64_t>;

/// Turns a graph's nodes into ops at the builder's insertion point. Subgraphs
/// see the names of the graphs around them.
class GraphImporter {
public:
  GraphImporter(ModelFile &file, const ImportOptions &options,
                const OpsetVersions &opsets, mlir::OpBuilder &builder,
                const GraphImporter *outer = nullptr)
      : file(file), options(options), opsets(opsets), builder(builder),
        outer(outer) {}

  /// Makes `value` known by `name`; an error if the name is taken.
  mlir::LogicalResult define(llvm::StringRef name, mlir::Value value);

  /// Creates the constants and nodes. Reports several errors before it fails.
  mlir::LogicalResult importBody(const ::onnx::GraphProto &graph);

  /// The values of the graph's outputs.
  mlir::FailureOr<llvm::SmallVector<mlir::Value>>
  getOutputs(const ::onnx::GraphProto &graph);

private:
  /// What a node is and has become so far.
  struct NodeState;

  void collectDeclarations(const ::onnx::GraphProto &graph);
  mlir::LogicalResult importInitializers(const ::onnx::GraphProto &graph);
  mlir::LogicalResult importNode(const ::onnx::NodeProto &node, int index);
  mlir::LogicalResult resolveInputs(NodeState &state);
  mlir::LogicalResult importAttributes(NodeState &state);
  mlir::FailureOr<mlir::Attribute>
  convertAttribute(const ::onnx::AttributeProto &attribute, int type,
                   NodeState &state);
  mlir::LogicalResult importSubgraph(const ::onnx::AttributeProto &attribute,
                                     NodeState &state);
  mlir::LogicalResult createNode(NodeState &state);

  mlir::Value lookup(llvm::StringRef name) const;
  mlir::Type getValueType(llvm::StringRef name) const;

  ModelFile &file;
  const ImportOptions &options;
  const OpsetVersions &opsets;
  mlir::OpBuilder &builder;
  const GraphImporter *outer;

  llvm::StringMap<mlir::Value> values;
  llvm::StringMap<mlir::Type> declared;
};

} // namespace nncc::onnx

#endif // NNCC_FRONTENDS_ONNX_GRAPH_H
