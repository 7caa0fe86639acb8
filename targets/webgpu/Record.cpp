//===- Record.cpp - The host program writes a list of dispatches ----------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "nncc/Dialect/Exec/KernelInfo.h"
#include "nncc/Kernels/LoopNest.h"
#include "targets/webgpu/CommandWriter.h"
#include "targets/webgpu/Kernel.h"
#include "targets/webgpu/KernelAttributes.h"
#include "targets/webgpu/Passes.h"
#include "targets/webgpu/Segments.h"
#include "targets/webgpu/Shards.h"
#include "targets/webgpu/Transfers.h"

namespace nncc::webgpu {

#define GEN_PASS_DEF_RECORD
#include "targets/webgpu/Passes.h.inc"

} // namespace nncc::webgpu

using namespace mlir;
using namespace nncc;
using namespace nncc::webgpu;

namespace {

struct RecordPass : webgpu::impl::RecordBase<RecordPass> {
  using Base::Base;

  void runOnOperation() override;

private:
  LogicalResult recordBlock(Block &block, CommandWriter &writer);
  LogicalResult record(Operation *op, CommandWriter &writer);
  LogicalResult record(exec::DispatchOp dispatch, CommandWriter &writer);
  LogicalResult record(exec::ReadbackOp readback, CommandWriter &writer);
  LogicalResult record(exec::UploadOp upload, CommandWriter &writer);
  LogicalResult addRange(Value view, int64_t elementBytes,
                         CommandWriter &writer);
  void addGrid(exec::DispatchOp dispatch, CommandWriter &writer);
  void addSymbols(exec::DispatchOp dispatch, CommandWriter &writer);
  void flushWhereDue(exec::DispatchOp dispatch, CommandWriter &writer);

  func::FuncOp program;
  SmallVector<Value> symbols;
  SmallVector<Shard> shards;
  llvm::StringMap<unsigned> kernels;
  unsigned numDispatches = 0;
  int64_t flopsSinceFlush = 0;
};

/// A place in one of the program's arguments.
struct Place {
  BlockArgument base;
  AffineExpr offset; ///< bytes
};

} // namespace

static FailureOr<Place> getPlace(Value view) {
  AffineExpr offset = getAffineConstantExpr(0, view.getContext());
  while (auto op = view.getDefiningOp<memref::ViewOp>()) {
    AffineExpr shift = kernels::getSymbolicExpr(op.getByteShift());
    if (!shift)
      return op.emitError("a buffer's place is no function of the symbols");
    offset = offset + shift;
    view = op.getSource();
  }
  return Place{cast<BlockArgument>(view), offset};
}

/// The number of elements that a view on the GPU shows.
static AffineExpr getCount(memref::ViewOp view) {
  if (!view.getSizes().empty())
    return kernels::getSymbolicExpr(view.getSizes()[0]);
  return getAffineConstantExpr(view.getType().getDimSize(0), view.getContext());
}

/// Three words: the buffer, begin and size in bytes.
LogicalResult RecordPass::addRange(Value view, int64_t elementBytes,
                                   CommandWriter &writer) {
  FailureOr<Place> place = getPlace(view);
  if (failed(place))
    return failure();
  AffineExpr count = getCount(view.getDefiningOp<memref::ViewOp>());
  unsigned number = place->base.getArgNumber();
  if (number == 0) {
    writer.add(Space::Arena);
  } else if (number == 1) {
    int64_t at = cast<AffineConstantExpr>(place->offset).getValue();
    auto shard = llvm::find_if(
        shards, [&](const Shard &each) { return at < int64_t(each.end); });
    writer.add(Space::Weights + (shard - shards.begin()));
    place->offset = place->offset - int64_t(shard->begin);
  } else {
    unsigned input = 0;
    for (unsigned i = 2; i < number; ++i)
      input += isa<MemRefType>(program.getArgument(i).getType());
    writer.add(Space::Inputs + input);
  }
  constexpr int64_t mostBytes = std::numeric_limits<uint32_t>::max();
  if (auto at = dyn_cast<AffineConstantExpr>(place->offset);
      at && at.getValue() > mostBytes)
    return view.getDefiningOp()->emitError("lies behind 4 GiB of other tensors "
                                           "between kernels, which are the "
                                           "most: smaller sizes (--dim) take "
                                           "less");
  writer.add(place->offset);
  writer.add(count * elementBytes);
  return success();
}

/// x and y of the grid: x is as large as WebGPU allows.
void RecordPass::addGrid(exec::DispatchOp dispatch, CommandWriter &writer) {
  constexpr int64_t largest = 65535;
  auto kernel = getOperation().lookupSymbol<func::FuncOp>(dispatch.getKernel());
  AffineExpr count = kernel->getAttrOfType<AffineMapAttr>(workgroupsAttrName)
                         .getValue()
                         .getResult(0);
  if (auto constant = dyn_cast<AffineConstantExpr>(count)) {
    int64_t x = std::min(constant.getValue(), largest);
    writer.add(x);
    writer.add(x ? llvm::divideCeil(constant.getValue(), x) : 0);
    return;
  }
  OpBuilder b(dispatch);
  Location loc = dispatch.getLoc();
  Value total = exec::materialize(b, loc, count, symbols);
  Value limit = b.create<arith::ConstantIndexOp>(loc, largest);
  Value one = b.create<arith::ConstantIndexOp>(loc, 1);
  Value x = b.create<arith::MaxUIOp>(
      loc, b.create<arith::MinUIOp>(loc, total, limit), one);
  writer.add(x);
  writer.add(b.create<arith::CeilDivUIOp>(loc, total, x));
}

/// The range of the uniform buffer. Block 0 holds the program's symbols; a
/// dispatch with others has a block of its own.
void RecordPass::addSymbols(exec::DispatchOp dispatch, CommandWriter &writer) {
  auto kernel = getOperation().lookupSymbol<func::FuncOp>(dispatch.getKernel());
  int64_t count =
      kernel->getAttrOfType<IntegerAttr>(numSymbolsAttrName).getInt();
  if (count == 0)
    return;
  SmallVector<std::pair<unsigned, Value>> extra;
  for (auto [argument, value] :
       llvm::zip(kernel.getArguments(), dispatch.getArguments()))
    if (auto symbol = exec::getSymbolArgument(kernel, argument))
      if (*symbol >= symbols.size())
        extra.push_back({*symbol, value});
  writer.add(Space::Symbols);
  if (extra.empty())
    writer.add(0);
  else
    writer.add(writer.addSymbolBlock(dispatch, count, extra));
  writer.add(int64_t(llvm::alignTo(count * 4, 16)));
}

/// The first dispatches are submitted at once, so that the GPU starts while the
/// rest is encoded; later ones where so much work has come together that a
/// slow GPU would keep others waiting.
void RecordPass::flushWhereDue(exec::DispatchOp dispatch,
                               CommandWriter &writer) {
  constexpr unsigned firstDispatches = 16;
  constexpr int64_t mostFlops = 10'000'000'000;
  auto kernel = getOperation().lookupSymbol<func::FuncOp>(dispatch.getKernel());
  flopsSinceFlush += exec::getKernelInfo(kernel).getConstantFlops().value_or(0);
  if (++numDispatches != firstDispatches && flopsSinceFlush < mostFlops)
    return;
  flopsSinceFlush = 0;
  writer.add(Command::Flush);
}

LogicalResult RecordPass::record(exec::DispatchOp dispatch,
                                 CommandWriter &writer) {
  auto kernel = getOperation().lookupSymbol<func::FuncOp>(dispatch.getKernel());
  auto numSymbols = kernel->getAttrOfType<IntegerAttr>(numSymbolsAttrName);
  int64_t numBuffers =
      llvm::count_if(dispatch.getArguments().getTypes(),
                     [](Type type) { return isa<MemRefType>(type); });
  writer.add(Command::Dispatch);
  writer.add(kernels.lookup(dispatch.getKernel()));
  addGrid(dispatch, writer);
  writer.add(numBuffers + (numSymbols.getInt() != 0));
  for (auto [i, operand] : llvm::enumerate(dispatch.getArguments())) {
    bool isHalf = kernel.getArgAttr(i, halfAttrName) != nullptr;
    if (isa<MemRefType>(operand.getType()) &&
        failed(addRange(operand, isHalf ? 2 : 4, writer)))
      return failure();
  }
  addSymbols(dispatch, writer);
  flushWhereDue(dispatch, writer);
  dispatch.erase();
  return success();
}

/// The op stays, as the end of the segment.
LogicalResult RecordPass::record(exec::ReadbackOp readback,
                                 CommandWriter &writer) {
  OpBuilder b(readback);
  writer.add(Command::Readback);
  writer.add(int64_t(readback.getFrom().size()));
  for (auto [from, to] : llvm::zip(readback.getFrom(), readback.getTo())) {
    if (failed(addRange(from, /*elementBytes=*/4, writer)))
      return failure();
    writer.addAddress(b, to);
  }
  writer.write(readback);
  return success();
}

LogicalResult RecordPass::record(exec::UploadOp upload, CommandWriter &writer) {
  writer.write(upload);
  FailureOr<Place> place = getPlace(upload.getTo());
  if (failed(place))
    return failure();
  OpBuilder b(upload);
  Location loc = upload.getLoc();
  Value zero = b.create<arith::ConstantIndexOp>(loc, 0);
  Value one = b.create<arith::ConstantIndexOp>(loc, 1);
  Value count = exec::materialize(
      b, loc, getCount(upload.getTo().getDefiningOp<memref::ViewOp>()),
      symbols);
  Value words = writer.addUpload(b, loc, place->offset, count);
  b.create<scf::ForOp>(
      loc, zero, count, one, ValueRange(),
      [&](OpBuilder &inner, Location, Value i, ValueRange) {
        Value value = inner.create<memref::LoadOp>(loc, upload.getFrom(), i);
        inner.create<memref::StoreOp>(loc, toWord(inner, loc, value), words, i);
        inner.create<scf::YieldOp>(loc);
      });
  upload.erase();
  return success();
}

LogicalResult RecordPass::recordBlock(Block &block, CommandWriter &writer) {
  for (Operation &op : llvm::make_early_inc_range(block))
    if (failed(record(&op, writer)))
      return failure();
  writer.write(block.getTerminator());
  return success();
}

LogicalResult RecordPass::record(Operation *op, CommandWriter &writer) {
  if (auto dispatch = dyn_cast<exec::DispatchOp>(op))
    return dispatch->hasAttr(exec::hostAttrName) ? success()
                                                 : record(dispatch, writer);
  if (auto readback = dyn_cast<exec::ReadbackOp>(op))
    return record(readback, writer);
  if (auto upload = dyn_cast<exec::UploadOp>(op))
    return record(upload, writer);
  // Afterwards symbols have other values.
  if (op->getNumRegions() != 0 || isa<exec::BindOp>(op))
    writer.write(op);
  for (Region &region : op->getRegions())
    for (Block &inner : region)
      if (failed(recordBlock(inner, writer)))
        return failure();
  return success();
}

/// Gives what tells the size of the GPU's arena names of its own.
static void renameSizes(ModuleOp module, func::FuncOp program) {
  if (auto bytes = module.lookupSymbol<func::FuncOp>(exec::arenaBytesName))
    bytes.setName(gpuArenaBytesName);
  program.walk([&](exec::BindOp bind) {
    auto old = bind.getBytesAttr();
    if (!old)
      return;
    StringRef number = old.getValue().drop_front(exec::boundBytesPrefix.size());
    std::string name = (exec::gpuBoundBytesPrefix + number).str();
    module.lookupSymbol<func::FuncOp>(old.getValue()).setName(name);
    bind.setBytes(name);
  });
}

void RecordPass::runOnOperation() {
  ModuleOp module = getOperation();
  program = module.lookupSymbol<func::FuncOp>(exec::programName);
  if (!program)
    return;
  for (BlockArgument argument : program.getArguments())
    if (exec::getSymbolArgument(program, argument))
      symbols.push_back(argument);
  shards = divideWeights(module, shardBytes);
  for (auto func : module.getOps<func::FuncOp>())
    if (func->hasAttr(numSymbolsAttrName)) {
      unsigned number = kernels.size();
      kernels[func.getName()] = number;
    }
  CommandWriter writer(module, symbols);
  if (failed(recordBlock(program.getBody().front(), writer)))
    return signalPassFailure();
  module->setAttr(commandsAttrName, writer.getTemplate());
  splitSegments(program);
  program.setName(recordName);
  renameSizes(module, program);
}
