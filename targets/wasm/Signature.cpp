//===- Signature.cpp - What a program takes and gives ---------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/Signature.h"

#include "nncc/Dialect/NN/Symbols.h"
#include "runtime/core/Reserved.h"

#include "mlir/IR/AffineMap.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/JSON.h"

using namespace mlir;
using namespace nncc::wasm;

static LogicalResult setType(TensorInfo &tensor, Type type) {
  struct Row {
    StringRef name;
    uint8_t code, bits;
  };
  auto set = [&](Row row) {
    tensor.typeName = row.name;
    tensor.typeCode = row.code;
    tensor.bits = row.bits;
    return success();
  };
  if (type.isF32())
    return set({"f32", 2, 32});
  if (type.isF64())
    return set({"f64", 2, 64});
  if (type.isF16())
    return set({"f16", 2, 16});
  if (type.isBF16())
    return set({"bf16", 4, 16});
  if (type.isInteger(1))
    return set({"bool", 6, 8});
  static const Row integers[] = {{"i8", 0, 8},   {"i16", 0, 16}, {"i32", 0, 32},
                                 {"i64", 0, 64}, {"u8", 1, 8},   {"u16", 1, 16},
                                 {"u32", 1, 32}, {"u64", 1, 64}};
  for (const Row &row : integers)
    if (type.isInteger(row.bits) && type.isUnsignedInteger() == (row.code == 1))
      return set(row);
  return failure();
}

static FailureOr<TensorInfo> readTensor(ModuleOp program, Attribute attribute) {
  auto fields = dyn_cast<DictionaryAttr>(attribute);
  auto name = fields ? fields.getAs<StringAttr>("name") : nullptr;
  auto typeAttr = fields ? fields.getAs<TypeAttr>("type") : nullptr;
  auto type =
      typeAttr ? dyn_cast<RankedTensorType>(typeAttr.getValue()) : nullptr;
  if (!name || !type)
    return program.emitError("an input or output has no name or tensor type");
  TensorInfo tensor;
  tensor.name = name.str();
  if (failed(setType(tensor, type.getElementType())))
    return program.emitError()
           << "'" << tensor.name << "' has the type " << type.getElementType()
           << ", which cannot cross the module boundary";
  if (auto map = dyn_cast_or_null<AffineMapAttr>(type.getEncoding())) {
    llvm::append_range(tensor.dims, map.getValue().getResults());
  } else if (type.hasStaticShape()) {
    for (int64_t size : type.getShape())
      tensor.dims.push_back(getAffineConstantExpr(size, program.getContext()));
  } else {
    return program.emitError()
           << "'" << tensor.name << "' has sizes without symbols: " << type;
  }
  return tensor;
}

static LogicalResult readTensors(ModuleOp program, ArrayAttr array,
                                 StringRef attribute,
                                 SmallVectorImpl<TensorInfo> &tensors) {
  if (!array)
    return program.emitError() << "the program has no " << attribute;
  for (Attribute element : array) {
    FailureOr<TensorInfo> tensor = readTensor(program, element);
    if (failed(tensor))
      return failure();
    tensors.push_back(std::move(*tensor));
  }
  return success();
}

static LogicalResult readExterns(ModuleOp program,
                                 std::vector<ExternCall> &externs) {
  auto array = program->getAttrOfType<ArrayAttr>("nncc.externs");
  if (!array)
    return success();
  for (auto fields : array.getAsRange<DictionaryAttr>()) {
    ExternCall call;
    call.function = fields.getAs<StringAttr>("function").str();
    call.node = fields.getAs<StringAttr>("node").str();
    call.constants = fields.getAs<DictionaryAttr>("constants");
    if (failed(readTensors(program, fields.getAs<ArrayAttr>("inputs"),
                           "inputs of a function", call.inputs)) ||
        failed(readTensors(program, fields.getAs<ArrayAttr>("outputs"),
                           "outputs of a function", call.outputs)))
      return failure();
    externs.push_back(std::move(call));
  }
  return success();
}

/// The last symbols are no caller's.
static void takeBoundSymbols(ModuleOp program, Signature &signature) {
  auto bound = program->getAttrOfType<IntegerAttr>("nncc.bound_symbols");
  if (!bound)
    return;
  auto last = ArrayRef(signature.symbols).take_back(bound.getInt());
  for (const SymbolInfo &symbol : last)
    signature.boundSymbols.push_back(symbol.name);
  signature.symbols.pop_back_n(bound.getInt());
}

static void readSymbols(ModuleOp program, Signature &signature) {
  if (auto names = program->getAttrOfType<ArrayAttr>("nncc.symbols"))
    for (auto name : names.getAsRange<StringAttr>())
      signature.symbols.emplace_back().name = name.str();
  auto bounds = program->getAttrOfType<ArrayAttr>("nncc.symbol_bounds");
  if (!bounds)
    return;
  for (auto [symbol, attribute] : llvm::zip(signature.symbols, bounds)) {
    auto bound = dyn_cast<DenseI64ArrayAttr>(attribute);
    if (!bound || bound.size() != 2)
      continue;
    symbol.low = bound[0];
    if (bound[1] >= 0)
      symbol.high = bound[1];
  }
  auto nodes = program->getAttrOfType<ArrayAttr>("nncc.symbol_nodes");
  if (!nodes)
    return;
  for (auto [symbol, node] : llvm::zip(signature.symbols, nodes))
    if (auto name = dyn_cast<StringAttr>(node))
      symbol.node = name.str();
}

std::string nncc::wasm::printDim(AffineExpr expr,
                                 ArrayRef<SymbolInfo> symbols) {
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
    return symbol.getPosition() < symbols.size()
               ? symbols[symbol.getPosition()].name
               : "?";
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return std::to_string(constant.getValue());
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return "?";
  std::string lhs = printDim(binary.getLHS(), symbols);
  std::string rhs = printDim(binary.getRHS(), symbols);
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return "(" + lhs + " + " + rhs + ")";
  case AffineExprKind::Mul:
    return lhs + " * " + rhs;
  case AffineExprKind::FloorDiv:
    return "floor(" + lhs + " / " + rhs + ")";
  case AffineExprKind::CeilDiv:
    return "ceil(" + lhs + " / " + rhs + ")";
  case AffineExprKind::Mod:
    return "(" + lhs + " mod " + rhs + ")";
  default:
    return "?";
  }
}

/// The runtime takes the symbols from the inputs and can check nothing else.
static LogicalResult checkInputDims(ModuleOp program,
                                    const Signature &signature) {
  llvm::SmallVector<bool> isBound(signature.symbols.size());
  for (const TensorInfo &input : signature.inputs)
    for (AffineExpr dim : input.dims) {
      if (isa<AffineConstantExpr>(dim))
        continue;
      auto symbol = dyn_cast<AffineSymbolExpr>(dim);
      if (!symbol || symbol.getPosition() >= isBound.size())
        return program.emitError()
               << "input '" << input.name << "': the dimension "
               << printDim(dim, signature.symbols)
               << " is neither a number nor a symbol";
      isBound[symbol.getPosition()] = true;
    }
  for (auto [symbol, bound] : llvm::zip(signature.symbols, isBound))
    if (!bound)
      return program.emitError() << "no input has the dimension '"
                                 << symbol.name << "'; give it a value";
  return success();
}

FailureOr<Signature> nncc::wasm::readSignature(ModuleOp program) {
  Signature signature;
  readSymbols(program, signature);
  auto read = [&](StringRef name, SmallVectorImpl<TensorInfo> &tensors) {
    return readTensors(program, program->getAttrOfType<ArrayAttr>(name), name,
                       tensors);
  };
  takeBoundSymbols(program, signature);
  if (failed(read("nncc.inputs", signature.inputs)) ||
      failed(read("nncc.outputs", signature.outputs)) ||
      failed(readExterns(program, signature.externs)) ||
      failed(checkInputDims(program, signature)))
    return failure();
  if (auto sites = program->getAttrOfType<ArrayAttr>("nncc.sites"))
    for (auto site : sites.getAsRange<StringAttr>())
      signature.sites.push_back(site.str());
  return signature;
}

static const TensorInfo *findTensor(ArrayRef<TensorInfo> tensors,
                                    StringRef name) {
  const auto *found = llvm::find_if(
      tensors, [&](const TensorInfo &tensor) { return tensor.name == name; });
  return found == tensors.end() ? nullptr : found;
}

/// Open sizes may turn out to be equal.
static bool mayHaveSameSizes(const TensorInfo &a, const TensorInfo &b) {
  if (a.dims.size() != b.dims.size())
    return false;
  for (auto [left, right] : llvm::zip(a.dims, b.dims))
    if (isa<AffineConstantExpr>(left) && isa<AffineConstantExpr>(right) &&
        left != right)
      return false;
  return true;
}

LogicalResult nncc::wasm::checkState(ModuleOp program,
                                     const Signature &signature) {
  llvm::StringSet<> taken;
  for (const auto &pair : signature.state) {
    const std::string &from = pair.first, &to = pair.second;
    const TensorInfo *output = findTensor(signature.outputs, from);
    const TensorInfo *input = findTensor(signature.inputs, to);
    auto fail = [&](const Twine &why) {
      return program.emitError()
             << "--state=" << from << "=" << to << ": " << why;
    };
    if (!output)
      return fail("the network has no output '" + from + "'");
    if (!input)
      return fail("the network has no input '" + to + "'");
    if (!taken.insert(to).second)
      return fail("the input takes another output already");
    if (output->typeName != input->typeName ||
        !mayHaveSameSizes(*output, *input))
      return fail("the output has another type or other sizes than the input");
  }
  return success();
}

static llvm::json::Array
printState(ArrayRef<std::pair<std::string, std::string>> state) {
  llvm::json::Array array;
  for (const auto &[from, to] : state)
    array.push_back(llvm::json::Object{{"output", llvm::json::fixUTF8(from)},
                                       {"input", llvm::json::fixUTF8(to)}});
  return array;
}

static llvm::json::Array printTensors(ArrayRef<TensorInfo> tensors,
                                      ArrayRef<SymbolInfo> symbols) {
  llvm::json::Array array;
  for (const TensorInfo &tensor : tensors) {
    llvm::json::Array shape;
    for (AffineExpr dim : tensor.dims) {
      if (auto constant = dyn_cast<AffineConstantExpr>(dim))
        shape.push_back(constant.getValue());
      else
        shape.push_back(llvm::json::fixUTF8(printDim(dim, symbols)));
    }
    array.push_back(
        llvm::json::Object{{"name", llvm::json::fixUTF8(tensor.name)},
                           {"dtype", tensor.typeName},
                           {"shape", std::move(shape)}});
  }
  return array;
}

/// Each function once: how many inputs and outputs its calls have.
static llvm::json::Array printFunctions(ArrayRef<ExternCall> externs) {
  llvm::json::Array array;
  llvm::StringSet<> seen;
  for (const ExternCall &call : externs)
    if (seen.insert(call.function).second)
      array.push_back(
          llvm::json::Object{{"name", llvm::json::fixUTF8(call.function)},
                             {"inputs", call.inputs.size()},
                             {"outputs", call.outputs.size()}});
  return array;
}

/// With those that data tell, for their names.
static SmallVector<SymbolInfo> getAllSymbols(const Signature &signature) {
  SmallVector<SymbolInfo> all = signature.symbols;
  for (const std::string &name : signature.boundSymbols)
    all.emplace_back().name = name;
  return all;
}

std::string nncc::wasm::printSignature(const Signature &signature,
                                       const ModuleInfo &info) {
  llvm::json::Array symbols;
  for (const SymbolInfo &symbol : signature.symbols) {
    llvm::json::Object object{{"name", llvm::json::fixUTF8(symbol.name)},
                              {"min", symbol.low},
                              {"max", nullptr}};
    if (symbol.high)
      object["max"] = *symbol.high;
    if (!symbol.node.empty())
      object["node"] = llvm::json::fixUTF8(symbol.node);
    symbols.push_back(std::move(object));
  }
  llvm::json::Value weights = "embedded";
  if (!info.weightFile.empty())
    weights = llvm::json::Object{{"file", llvm::json::fixUTF8(info.weightFile)},
                                 {"sha256", info.weightHash}};
  llvm::json::Value arena = nullptr;
  if (info.arenaBytes)
    arena = *info.arenaBytes;
  llvm::json::Value flops = nullptr;
  if (info.flops)
    flops = *info.flops;
  llvm::json::Object root{
      {"abi", 1},
      {"compiler", "nncc 0.1.0"},
      {"features", llvm::json::Array(info.features)},
      {"source",
       llvm::json::Object{{"name", llvm::json::fixUTF8(info.sourceName)},
                          {"sha256", info.sourceHash}}},
      {"symbols", std::move(symbols)},
      {"inputs", printTensors(signature.inputs, signature.symbols)},
      {"outputs", printTensors(signature.outputs, getAllSymbols(signature))},
      {"arena_bytes", std::move(arena)},
      {"reserved", llvm::json::Array{reservedBegin, reservedEnd}},
      {"weight_bytes", info.weightBytes},
      {"kernels", info.numKernels},
      {"flops", std::move(flops)},
      {"weights", std::move(weights)}};
  if (!signature.state.empty())
    root["state"] = printState(signature.state);
  if (!signature.externs.empty())
    root["functions"] = printFunctions(signature.externs);
  std::string text;
  llvm::raw_string_ostream(text) << llvm::json::Value(std::move(root));
  return text;
}
