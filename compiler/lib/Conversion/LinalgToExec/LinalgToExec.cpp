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

LogicalResult HostProgramBuilder::run(func::FuncOp main) {
  Type bytes = MemRefType::get({ShapedType::kDynamic}, host.getI8Type());
  SmallVector<Type> inputs = {bytes, bytes};
  for (Type type : main.getArgumentTypes())
    inputs.push_back(isa<RankedTensorType>(type) ? bytes : type);
  program = func::FuncOp::create(main.getLoc(), programName,
                                 FunctionType::get(context, inputs, {}));
  module.push_back(program);
  host.setInsertionPointToStart(program.addEntryBlock());

  for (BlockArgument argument : main.getArguments()) {
    BlockArgument mapped = program.getArgument(argument.getArgNumber() + 2);
    if (std::optional<unsigned> symbol = getSymbolArgument(main, argument)) {
      program.setArgAttr(mapped.getArgNumber(), symbolAttrName,
                         host.getI64IntegerAttr(*symbol));
      symbols.push_back(mapped);
      hostValues.map(argument, mapped);
    }
  }
  // An input's sizes: its type's encoding was dropped with the nn dialect, the
  // signature keeps it.
  auto signature = module->getAttrOfType<ArrayAttr>("nncc.inputs");
  unsigned input = 0;
  for (BlockArgument argument : main.getArguments()) {
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    if (!type)
      continue;
    Buffer buffer;
    buffer.memory = program.getArgument(argument.getArgNumber() + 2);
    buffer.offset = constant(0);
    buffer.elementType = type.getElementType();
    AffineMapAttr sizes;
    if (signature && input < signature.size()) {
      auto entry = cast<DictionaryAttr>(signature[input]);
      auto declared =
          cast<RankedTensorType>(entry.getAs<TypeAttr>("type").getValue());
      sizes = dyn_cast_or_null<AffineMapAttr>(declared.getEncoding());
    }
    for (int64_t dim = 0; dim < type.getRank(); ++dim) {
      if (!type.isDynamicDim(dim))
        buffer.sizes.push_back(constant(type.getDimSize(dim)));
      else if (sizes)
        buffer.sizes.push_back(sizes.getValue().getResult(dim));
      else
        return main.emitError("the sizes of input ")
               << input << " are not in the signature";
    }
    buffer.strides = getRowMajorStrides(buffer.sizes, context);
    buffers[argument] = buffer;
    ++input;
  }

  unbound.resize(symbols.size());
  main.walk([&](BindOp bind) {
    unbound.set(bind.getFirst(), bind.getFirst() + bind.getValues().size());
  });
  auto findBuffer = [&](Value tensor) { return getBuffer(tensor); };
  auto findValue = [&](Value value) { return hostValues.lookup(value); };
  kernels =
      std::make_unique<KernelBuilder>(module, findBuffer, findValue, symbols);
  if (failed(convertBlock(main.getBody().front())))
    return failure();

  SmallVector<Value> outputs, dims;
  DenseSet<Value> returned;
  for (Value value : main.getBody().front().getTerminator()->getOperands()) {
    FailureOr<Buffer> buffer = getBuffer(value);
    if (failed(buffer))
      return failure();
    // An output lies in the arena, as one, and nowhere else.
    if (!buffer->memory.getDefiningOp<AllocOp>() || !buffer->isContiguous() ||
        !returned.insert(buffer->memory).second) {
      Buffer copy =
          allocate(value.getLoc(), buffer->sizes, buffer->elementType);
      if (failed(kernels->copy(host, value.getLoc(), *buffer, copy)))
        return failure();
      buffer = copy;
    }
    AffineExpr byteOffset = buffer->offset * buffer->getElementBytes();
    Value offset = materialize(host, value.getLoc(), byteOffset, symbols);
    Value size = host.create<arith::ConstantIndexOp>(value.getLoc(), 0);
    outputs.push_back(host.create<memref::ViewOp>(
        value.getLoc(), cast<MemRefType>(bytes), buffer->memory, offset, size));
    for (AffineExpr dim : buffer->sizes)
      dims.push_back(materialize(host, value.getLoc(), dim, symbols));
  }
  llvm::append_range(outputs, dims);
  host.create<func::ReturnOp>(main.getLoc(), outputs);
  program.setFunctionType(
      FunctionType::get(context, inputs, ValueRange(outputs).getTypes()));
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
