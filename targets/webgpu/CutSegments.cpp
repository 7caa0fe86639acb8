//===- CutSegments.cpp - Where the host needs what the GPU computed -------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/SymbolTable.h"
#include "nncc/Dialect/Exec/Exec.h"
#include "targets/webgpu/CarriedValues.h"
#include "targets/webgpu/HostPads.h"
#include "targets/webgpu/OpenLoops.h"
#include "targets/webgpu/Passes.h"
#include "targets/webgpu/Placement.h"
#include "targets/webgpu/Scalars.h"
#include "targets/webgpu/Transfers.h"
#include "llvm/ADT/MapVector.h"

namespace nncc::webgpu {

#define GEN_PASS_DEF_CUTSEGMENTS
#include "targets/webgpu/Passes.h.inc"

} // namespace nncc::webgpu

using namespace mlir;
using namespace nncc;
using namespace nncc::webgpu;

namespace {

/// A step of the program and the buffers that it uses.
struct Step {
  Operation *op;
  SmallVector<BufferUse> uses;
};

/// Which sides have what a buffer should hold. Neither: nothing was written.
struct Residence {
  bool gpu = false, host = false;
};

class SegmentCutter {
public:
  explicit SegmentCutter(func::FuncOp program)
      : program(program), placement(program), transfers(program) {}

  LogicalResult run();

private:
  LogicalResult checkGpuWork();
  void collect();
  void takeType(const BufferUse &use);
  SmallVector<Step> getSteps(Block &block);
  void cut(Block &block);
  void cutLoop(scf::WhileOp loop);
  void readBack(ArrayRef<Step> ahead);
  void upload(const Step &step);
  void update(const Step &step);
  bool isMissingOnHost(const BufferUse &use);
  SharedBuffer share(Value root);
  void moveToHost(const BufferUse &use);
  void markHostWork(const Step &step);
  void markDispatch(exec::DispatchOp dispatch);

  func::FuncOp program;
  Placement placement;
  Transfers transfers;
  /// All of the open blocks but the loops that are open.
  SmallVector<Step> steps;
  llvm::DenseMap<Value, Residence> residences;
  /// Of a buffer's elements, as kernels on the GPU see them, if any do.
  llvm::DenseMap<Value, Type> elements;
  llvm::StringMap<func::FuncOp> hostKernels;
};

/// Leaves out dispatches that have nothing to write: their kernels would divide
/// by sizes of 0, which WGSL refuses.
void eraseEmpty(func::FuncOp program) {
  auto module = program->getParentOfType<ModuleOp>();
  program.walk([&](exec::DispatchOp dispatch) {
    auto kernel = module.lookupSymbol<func::FuncOp>(dispatch.getKernel());
    bool writes = false;
    kernel.walk([&](DestinationStyleOpInterface op) {
      for (Value init : op.getDpsInits()) {
        auto type = cast<MemRefType>(init.getType());
        writes |= !type.hasStaticShape() || type.getNumElements() != 0;
      }
    });
    if (!writes)
      dispatch.erase();
  });
}

/// Until none is left that is worth it, from the outside to the inside.
void openLoopsAndBranches(func::FuncOp program) {
  for (bool changed = true; changed;) {
    Placement placement(program);
    changed = !placement.getOpsToOpen().empty();
    for (Operation *op : placement.getOpsToOpen())
      isa<scf::IfOp>(op) ? openBranch(program, op) : openLoop(program, op);
  }
}

/// Sizes that are bound within loops and branches would have to be known to
/// what follows in the same list of dispatches.
LogicalResult refuseInnerBindings(func::FuncOp program) {
  WalkResult result = program.walk([&](exec::BindOp bind) {
    if (bind->getParentOp() == program)
      return WalkResult::advance();
    bind.emitError("data tell a size within a loop or branch, which only a "
                   "program for the CPU can follow");
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

struct CutSegmentsPass : webgpu::impl::CutSegmentsBase<CutSegmentsPass> {
  void runOnOperation() override {
    auto program = getOperation().lookupSymbol<func::FuncOp>(exec::programName);
    if (!program)
      return;
    if (failed(refuseInnerBindings(program)))
      return signalPassFailure();
    eraseEmpty(program);
    openLoopsAndBranches(program);
    if (failed(SegmentCutter(program).run()))
      signalPassFailure();
  }
};

} // namespace

static bool isWeight(Value root) {
  return root.getDefiningOp<exec::WeightOp>() != nullptr;
}

void SegmentCutter::takeType(const BufferUse &use) {
  bool isReturn = isa<func::ReturnOp>(use.operand->getOwner());
  Type &known = elements[use.root];
  if (!isReturn && (!known || !use.onHost))
    known = use.element;
}

/// Fails where nothing is left for the GPU.
LogicalResult SegmentCutter::checkGpuWork() {
  exec::DispatchOp onHost;
  WalkResult result = program.walk([&](exec::DispatchOp dispatch) {
    if (!placement.isOnHost(dispatch))
      return WalkResult::interrupt();
    onHost = dispatch;
    return WalkResult::advance();
  });
  if (result.wasInterrupted() || !onHost)
    return success();
  return onHost.emitError("nothing is left for a GPU: ")
         << placement.getReason(onHost);
}

void SegmentCutter::collect() {
  for (Operation &op : program.getBody().front())
    for (const BufferUse &use : placement.getUses(&op))
      takeType(use);
  for (BlockArgument argument : program.getArguments().drop_front(2))
    if (isa<MemRefType>(argument.getType()))
      residences[argument].gpu = true;
}

SharedBuffer SegmentCutter::share(Value root) {
  Type element = elements.lookup(root);
  return {root, transfers.getHostCopy(root, element), element,
          *transfers.getCount(root, element)};
}

bool SegmentCutter::isMissingOnHost(const BufferUse &use) {
  if (!use.onHost || isWeight(use.root))
    return false;
  Residence where = residences.lookup(use.root);
  return where.gpu && !where.host;
}

/// What the first step needs and, at once, what later ones need of what is
/// there already.
void SegmentCutter::readBack(ArrayRef<Step> ahead) {
  if (llvm::none_of(ahead.front().uses,
                    [&](const BufferUse &use) { return isMissingOnHost(use); }))
    return;
  llvm::SetVector<Value> needed;
  llvm::DenseSet<Value> changing;
  for (const Step &step : ahead) {
    for (const BufferUse &use : step.uses)
      if (isMissingOnHost(use) && !changing.contains(use.root))
        needed.insert(use.root);
    for (const BufferUse &use : step.uses)
      if (use.writes)
        changing.insert(use.root);
  }
  SmallVector<SharedBuffer> buffers;
  for (Value root : needed) {
    buffers.push_back(share(root));
    residences[root].host = true;
  }
  Operation *op = ahead.front().op;
  OpBuilder b(op);
  transfers.readBack(b, op->getLoc(), buffers);
}

void SegmentCutter::upload(const Step &step) {
  for (const BufferUse &use : step.uses) {
    Residence &where = residences[use.root];
    if (use.onHost || where.gpu || !where.host)
      continue;
    OpBuilder b(step.op);
    transfers.upload(b, step.op->getLoc(), share(use.root));
    where.gpu = true;
  }
}

void SegmentCutter::update(const Step &step) {
  for (const BufferUse &use : step.uses)
    if (use.writes)
      residences[use.root] = {/*gpu=*/!use.onHost, /*host=*/use.onHost};
}

/// Of an open loop the uses that transfers before it serve: what both sides
/// use comes to the host within it.
SmallVector<Step> SegmentCutter::getSteps(Block &block) {
  SmallVector<Step> found;
  for (Operation &op : block) {
    found.push_back({&op, placement.getUses(&op)});
    if (!isOpenLoop(&op))
      continue;
    llvm::SetVector<Value> shared = placement.getShared(&op);
    llvm::erase_if(found.back().uses, [&](const BufferUse &use) {
      return use.onHost && shared.contains(use.root);
    });
  }
  return found;
}

void SegmentCutter::cut(Block &block) {
  SmallVector<Step> own = getSteps(block);
  for (unsigned i = 0; i < own.size(); ++i) {
    readBack(ArrayRef(own).drop_front(i));
    upload(own[i]);
    update(own[i]);
    if (isOpenLoop(own[i].op))
      cutLoop(cast<scf::WhileOp>(own[i].op));
    else
      steps.push_back(own[i]);
  }
}

/// Each iteration begins with what both sides use on the GPU alone.
void SegmentCutter::cutLoop(scf::WhileOp loop) {
  llvm::SetVector<Value> shared = placement.getShared(loop);
  for (Value root : shared)
    residences[root] = {/*gpu=*/true, /*host=*/false};
  cut(*loop.getBeforeBody());
  llvm::DenseMap<Value, Residence> atExit = residences;
  cut(*loop.getAfterBody());
  OpBuilder b(loop.getAfterBody()->getTerminator());
  for (Value root : shared)
    if (!residences[root].gpu)
      transfers.upload(b, loop.getLoc(), share(root));
  residences = std::move(atExit);
}

/// Lets a view see the host's copy of its buffer.
void SegmentCutter::moveToHost(const BufferUse &use) {
  SmallVector<memref::ViewOp> views;
  Value view = use.operand->get();
  for (; auto op = view.getDefiningOp<memref::ViewOp>(); view = op.getSource())
    views.push_back(op);
  Value moved = transfers.getHostCopy(use.root, elements.lookup(use.root));
  for (memref::ViewOp op : llvm::reverse(views)) {
    OpBuilder b(op);
    moved = b.create<memref::ViewOp>(op.getLoc(), op.getType(), moved,
                                     op.getByteShift(), op.getSizes());
  }
  use.operand->set(moved);
}

static void mark(Operation *op, StringRef reason) {
  op->setAttr(exec::hostAttrName, StringAttr::get(op->getContext(), reason));
}

void SegmentCutter::markDispatch(exec::DispatchOp dispatch) {
  func::FuncOp &kernel = hostKernels[dispatch.getKernel()];
  if (!kernel) {
    ModuleOp module = program->getParentOfType<ModuleOp>();
    kernel = module.lookupSymbol<func::FuncOp>(dispatch.getKernel()).clone();
    kernel->setAttr(exec::hostAttrName, UnitAttr::get(module.getContext()));
    expandPads(kernel);
    SymbolTable(module).insert(kernel);
  }
  dispatch.setKernel(kernel.getName());
  mark(dispatch, placement.getReason(dispatch));
}

/// What computes tensors on the host is told in reports.
void SegmentCutter::markHostWork(const Step &step) {
  for (const BufferUse &use : step.uses) {
    if (!use.onHost)
      continue;
    moveToHost(use);
    if (step.op->getNumRegions() != 0 && use.writes)
      mark(step.op, "it writes a tensor element by element");
  }
  step.op->walk([&](Operation *op) {
    auto dispatch = dyn_cast<exec::DispatchOp>(op);
    if (dispatch && placement.isOnHost(dispatch))
      markDispatch(dispatch);
    else if (auto call = dyn_cast<exec::CallExternOp>(op))
      mark(op, call.getFunction().starts_with(exec::libraryPrefix)
                   ? "the runtime has code for the CPU alone"
                   : "it calls a function of the host");
  });
}

LogicalResult SegmentCutter::run() {
  if (failed(checkGpuWork()))
    return failure();
  collect();
  cut(program.getBody().front());
  for (const Step &step : steps)
    markHostWork(step);
  carryValues(program);
  return success();
}
