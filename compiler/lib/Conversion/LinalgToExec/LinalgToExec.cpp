//===- LinalgToExec.cpp - Kernels and the host program ------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "nncc/Conversion/LinalgToExec/LinalgToExec.h"

#include "HostProgram.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

namespace nncc::exec {

#define GEN_PASS_DEF_LINALGTOEXEC
#include "nncc/Conversion/LinalgToExec/Passes.h.inc"

} // namespace nncc::exec

using namespace mlir;
using namespace nncc;
using namespace nncc::exec;

/// The program's type but for its results: arena, weights, symbols, inputs.
void HostProgramBuilder::addProgram(func::FuncOp main) {
  Type bytes = getBytesType();
  SmallVector<Type> inputs = {bytes, bytes};
  for (Type type : main.getArgumentTypes())
    inputs.push_back(isa<RankedTensorType>(type) ? bytes : type);
  program = func::FuncOp::create(main.getLoc(), programName,
                                 FunctionType::get(context, inputs, {}));
  module.push_back(program);
  host.setInsertionPointToStart(program.addEntryBlock());
}

void HostProgramBuilder::bindSymbols(func::FuncOp main) {
  for (BlockArgument argument : main.getArguments()) {
    BlockArgument mapped = program.getArgument(argument.getArgNumber() + 2);
    if (std::optional<unsigned> symbol = getSymbolArgument(main, argument)) {
      program.setArgAttr(mapped.getArgNumber(), symbolAttrName,
                         host.getI64IntegerAttr(*symbol));
      symbols.push_back(mapped);
      hostValues.map(argument, mapped);
    }
  }
  unbound.resize(symbols.size());
  main.walk([&](BindOp bind) {
    unbound.set(bind.getFirst(), bind.getFirst() + bind.getValues().size());
  });
}

/// The sizes of an input that its type leaves open. The type's encoding was
/// dropped with the nn dialect, the signature keeps it.
static AffineMapAttr getDeclaredSizes(ModuleOp module, unsigned input) {
  auto signature = module->getAttrOfType<ArrayAttr>("nncc.inputs");
  if (!signature || input >= signature.size())
    return {};
  auto entry = cast<DictionaryAttr>(signature[input]);
  auto declared =
      cast<RankedTensorType>(entry.getAs<TypeAttr>("type").getValue());
  return dyn_cast_or_null<AffineMapAttr>(declared.getEncoding());
}

LogicalResult HostProgramBuilder::bindInputs(func::FuncOp main) {
  unsigned input = 0;
  for (BlockArgument argument : main.getArguments()) {
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    if (!type)
      continue;
    AffineMapAttr sizes = getDeclaredSizes(module, input);
    if (!sizes && !type.hasStaticShape())
      return main.emitError("the sizes of input ")
             << input << " are not in the signature";
    Buffer buffer;
    buffer.memory = program.getArgument(argument.getArgNumber() + 2);
    buffer.offset = constant(0);
    buffer.elementType = type.getElementType();
    for (auto [dim, size] : llvm::enumerate(type.getShape()))
      buffer.sizes.push_back(ShapedType::isDynamic(size)
                                 ? sizes.getValue().getResult(dim)
                                 : constant(size));
    buffer.strides = getRowMajorStrides(buffer.sizes, context);
    buffers[argument] = buffer;
    ++input;
  }
  return success();
}

/// An output lies in the arena, as one, and nowhere else.
FailureOr<Buffer> HostProgramBuilder::placeOutput(Value value,
                                                  DenseSet<Value> &returned) {
  FailureOr<Buffer> buffer = getBuffer(value);
  if (failed(buffer) ||
      (buffer->memory.getDefiningOp<AllocOp>() && buffer->isContiguous() &&
       returned.insert(buffer->memory).second))
    return buffer;
  Buffer copy = allocate(value.getLoc(), buffer->sizes, buffer->elementType);
  if (failed(kernels->copy(host, value.getLoc(), *buffer, copy)))
    return failure();
  return copy;
}

/// Returns the memory of all outputs, and then their sizes.
LogicalResult HostProgramBuilder::returnOutputs(func::ReturnOp end) {
  SmallVector<Value> outputs, dims;
  DenseSet<Value> returned;
  for (Value value : end.getOperands()) {
    FailureOr<Buffer> buffer = placeOutput(value, returned);
    if (failed(buffer))
      return failure();
    Location loc = value.getLoc();
    AffineExpr byteOffset = buffer->offset * buffer->getElementBytes();
    Value offset = materialize(host, loc, byteOffset, symbols);
    Value size = host.create<arith::ConstantIndexOp>(loc, 0);
    outputs.push_back(host.create<memref::ViewOp>(
        loc, getBytesType(), buffer->memory, offset, size));
    for (AffineExpr dim : buffer->sizes)
      dims.push_back(materialize(host, loc, dim, symbols));
  }
  llvm::append_range(outputs, dims);
  host.create<func::ReturnOp>(end->getParentOp()->getLoc(), outputs);
  program.setFunctionType(
      FunctionType::get(context, program.getFunctionType().getInputs(),
                        ValueRange(outputs).getTypes()));
  return success();
}

LogicalResult HostProgramBuilder::run(func::FuncOp main) {
  addProgram(main);
  bindSymbols(main);
  if (failed(bindInputs(main)))
    return failure();
  auto findBuffer = [&](Value tensor) { return getBuffer(tensor); };
  auto findValue = [&](Value value) { return hostValues.lookup(value); };
  kernels =
      std::make_unique<KernelBuilder>(module, findBuffer, findValue, symbols);
  Block &body = main.getBody().front();
  if (failed(convertBlock(body)) ||
      failed(returnOutputs(cast<func::ReturnOp>(body.getTerminator()))))
    return failure();
  main.erase();
  return success();
}

namespace {

struct LinalgToExecPass : exec::impl::LinalgToExecBase<LinalgToExecPass> {
  using LinalgToExecBase::LinalgToExecBase;
  void runOnOperation() override {
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main) {
      getOperation().emitError("has no function @main");
      return signalPassFailure();
    }
    if (failed(HostProgramBuilder(getOperation(), guardPads).run(main)))
      signalPassFailure();
  }
};

} // namespace
