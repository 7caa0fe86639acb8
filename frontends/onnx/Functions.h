//===- Functions.h - functions of a model -----------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Operators that a model defines by nodes of its own, as torch.onnx writes for
// the modules of a network (ONNX IR, "Functions").
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_FRONTENDS_ONNX_FUNCTIONS_H
#define NNCC_FRONTENDS_ONNX_FUNCTIONS_H

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/StringMap.h"

namespace google::protobuf {
template <typename Element> class RepeatedPtrField;
} // namespace google::protobuf

namespace onnx {
class AttributeProto;
class FunctionProto;
class NodeProto;
class OperatorSetIdProto;
} // namespace onnx

namespace nncc::onnx {

class ModelFile;

/// The versions of the operator domains that a model or function imports; the
/// default domain has the empty name.
using OpsetVersions = llvm::StringMap<int64_t>;

/// An error where a domain has two versions, or one that isn't supported.
mlir::FailureOr<OpsetVersions>
readOpsets(const ModelFile &file,
           const google::protobuf::RepeatedPtrField<::onnx::OperatorSetIdProto>
               &imports);

struct Function {
  const ::onnx::FunctionProto *proto = nullptr;
  OpsetVersions opsets;

  /// The value of an attribute that a call leaves out; null if it has none.
  const ::onnx::AttributeProto *getDefault(llvm::StringRef name) const;
};

/// The functions of a model, by domain, name and overload.
class Functions {
public:
  /// An error where two are the same or import what isn't supported.
  mlir::LogicalResult read(const ModelFile &file);

  /// The function that a node calls; null where it is an operator.
  const Function *find(const ::onnx::NodeProto &node) const;

private:
  llvm::StringMap<Function> functions;
};

} // namespace nncc::onnx

#endif // NNCC_FRONTENDS_ONNX_FUNCTIONS_H
