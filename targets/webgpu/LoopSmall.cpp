//===- LoopSmall.cpp - Loops of little work within a kernel ---------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/LoopInvariantCodeMotionUtils.h"
#include "nncc/Dialect/Exec/KernelInfo.h"
#include "targets/webgpu/ItemWork.h"
#include "targets/webgpu/Kernel.h"
#include "targets/webgpu/Passes.h"

namespace nncc::webgpu {

#define GEN_PASS_DEF_LOOPSMALL
#include "targets/webgpu/Passes.h.inc"

} // namespace nncc::webgpu

using namespace mlir;
using namespace nncc;
using namespace nncc::webgpu;

/// Steps that one dispatch makes: some milliseconds, since others share the
/// GPU.
static constexpr int64_t maxSteps = 128;

namespace {

/// Makes the kernel of all steps out of that of one.
class LoopKernelBuilder {
public:
  LoopKernelBuilder(exec::DispatchOp step, func::FuncOp kernel);

  /// The bound of the loop within the kernel: a constant or an argument.
  Value addBound(Value hostValue);
  void build(scf::ForOp loop, Value begin, Value end);

  func::FuncOp kernel;
  /// What a dispatch gives to the kernel.
  SmallVector<Value> operands;

private:
  Value addSymbol(Value hostValue);
  Value getInside(Value hostValue);

  exec::DispatchOp step;
  func::FuncOp program;
  OpBuilder b;
  unsigned nextSymbol = 0;
  /// From values of the host to those of the kernel.
  IRMapping inside;
};

struct LoopSmallPass : webgpu::impl::LoopSmallBase<LoopSmallPass> {
  void runOnOperation() override;

private:
  func::FuncOp getKernel(exec::DispatchOp dispatch) {
    return getOperation().lookupSymbol<func::FuncOp>(dispatch.getKernel());
  }
  exec::DispatchOp getOnlyStep(scf::ForOp loop);
  void enter(scf::ForOp loop, exec::DispatchOp step);
  func::FuncOp insert(func::FuncOp kernel, StringRef name);

  /// By their text.
  llvm::StringMap<func::FuncOp> known;
};

} // namespace

//===----------------------------------------------------------------------===//
// The kernel
//===----------------------------------------------------------------------===//

LoopKernelBuilder::LoopKernelBuilder(exec::DispatchOp step, func::FuncOp once)
    : kernel(once.clone()), operands(step.getArguments()), step(step),
      program(step->getParentOfType<func::FuncOp>()), b(step.getContext()) {
  for (BlockArgument argument : program.getArguments())
    nextSymbol += exec::getSymbolArgument(program, argument).has_value();
  for (auto [argument, operand] : llvm::zip(kernel.getArguments(), operands)) {
    inside.map(operand, argument);
    if (auto symbol = exec::getSymbolArgument(kernel, argument))
      nextSymbol = std::max(nextSymbol, *symbol + 1);
  }
  if (!kernel.getOps<func::CallOp>().empty())
    return;
  // A kernel that does the work itself becomes a part.
  Block &body = kernel.getBody().front();
  while (&body.front() != body.getTerminator())
    body.getTerminator()->getPrevNode()->erase();
  b.setInsertionPointToStart(&body);
  b.create<func::CallOp>(step.getLoc(), once, ValueRange(body.getArguments()));
}

/// An argument for a number of the host, in front of the grid.
Value LoopKernelBuilder::addSymbol(Value hostValue) {
  auto argument = dyn_cast<BlockArgument>(hostValue);
  std::optional<unsigned> symbol;
  if (argument && argument.getOwner()->getParentOp() == program)
    symbol = exec::getSymbolArgument(program, argument);
  NamedAttribute number =
      b.getNamedAttr(exec::symbolAttrName,
                     b.getI64IntegerAttr(symbol ? *symbol : nextSymbol++));
  unsigned at = kernel.getNumArguments() - 2;
  kernel.insertArgument(at, b.getIndexType(), b.getDictionaryAttr(number),
                        kernel.getLoc());
  operands.push_back(hostValue);
  return kernel.getArgument(at);
}

Value LoopKernelBuilder::addBound(Value hostValue) {
  b.setInsertionPointToStart(&kernel.getBody().front());
  return getInside(hostValue);
}

/// What the host computes outside of the loop.
Value LoopKernelBuilder::getInside(Value hostValue) {
  if (!inside.contains(hostValue)) {
    auto number = hostValue.getDefiningOp<arith::ConstantOp>();
    inside.map(hostValue,
               number ? b.clone(*number)->getResult(0) : addSymbol(hostValue));
  }
  return inside.lookup(hostValue);
}

void LoopKernelBuilder::build(scf::ForOp loop, Value begin, Value end) {
  Block &body = kernel.getBody().front();
  SmallVector<Operation *> parts;
  for (auto call : body.getOps<func::CallOp>())
    parts.push_back(call);
  b.setInsertionPoint(body.getTerminator());
  Value stride = b.create<arith::ConstantIndexOp>(
      loop.getLoc(), *getConstantIntValue(loop.getStep()));
  auto steps = b.create<scf::ForOp>(loop.getLoc(), begin, end, stride);
  for (Operation *part : parts)
    part->moveBefore(steps.getBody()->getTerminator());
  b.setInsertionPointToStart(steps.getBody());
  IRMapping changing;
  changing.map(loop.getInductionVar(), steps.getInductionVar());
  for (Operation &op : loop.getBody()->without_terminator()) {
    if (&op == step)
      continue;
    for (Value operand : op.getOperands())
      if (!changing.contains(operand))
        changing.map(operand, getInside(operand));
    b.clone(op, changing);
  }
  // Numbers that change from step to step are no arguments any more.
  for (unsigned i = operands.size(); i-- > 0;)
    if (Value value = changing.lookupOrNull(operands[i]);
        value &&
        loop->isAncestor(operands[i].getParentBlock()->getParentOp())) {
      kernel.getArgument(i).replaceAllUsesWith(value);
      kernel.eraseArgument(i);
      operands.erase(operands.begin() + i);
    }
  kernel->setAttr(wholeAttrName, b.getUnitAttr());
}

//===----------------------------------------------------------------------===//
// The loop
//===----------------------------------------------------------------------===//

/// What a loop dispatches if that is little and all else it does is to compute
/// numbers.
exec::DispatchOp LoopSmallPass::getOnlyStep(scf::ForOp loop) {
  exec::DispatchOp step;
  if (!loop.getInitArgs().empty() || !getConstantIntValue(loop.getStep()))
    return nullptr;
  for (Operation &op : loop.getBody()->without_terminator()) {
    auto dispatch = dyn_cast<exec::DispatchOp>(op);
    if (dispatch ? step || dispatch->hasAttr(exec::hostAttrName)
                 : !isa<exec::AllocOp>(op) && !isPure(&op))
      return nullptr;
    if (dispatch)
      step = dispatch;
  }
  // Not loops around loops, which could take long.
  bool isSmallStep = step && getKernel(step).getOps<scf::ForOp>().empty() &&
                     ItemWork().add(step);
  return isSmallStep ? step : nullptr;
}

/// Tells that the kernel does all the steps.
static void multiplyWork(func::FuncOp kernel, int64_t steps) {
  exec::KernelInfo info = exec::getKernelInfo(kernel);
  for (AffineMap *work : {&info.flops, &info.bytes})
    if (*work)
      *work = AffineMap::get(work->getNumDims(), work->getNumSymbols(),
                             work->getResult(0) * steps);
  exec::setKernelInfo(kernel, info);
}

func::FuncOp LoopSmallPass::insert(func::FuncOp kernel, StringRef name) {
  kernel.setName("steps");
  Attribute info = kernel->removeAttr(exec::kernelAttrName);
  std::string text;
  llvm::raw_string_ostream(text) << *kernel.getOperation();
  kernel->setAttr(exec::kernelAttrName, info);
  auto [entry, added] = known.try_emplace(text, kernel);
  if (!added) {
    kernel.erase();
    return entry->second;
  }
  kernel.setName((name + "+steps").str());
  SymbolTable(getOperation()).insert(kernel);
  return kernel;
}

/// The steps of `loop` that begin where the host has got to: all of them, or as
/// many as one dispatch makes.
void LoopSmallPass::enter(scf::ForOp loop, exec::DispatchOp step) {
  Location loc = loop.getLoc();
  OpBuilder b(loop);
  Value begin = loop.getLowerBound(), end = loop.getUpperBound();
  std::optional<int64_t> count = constantTripCount(begin, end, loop.getStep());
  if (!count || *count > maxSteps) {
    count = maxSteps;
    Value stride = b.create<arith::ConstantIndexOp>(
        loc, maxSteps * *getConstantIntValue(loop.getStep()));
    auto rounds = b.create<scf::ForOp>(loc, begin, end, stride);
    b.setInsertionPointToStart(rounds.getBody());
    begin = rounds.getInductionVar();
    end = b.create<arith::MinSIOp>(
        loc, b.create<arith::AddIOp>(loc, begin, stride), end);
  }
  LoopKernelBuilder builder(step, getKernel(step));
  Value first = builder.addBound(begin), last = builder.addBound(end);
  builder.build(loop, first, last);
  multiplyWork(builder.kernel, *count);
  func::FuncOp kernel = insert(builder.kernel, step.getKernel());
  b.create<exec::DispatchOp>(step.getLoc(), kernel.getName(), step.getGrid(),
                             builder.operands);
  loop.erase();
}

/// Whether all that changes from step to step are numbers.
static bool computesNumbers(scf::ForOp loop, exec::DispatchOp step) {
  return llvm::all_of(loop.getBody()->without_terminator(), [&](Operation &op) {
    return &op == step || llvm::all_of(op.getResultTypes(), [](Type type) {
      return type.isIndex();
    });
  });
}

void LoopSmallPass::runOnOperation() {
  auto program = getOperation().lookupSymbol<func::FuncOp>(exec::programName);
  if (!program)
    return;
  SmallVector<scf::ForOp> loops;
  program.walk([&](scf::ForOp loop) { loops.push_back(loop); });
  for (scf::ForOp loop : loops) {
    exec::DispatchOp step = getOnlyStep(loop);
    if (!step)
      continue;
    for (auto alloc :
         llvm::make_early_inc_range(loop.getBody()->getOps<exec::AllocOp>()))
      alloc->moveBefore(loop);
    moveLoopInvariantCode(loop);
    if (computesNumbers(loop, step))
      enter(loop, step);
  }
  known.clear();
}
