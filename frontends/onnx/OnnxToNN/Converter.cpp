//===- OnnxToNN/Converter.cpp - walks an onnx module ------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Converter.h"

#include "frontends/onnx/ModelFile.h"
#include "frontends/onnx/OnnxToNN/Halves.h"
#include "frontends/onnx/OnnxToNN/Narrow.h"
#include "frontends/onnx/OnnxToNN/Node.h"
#include "nncc/Dialect/NN/NN.h"
#include "nncc/Dialect/NN/Symbols.h"

#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace nncc::onnx;

// More errors than this help nobody.
static constexpr size_t maxErrors = 10;

Converter::Converter(ModuleOp module, ArrayRef<ExternOperator> externs)
    : module(module), builder(module.getContext()), externs(externs) {
  auto name = module->getAttrOfType<StringAttr>("nncc.source_name");
  fileName = name ? name.str() : "model";
}

std::string nncc::onnx::describeDim(AffineExpr dim,
                                    ArrayRef<std::string> symbols) {
  std::string text;
  llvm::raw_string_ostream out(text);
  if (auto symbol = dyn_cast<AffineSymbolExpr>(dim)) {
    if (symbol.getPosition() < symbols.size())
      return printable(symbols[symbol.getPosition()]);
  } else if (auto binary = dyn_cast<AffineBinaryOpExpr>(dim)) {
    const char *sign = " + ";
    if (dim.getKind() == AffineExprKind::Mul)
      sign = " * ";
    else if (dim.getKind() == AffineExprKind::Mod)
      sign = " mod ";
    else if (dim.getKind() == AffineExprKind::FloorDiv)
      sign = " floordiv ";
    else if (dim.getKind() == AffineExprKind::CeilDiv)
      sign = " ceildiv ";
    return "(" + describeDim(binary.getLHS(), symbols) + sign +
           describeDim(binary.getRHS(), symbols) + ")";
  }
  out << dim;
  return text;
}

std::string nncc::onnx::describeType(Type type, ArrayRef<std::string> symbols) {
  std::string text;
  llvm::raw_string_ostream out(text);
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return "sequence";
  out << tensor.getElementType() << "[";
  llvm::interleave(
      nn::getDims(tensor), out,
      [&](AffineExpr dim) { out << describeDim(dim, symbols); }, ",");
  out << "]";
  return text;
}

void Converter::report(NodeOp op, ArrayRef<Value> inputs,
                       const llvm::Twine &message) {
  std::string text;
  llvm::raw_string_ostream out(text);
  StringRef domain = op.getDomain().empty() ? "ai.onnx" : op.getDomain();
  out << fileName << ": node '" << printable(op.getNodeName()) << "' (op "
      << printable(op.getOpType()) << ", domain " << printable(domain)
      << ", opset " << op.getOpset() << ") on (";
  llvm::interleaveComma(inputs, out, [&](Value input) {
    out << (input ? describeType(input.getType(), getSymbols()) : "none");
  });
  out << "): " << message;
  errors.push_back(text);
}

LogicalResult Converter::runHandler(NodeOp op, const Row &row,
                                    ArrayRef<Value> inputs) {
  Node node(op, *this, inputs);
  LogicalResult status = failure();
  std::string message;
  {
    // Verifiers and inference of the nn dialect speak of nn ops; say which
    // node that was.
    ScopedDiagnosticHandler handler(
        builder.getContext(), [&](Diagnostic &diagnostic) {
          if (diagnostic.getSeverity() != DiagnosticSeverity::Error)
            return failure();
          if (message.empty())
            message = diagnostic.str();
          return success();
        });
    status = row.handler(node);
    if (succeeded(status) && !node.hasFailed())
      status = node.checkAllRead();
  }
  if (succeeded(status) && !node.hasFailed())
    return success();
  // Without a message it is an earlier node's fault.
  if (message.empty() && errors.empty())
    message = "this form of the operator is not supported";
  if (!message.empty())
    report(op, inputs, message);
  return failure();
}

/// What to do about an operator that nobody knows.
static StringRef getAdvice(StringRef domain) {
  if (domain.empty())
    return "the operator is not supported";
  // Its weights lie in blocks whose width the file does not tell.
  if (domain == "com.microsoft.nchwc")
    return "onnxruntime optimised this file for one kind of CPU: save it with "
           "ORT_ENABLE_EXTENDED, or take the file before that";
  return "the operator is not supported; a function of your own can compute "
         "it, see --extern";
}

void Converter::convertNode(NodeOp op) {
  SmallVector<Value> inputs;
  for (Value input : op.getInputs()) {
    if (input.getDefiningOp<NoneOp>()) {
      inputs.push_back(Value());
      continue;
    }
    Value mapped = mapping.lookup(input);
    if (!mapped)
      return; // A node before this one has failed.
    inputs.push_back(mapped);
  }
  while (!inputs.empty() && !inputs.back())
    inputs.pop_back();

  if (const ExternOperator *declared = findExtern(op))
    return convertExtern(op, *declared, inputs);
  bool older = false;
  const Row *row =
      findRow(op.getDomain(), op.getOpType(), op.getOpset(), older);
  if (!row && older)
    return report(op, inputs,
                  "the operator does not exist in this opset: convert the "
                  "model to a newer one");
  if (!row)
    return report(op, inputs, getAdvice(op.getDomain()));
  if (inputs.size() > row->maxInputs)
    return report(
        op, inputs,
        "the node has too many inputs: " + llvm::Twine(inputs.size()) +
            " where at most " + llvm::Twine(row->maxInputs) + " are known");
  for (unsigned i = 0; i < row->minInputs; ++i)
    if (i >= inputs.size() || !inputs[i])
      return report(op, inputs, "its input " + llvm::Twine(i) + " is missing");
  for (auto [i, input] : llvm::enumerate(inputs))
    if (input && !Node::isTensor(input) && !row->takesSequences)
      return report(op, inputs,
                    "its input " + llvm::Twine(i) +
                        " is a sequence, which is not supported here");
  for (Value input : inputs)
    if (input && Node::isTensor(input) && isNarrow(Node::elementType(input)) &&
        row->movesElements)
      return moveNarrow(op, *row, inputs, Node::elementType(input));
  (void)runHandler(op, *row, inputs);
}

/// Moves the bytes that hold narrow numbers.
void Converter::moveNarrow(NodeOp op, const Row &row, ArrayRef<Value> inputs,
                           Type narrow) {
  SmallVector<Value> held = llvm::map_to_vector(inputs, unwrapNarrow);
  if (failed(runHandler(op, row, held)))
    return;
  for (Value output : op.getResults()) {
    Value &moved = mapping[output];
    if (moved && Node::isTensor(moved) &&
        Node::elementType(moved) == getHeldType(narrow))
      moved = wrapNarrow(builder, op.getLoc(), moved, narrow);
  }
}

Value Converter::createConstant(ConstantOp op) {
  Location loc = op.getLoc();
  ElementsAttr value = op.getValue();
  Type type = value.getElementType();
  if (!isNarrow(type)) {
    Value constant = builder.create<nn::ConstantOp>(loc, value);
    return isHalf(type) ? holdHalves(builder, constant) : constant;
  }
  Value held = builder.create<nn::ConstantOp>(loc, getHeldElements(value));
  return wrapNarrow(builder, loc, held, type);
}

void Converter::convertOp(Operation &op) {
  if (auto node = dyn_cast<NodeOp>(op)) {
    convertNode(node);
    return;
  }
  if (auto constant = dyn_cast<ConstantOp>(op))
    mapping[constant] = createConstant(constant);
}

SmallVector<Value> Converter::inlineBody(Region &body, ValueRange arguments) {
  for (Operation &op : body.front())
    for (Value result : op.getResults())
      mapping.erase(result);
  for (auto [argument, value] :
       llvm::zip_equal(body.front().getArguments(), arguments))
    mapping[argument] = value;
  for (Operation &op : body.front().without_terminator()) {
    if (errors.size() >= maxErrors)
      break;
    convertOp(op);
  }
  SmallVector<Value> outputs;
  for (Value output : body.front().getTerminator()->getOperands())
    outputs.push_back(mapping.lookup(output));
  return outputs;
}

/// Erases the ops behind `first`, up to `last`.
static void eraseBehind(Operation *first, Operation *last) {
  while (last != first) {
    Operation *previous = last->getPrevNode();
    last->dropAllUses();
    last->erase();
    last = previous;
  }
}

LogicalResult Converter::attempt(function_ref<LogicalResult()> legalize) {
  size_t numErrors = errors.size();
  Sizes before = sizes;
  OpBuilder::InsertPoint start = builder.saveInsertionPoint();
  auto getLast = [&]() -> Operation * {
    bool isFirst = start.getPoint() == start.getBlock()->begin();
    return isFirst ? nullptr : &*std::prev(start.getPoint());
  };
  Operation *last = getLast();
  if (succeeded(legalize()))
    return success();
  errors.resize(numErrors);
  sizes = std::move(before);
  // What they bind must not be bound in vain.
  builder.restoreInsertionPoint(start);
  eraseBehind(last, getLast());
  return failure();
}

/// The output as a host gets it; the file knows whether f32 stand for halves.
Value Converter::giveOutput(Value output, Type declared) {
  auto type = dyn_cast<RankedTensorType>(declared);
  Value wide = unwrapHalves(output);
  if (!type || !Node::elementType(wide).isF32())
    return unwrapNarrow(output);
  if (isHalf(type.getElementType()))
    return wrapHalves(builder, wide, type.getElementType());
  return type.getElementType().isF32() ? wide : output;
}

LogicalResult Converter::finishFunction(func::FuncOp func, func::ReturnOp old,
                                        ArrayRef<Value> outputs) {
  if (!errors.empty())
    return failure();
  for (auto [index, output] : llvm::enumerate(outputs)) {
    if (output && Node::isTensor(output))
      continue;
    auto name = func.getResultAttrOfType<StringAttr>(index, "nn.name");
    errors.push_back(fileName + ": the output '" +
                     printable(name ? name.getValue() : "") +
                     (output ? "' is a sequence, which is not supported: make "
                               "its tensors outputs"
                             : "' has no value"));
    return failure();
  }
  SmallVector<Value> held;
  for (auto [output, declared] :
       llvm::zip_equal(outputs, func.getResultTypes()))
    held.push_back(giveOutput(output, declared));
  builder.create<func::ReturnOp>(old.getLoc(), held);
  func.setType(builder.getFunctionType(func.front().getArgumentTypes(),
                                       ValueRange(held).getTypes()));
  return success();
}

void Converter::readSymbols(func::FuncOp func) {
  sizes = Sizes();
  if (auto names = func->getAttrOfType<ArrayAttr>("nn.symbols"))
    for (auto name : names.getAsRange<StringAttr>())
      sizes.symbols.push_back(name.str());
  sizes.bounds.assign(sizes.symbols.size(), Bound());
  auto given = func->getAttrOfType<ArrayAttr>("nn.symbol_bounds");
  if (!given || given.size() != sizes.symbols.size())
    return;
  for (auto [bound, attribute] :
       llvm::zip(sizes.bounds, given.getAsRange<DenseI64ArrayAttr>())) {
    if (attribute.size() == 2)
      bound = {attribute[0], attribute[1], ""};
  }
}

void Converter::writeBounds(func::FuncOp func) {
  auto isOpen = [](const Bound &bound) {
    return bound.low == 0 && bound.high < 0;
  };
  if (llvm::all_of(sizes.bounds, isOpen))
    return;
  SmallVector<Attribute> bounds, nodes;
  for (const Bound &bound : sizes.bounds) {
    bounds.push_back(builder.getDenseI64ArrayAttr({bound.low, bound.high}));
    nodes.push_back(builder.getStringAttr(bound.node));
  }
  func->setAttr("nn.symbol_bounds", builder.getArrayAttr(bounds));
  func->setAttr("nn.symbol_nodes", builder.getArrayAttr(nodes));
}

/// The names of those that data tell follow those of the inputs' sizes.
void Converter::writeSymbols(func::FuncOp func) {
  if (sizes.numBound == 0)
    return;
  SmallVector<StringRef> names(sizes.symbols.begin(), sizes.symbols.end());
  func->setAttr(nn::symbolsAttrName, builder.getStrArrayAttr(names));
  func->setAttr(nn::boundSymbolsAttrName,
                builder.getI64IntegerAttr(sizes.numBound));
}

void Converter::assumeNonNegative(ArrayRef<int64_t> coefficients,
                                  int64_t constant, StringRef node) {
  int64_t symbol = -1;
  for (auto [index, coefficient] : llvm::enumerate(coefficients)) {
    if (coefficient == 0)
      continue;
    if (symbol >= 0)
      return; // Bounds of single symbols can't say it.
    symbol = index;
  }
  if (symbol < 0)
    return;
  int64_t coefficient = coefficients[symbol];
  Bound &bound = sizes.bounds[symbol];
  int64_t low = bound.low, high = bound.high;
  if (coefficient > 0) {
    low = std::max(low, llvm::divideCeilSigned(-constant, coefficient));
  } else {
    int64_t limit = llvm::divideFloorSigned(constant, -coefficient);
    high = high < 0 ? limit : std::min(high, limit);
  }
  if (low != bound.low || high != bound.high)
    bound = {low, high, printable(node)};
}

/// Legalizes what stands before the return, and gives the outputs; the new ops
/// go into the same block, behind it.
SmallVector<Value> Converter::convertOps(func::ReturnOp old) {
  for (Operation *op = &old->getBlock()->front(); op != old;
       op = op->getNextNode()) {
    if (errors.size() >= maxErrors)
      break;
    convertOp(*op);
  }
  SmallVector<Value> outputs;
  for (Value output : old.getOperands())
    outputs.push_back(mapping.lookup(output));
  return outputs;
}

static bool haveDeclaredRanks(func::FuncOp func, ArrayRef<Value> outputs) {
  for (auto [type, output] : llvm::zip_equal(func.getResultTypes(), outputs)) {
    auto declared = dyn_cast<RankedTensorType>(type);
    if (!output || !Node::isTensor(output) ||
        (declared && declared.getRank() != Node::rank(output)))
      return false;
  }
  return true;
}

SmallVector<Value> Converter::convertBody(func::FuncOp func,
                                          func::ReturnOp old) {
  Sizes given = sizes;
  Operation *first = &func.front().back();
  SmallVector<Value> kept = convertOps(old);
  if (!hasOpenSqueeze || (errors.empty() && haveDeclaredRanks(func, kept)))
    return kept;
  std::vector<std::string> keptErrors = std::exchange(errors, {});
  Sizes keptSizes = std::exchange(sizes, given);
  Operation *last = &func.front().back();
  dropsOpenDims = true;
  SmallVector<Value> dropped = convertOps(old);
  if (errors.empty() && haveDeclaredRanks(func, dropped)) {
    eraseBehind(first, last);
    return dropped;
  }
  eraseBehind(last, &func.front().back());
  errors = std::move(keptErrors);
  sizes = std::move(keptSizes);
  return kept;
}

/// The argument; one of narrow numbers becomes one of the bytes that hold them.
Value Converter::takeArgument(Value argument) {
  RankedTensorType type = Node::type(argument);
  Type narrow = type.getElementType();
  if (isHalf(narrow))
    return holdHalves(builder, argument);
  if (!isNarrow(narrow))
    return argument;
  argument.setType(nn::withElementType(type, getHeldType(narrow)));
  return wrapNarrow(builder, argument.getLoc(), argument, narrow);
}

LogicalResult Converter::convertFunction(func::FuncOp func) {
  readSymbols(func);
  Block &block = func.front();
  auto old = cast<func::ReturnOp>(block.getTerminator());
  builder.setInsertionPointToEnd(&block);
  for (Value argument : block.getArguments())
    mapping[argument] = takeArgument(argument);
  if (failed(finishFunction(func, old, convertBody(func, old))))
    return failure();
  writeBounds(func);
  writeSymbols(func);
  eraseBehind(nullptr, old);
  return success();
}

LogicalResult Converter::convert() {
  LogicalResult status = success();
  for (auto func : module.getOps<func::FuncOp>())
    if (failed(convertFunction(func)))
      status = failure();
  // Only now, where no handler listens that would take them for its own.
  for (const std::string &error : errors)
    emitError(UnknownLoc::get(module.getContext())) << error;
  return status;
}
