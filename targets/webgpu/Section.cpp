//===- Section.cpp - What a module says of its GPU code -------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/webgpu/Section.h"

#include "nncc/Dialect/Exec/KernelInfo.h"
#include "nncc/Dialect/Exec/Passes.h"
#include "nncc/Kernels/LoopNest.h"
#include "targets/webgpu/Kernel.h"
#include "targets/webgpu/KernelAttributes.h"
#include "targets/webgpu/Scalars.h"
#include "targets/webgpu/Shards.h"
#include "llvm/Support/JSON.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::webgpu;
namespace json = llvm::json;

/// A number, or the formula over s0, s1, ...
static json::Value toJson(AffineExpr expr) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return constant.getValue();
  std::string text;
  llvm::raw_string_ostream(text) << expr;
  return text;
}

static json::Array printVariants(func::FuncOp kernel) {
  json::Array variants;
  for (auto variant : kernel->getAttrOfType<ArrayAttr>(variantsAttrName)
                          .getAsRange<DictionaryAttr>()) {
    json::Array features;
    for (auto name :
         variant.getAs<ArrayAttr>("features").getAsRange<StringAttr>())
      features.push_back(name.getValue());
    variants.push_back(
        json::Object{{"features", std::move(features)},
                     {"code", variant.getAs<StringAttr>("code").getValue()}});
  }
  return variants;
}

static json::Object printKernel(func::FuncOp kernel) {
  auto variants = kernel->getAttrOfType<ArrayAttr>(variantsAttrName);
  auto first = cast<DictionaryAttr>(variants[0]);
  json::Array bindings, nodes;
  for (BlockArgument argument : kernel.getArguments())
    if (auto space = kernel.getArgAttrOfType<StringAttr>(
            argument.getArgNumber(), spaceAttrName))
      bindings.push_back(space.getValue());
  if (kernel->getAttrOfType<IntegerAttr>(numSymbolsAttrName).getInt() != 0)
    bindings.push_back("symbols");
  json::Object object{{"name", first.getAs<StringAttr>("name").getValue()},
                      {"bindings", std::move(bindings)},
                      {"variants", printVariants(kernel)}};
  exec::KernelInfo info = exec::getKernelInfo(kernel);
  if (info.nodes)
    for (auto name : info.nodes.getAsRange<StringAttr>())
      nodes.push_back(json::fixUTF8(name.getValue()));
  object["nodes"] = std::move(nodes);
  if (AffineExpr flops = info.getFlops())
    object["flops"] = toJson(flops);
  if (AffineExpr bytes = info.getBytes())
    object["bytes"] = toJson(bytes);
  return object;
}

/// How the elements of inputs or outputs lie on the GPU.
static json::Array printStorage(ModuleOp program, StringRef attribute) {
  json::Array array;
  for (auto entry : program->getAttrOfType<ArrayAttr>(attribute)
                        .getAsRange<DictionaryAttr>()) {
    auto type = cast<ShapedType>(entry.getAs<TypeAttr>("type").getValue());
    Type storage = getStorageType(type.getElementType());
    StringRef name = !storage ? "f64" : isa<FloatType>(storage) ? "f32" : "i32";
    array.push_back(json::Object{{"storage", name}});
  }
  return array;
}

/// The size in bytes of the arena, if it is the same for all inputs.
static std::optional<int64_t> getArenaBytes(ModuleOp program) {
  auto func = program.lookupSymbol<func::FuncOp>(gpuArenaBytesName);
  AffineExpr bytes = kernels::getSymbolicExpr(
      func.getBody().front().getTerminator()->getOperand(0));
  if (auto constant = dyn_cast_or_null<AffineConstantExpr>(bytes))
    return constant.getValue();
  return std::nullopt;
}

/// The size of the buffers that the arena is divided into; 0: it is one.
static int64_t getArenaPage(ModuleOp program) {
  auto page = program->getAttrOfType<IntegerAttr>(exec::arenaPageAttrName);
  bool isDivided = page && getArenaBytes(program).value_or(0) > page.getInt();
  return isDivided ? page.getInt() : 0;
}

/// The largest input, as far as sizes are known.
static int64_t getInputBytes(ModuleOp program) {
  int64_t bytes = 0;
  for (auto input : program->getAttrOfType<ArrayAttr>("nncc.inputs")
                        .getAsRange<DictionaryAttr>())
    if (auto type = cast<ShapedType>(input.getAs<TypeAttr>("type").getValue());
        type.hasStaticShape())
      bytes = std::max(bytes, type.getNumElements() * 4);
  return bytes;
}

/// What the device needs beyond the defaults of WebGPU.
static json::Object printLimits(ModuleOp program, ArrayRef<Shard> shards) {
  int64_t binding = 0, page = getArenaPage(program);
  for (const Shard &shard : shards)
    binding = std::max<int64_t>(binding, shard.end - shard.begin);
  for (auto func : program.getOps<func::FuncOp>())
    if (func->hasAttr(variantsAttrName))
      for (BlockArgument argument : func.getArguments())
        binding = std::max(binding, getBindingBytes(func, argument));
  int64_t arena = page ? page : getArenaBytes(program).value_or(0);
  int64_t buffer = std::max({arena, binding, getInputBytes(program)});
  json::Object limits;
  if (binding > maxBindingBytes)
    limits["maxStorageBufferBindingSize"] = binding;
  if (buffer > maxBufferBytes)
    limits["maxBufferSize"] = buffer;
  return limits;
}

std::string nncc::webgpu::printSection(ModuleOp program,
                                       uint64_t weightOffset) {
  json::Array kernels, weights;
  for (auto func : program.getOps<func::FuncOp>())
    if (func->hasAttr(variantsAttrName))
      kernels.push_back(printKernel(func));
  SmallVector<Shard> shards = getShards(program);
  for (const Shard &shard : shards)
    weights.push_back(
        json::Object{{"offset", int64_t(weightOffset + shard.begin)},
                     {"bytes", int64_t(shard.end - shard.begin)}});
  json::Object section{{"version", 1},
                       {"limits", printLimits(program, shards)},
                       {"features", json::Array()},
                       {"kernels", std::move(kernels)},
                       {"weights", std::move(weights)},
                       {"inputs", printStorage(program, "nncc.inputs")},
                       {"outputs", printStorage(program, "nncc.outputs")}};
  if (int64_t page = getArenaPage(program))
    section["arenaPage"] = page;
  std::string text;
  llvm::raw_string_ostream(text) << json::Value(std::move(section));
  return text;
}
