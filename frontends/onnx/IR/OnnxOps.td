//===- OnnxOps.td - the onnx dialect -----------------------*- tablegen -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_ONNX_OPS
#define NNCC_ONNX_OPS

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Onnx_Dialect : Dialect {
  let name = "onnx";
  let cppNamespace = "::nncc::onnx";
  let summary = "An ONNX graph as the file says it";
  let description = [{
    One generic op holds every ONNX node; it knows no operator. Names have
    become SSA values, weights are resources. Nothing is inferred: a value has
    the type that the file declares, or `!onnx.value`.
  }];
  let useDefaultTypePrinterParser = 1;
}

def ONNX_ValueType : TypeDef<Onnx_Dialect, "Value"> {
  let mnemonic = "value";
  let summary = "a value whose type the file does not declare";
}

class ONNX_Op<string mnemonic, list<Trait> traits = []>
    : Op<Onnx_Dialect, mnemonic, traits>;

def ONNX_NoneOp : ONNX_Op<"none", [Pure]> {
  let summary = "An optional operand that is left out";
  let results = (outs NoneType:$result);
  let assemblyFormat = "attr-dict";
}

def ONNX_ConstantOp : ONNX_Op<"constant", [Pure, AllTypesMatch<["value", "result"]>]> {
  let summary = "An initializer";
  let arguments = (ins ElementsAttr:$value);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "attr-dict $value";
}

def ONNX_NodeOp : ONNX_Op<"node", [Pure]> {
  let summary = "A node of any operator";
  let description = [{
    `opset` is the imported version of the operator's domain (empty: ai.onnx).
    Graph attributes are regions, `graphs` their names; their blocks use outer
    values directly.
  }];
  let arguments = (ins
    StrAttr:$op_type, Variadic<AnyType>:$inputs,
    DefaultValuedStrAttr<StrAttr, "">:$domain, I64Attr:$opset, StrAttr:$node_name,
    DefaultValuedAttr<DictionaryAttr, "{}">:$onnx_attributes,
    DefaultValuedAttr<StrArrayAttr, "{}">:$graphs);
  let results = (outs Variadic<AnyType>:$outputs);
  let regions = (region VariadicRegion<AnyRegion>:$bodies);
  let assemblyFormat = [{
    $op_type `(` $inputs `)` attr-dict `:` functional-type($inputs, $outputs)
    $bodies
  }];
}

def ONNX_YieldOp : ONNX_Op<"yield", [Pure, Terminator]> {
  let summary = "The outputs of a graph attribute";
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
}

#endif
