//===- NodeOrder.h - the order of a graph's nodes ---------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_FRONTENDS_ONNX_NODEORDER_H
#define NNCC_FRONTENDS_ONNX_NODEORDER_H

#include "mlir/Support/LLVM.h"

#include <vector>

namespace google::protobuf {
template <typename Element> class RepeatedPtrField;
} // namespace google::protobuf

namespace onnx {
class NodeProto;
} // namespace onnx

namespace nncc::onnx {

/// Indices of the nodes of a graph or function, producers before consumers,
/// otherwise as in the file (which has to be sorted, but often is not). Of a
/// cyclic graph the nodes that can't be ordered are missing, and `cyclic` is
/// one on a cycle; else it is -1.
std::vector<int>
getNodeOrder(const google::protobuf::RepeatedPtrField<::onnx::NodeProto> &nodes,
             int &cyclic);

} // namespace nncc::onnx

#endif // NNCC_FRONTENDS_ONNX_NODEORDER_H
