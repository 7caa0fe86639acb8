//===- NodeOrder.cpp - the order of a graph's nodes -------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/NodeOrder.h"

#include "onnx-ml.pb.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

#include <functional>
#include <queue>

using namespace nncc::onnx;
using ::onnx::GraphProto;
using ::onnx::NodeProto;
using Nodes = google::protobuf::RepeatedPtrField<NodeProto>;

/// Adds the names that a node reads, also those that its subgraphs read from
/// outside.
static void collectUses(const NodeProto &node, llvm::StringSet<> &uses) {
  for (const std::string &input : node.input())
    if (!input.empty())
      uses.insert(input);
  for (const auto &attribute : node.attribute()) {
    if (!attribute.has_g())
      continue;
    const GraphProto &graph = attribute.g();
    llvm::StringSet<> inner, defined;
    for (const auto &input : graph.input())
      defined.insert(input.name());
    for (const auto &tensor : graph.initializer())
      defined.insert(tensor.name());
    for (const NodeProto &child : graph.node()) {
      collectUses(child, inner);
      for (const std::string &output : child.output())
        defined.insert(output);
    }
    for (const auto &output : graph.output())
      inner.insert(output.name());
    for (const auto &use : inner)
      if (!defined.contains(use.getKey()))
        uses.insert(use.getKey());
  }
}

namespace {

struct Dependencies {
  explicit Dependencies(const Nodes &nodes);

  std::vector<std::vector<int>> producers, consumers;
};

} // namespace

Dependencies::Dependencies(const Nodes &nodes)
    : producers(nodes.size()), consumers(nodes.size()) {
  llvm::StringMap<int> producerOf;
  for (int i = 0; i < nodes.size(); ++i)
    for (const std::string &output : nodes[i].output())
      if (!output.empty())
        producerOf[output] = i; // of several Constants the last one counts
  for (int i = 0; i < nodes.size(); ++i) {
    llvm::StringSet<> uses;
    collectUses(nodes[i], uses);
    for (const auto &use : uses) {
      auto producer = producerOf.find(use.getKey());
      if (producer == producerOf.end())
        continue;
      producers[i].push_back(producer->second);
      consumers[producer->second].push_back(i);
    }
  }
}

std::vector<int> nncc::onnx::getNodeOrder(const Nodes &nodes, int &cyclic) {
  Dependencies dependencies(nodes);
  std::vector<size_t> waiting;
  std::priority_queue<int, std::vector<int>, std::greater<int>> ready;
  for (auto [index, producers] : llvm::enumerate(dependencies.producers)) {
    waiting.push_back(producers.size());
    if (producers.empty())
      ready.push(index);
  }
  std::vector<int> order;
  while (!ready.empty()) {
    int node = ready.top();
    ready.pop();
    order.push_back(node);
    for (int consumer : dependencies.consumers[node])
      if (--waiting[consumer] == 0)
        ready.push(consumer);
  }

  cyclic = -1;
  if (order.size() == waiting.size())
    return order;
  // Whoever waits does so for another one that waits: a walk finds a cycle.
  int node =
      llvm::find_if(waiting, [](size_t n) { return n > 0; }) - waiting.begin();
  std::vector<bool> seen(waiting.size());
  while (!seen[node]) {
    seen[node] = true;
    node = *llvm::find_if(dependencies.producers[node],
                          [&](int producer) { return waiting[producer] > 0; });
  }
  cyclic = node;
  return order;
}
