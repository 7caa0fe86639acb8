//===- WasiNN.cpp - The interfaces of wasi:nn -----------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// As wasi-nn.wit of the two editions defines them.
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/WasiNN.h"

#include "llvm/ADT/Twine.h"

using namespace llvm;
using namespace nncc::wasm;

static constexpr StringLiteral setInputEdition = "2024-08-19";

ArrayRef<StringRef> nncc::wasm::getWasiNNEditions() {
  static const StringRef editions[] = {"2024-10-28", setInputEdition};
  return editions;
}

std::string nncc::wasm::getInterfaceName(StringRef interface,
                                         StringRef edition) {
  return ("wasi:nn/" + Twine(interface) + "@0.2.0-rc-" + edition).str();
}

static const ValueType u8 = {ValueType::U8, "", {}};
static const ValueType u32 = {ValueType::U32, "", {}};
static const ValueType text = {ValueType::String, "", {}};

static ValueType list(ValueType of) { return {ValueType::List, "", {of}}; }
static ValueType own(StringRef name) {
  return {ValueType::Own, name.str(), {}};
}
static ValueType borrow(StringRef name) {
  return {ValueType::Borrow, name.str(), {}};
}
static ValueType named(StringRef name) {
  return {ValueType::Named, name.str(), {}};
}
/// result<T, error>; without a type, result<_, error>.
static ValueType orError(std::vector<ValueType> of = {}) {
  of.push_back(own("error"));
  return {ValueType::Result, "", of};
}

static NamedType resource(StringRef name) {
  return {NamedType::Resource, name.str(), {}, u8, ""};
}
static NamedType enumOf(StringRef name, std::vector<std::string> cases) {
  return {NamedType::Enum, name.str(), std::move(cases), u8, ""};
}
static NamedType alias(StringRef name, ValueType type) {
  return {NamedType::Alias, name.str(), {}, type, ""};
}
static NamedType use(StringRef from, StringRef name) {
  return {NamedType::Use, name.str(), {}, u8, from.str()};
}

static Interface getTensor() {
  return {"tensor",
          {alias("tensor-dimensions", list(u32)),
           enumOf("tensor-type",
                  {"FP16", "FP32", "FP64", "BF16", "U8", "I32", "I64"}),
           alias("tensor-data", list(u8)), resource("tensor")},
          {{"[constructor]tensor",
            {{"dimensions", named("tensor-dimensions")},
             {"ty", named("tensor-type")},
             {"data", named("tensor-data")}},
            own("tensor"),
            ""},
           {"[method]tensor.dimensions",
            {{"self", borrow("tensor")}},
            named("tensor-dimensions"),
            ""},
           {"[method]tensor.ty",
            {{"self", borrow("tensor")}},
            named("tensor-type"),
            ""},
           {"[method]tensor.data",
            {{"self", borrow("tensor")}},
            named("tensor-data"),
            ""}}};
}

static Interface getErrors() {
  return {
      "errors",
      {enumOf("error-code", {"invalid-argument", "invalid-encoding", "timeout",
                             "runtime-error", "unsupported-operation",
                             "too-large", "not-found", "security", "unknown"}),
       resource("error")},
      {{"[method]error.code",
        {{"self", borrow("error")}},
        named("error-code"),
        ""},
       {"[method]error.data", {{"self", borrow("error")}}, text, ""}}};
}

static constexpr StringLiteral context = "graph-execution-context";

/// One call that takes all inputs and gives all outputs.
static Interface getInference() {
  return {
      "inference",
      {use("errors", "error"), use("tensor", "tensor"),
       alias("named-tensor", {ValueType::Tuple, "", {text, own("tensor")}}),
       resource(context)},
      {{"[method]graph-execution-context.compute",
        {{"self", borrow(context)}, {"inputs", list(named("named-tensor"))}},
        orError({list(named("named-tensor"))}),
        ""}}};
}

/// A call for each tensor, and one that computes.
static Interface getInferenceOfSetInputs() {
  return {
      "inference",
      {use("errors", "error"), use("tensor", "tensor"),
       alias("tensor-data", list(u8)), resource(context)},
      {{"[method]graph-execution-context.set-input",
        {{"self", borrow(context)}, {"name", text}, {"tensor", own("tensor")}},
        orError(),
        ""},
       {"[method]graph-execution-context.compute",
        {{"self", borrow(context)}},
        orError(),
        "compute-inputs-set"},
       {"[method]graph-execution-context.get-output",
        {{"self", borrow(context)}, {"name", text}},
        orError({own("tensor")}),
        ""}}};
}

static Interface getGraph() {
  return {
      "graph",
      {use("errors", "error"), use("tensor", "tensor"),
       use("inference", context), resource("graph"),
       enumOf("graph-encoding", {"openvino", "onnx", "tensorflow", "pytorch",
                                 "tensorflowlite", "ggml", "autodetect"}),
       enumOf("execution-target", {"cpu", "gpu", "tpu"}),
       alias("graph-builder", list(u8))},
      {{"[method]graph.init-execution-context",
        {{"self", borrow("graph")}},
        orError({own(context)}),
        ""},
       {"load",
        {{"builder", list(named("graph-builder"))},
         {"encoding", named("graph-encoding")},
         {"target", named("execution-target")}},
        orError({own("graph")}),
        ""},
       {"load-by-name", {{"name", text}}, orError({own("graph")}), ""}}};
}

std::vector<Interface> nncc::wasm::getWasiNN(StringRef edition) {
  return {getTensor(), getErrors(),
          edition == setInputEdition ? getInferenceOfSetInputs()
                                     : getInference(),
          getGraph()};
}
