//===- EvaluateConstants.cpp - Compute what depends on constants ----------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "nncc/Linalg/Passes.h"

#include "mlir/Analysis/TopologicalSortUtils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Pass/PassManager.h"
#include "nncc/Conversion/LinalgToExec/LinalgToExec.h"
#include "nncc/Dialect/Exec/Exec.h"
#include "nncc/Dialect/Exec/Passes.h"
#include "nncc/Dialect/Exec/Weights.h"
#include "nncc/Kernels/Passes.h"
#include "llvm/ADT/SetVector.h"

namespace nncc {

#define GEN_PASS_DEF_EVALUATECONSTANTS
#include "nncc/Linalg/Passes.h.inc"

using namespace mlir;

namespace {

struct EvaluateConstantsPass
    : impl::EvaluateConstantsBase<EvaluateConstantsPass> {
  EvaluateConstantsPass() = default;
  explicit EvaluateConstantsPass(NativeRunner runner)
      : runner(std::move(runner)) {}
  EvaluateConstantsPass(const EvaluateConstantsPass &other)
      : EvaluateConstantsBase(other), runner(other.runner) {}

  void runOnOperation() override;

private:
  void collectConstantOps(func::FuncOp main);
  OwningOpRef<ModuleOp> extract(ArrayRef<Value> roots);
  LogicalResult evaluate(ArrayRef<Value> roots);

  NativeRunner runner;
  SetVector<Operation *> constantOps;
};

} // namespace

/// A loop that data end might not end.
static bool endsForSure(Operation &op) {
  return !op.walk([](scf::WhileOp) {
              return WalkResult::interrupt();
            }).wasInterrupted();
}

/// All values that an op and its regions read from outside.
static void forEachOperand(Operation *op, function_ref<void(Value)> visit) {
  op->walk([&](Operation *inner) {
    for (Value operand : inner->getOperands())
      if (inner == op ||
          !op->isAncestor(operand.getParentBlock()->getParentOp()))
        visit(operand);
  });
}

/// A constant seen in another shape: no work, and no second copy of it.
static bool isViewOfConstant(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (op->hasTrait<OpTrait::ConstantLike>())
      return true;
    if (!isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op))
      return false;
    value = op->getOperand(0);
  }
  return false;
}

/// Whether computing the value now keeps the module small: results that are
/// much larger than what they are made of are made at run time.
static bool isWorthKeeping(Value root) {
  auto type = dyn_cast<RankedTensorType>(root.getType());
  if (!type || !type.hasStaticShape() || type.getNumElements() == 0 ||
      isViewOfConstant(root) ||
      isa<linalg::FillOp, tensor::EmptyOp>(root.getDefiningOp()))
    return false;
  uint64_t available = 65536;
  SmallVector<Operation *> todo = {root.getDefiningOp()};
  DenseSet<Operation *> seen;
  while (!todo.empty()) {
    Operation *op = todo.pop_back_val();
    if (!seen.insert(op).second)
      continue;
    if (op->hasTrait<OpTrait::ConstantLike>())
      if (auto source = dyn_cast<RankedTensorType>(op->getResult(0).getType()))
        available += 4 * exec::getByteSize(source);
    forEachOperand(op, [&](Value operand) {
      if (Operation *producer = operand.getDefiningOp())
        todo.push_back(producer);
    });
  }
  return exec::getByteSize(type) <= available;
}

/// Byte offset in the arena of what the planned program returns.
static FailureOr<int64_t> getArenaOffset(Value output, Value arena) {
  int64_t offset = 0;
  while (output != arena) {
    auto view = output.getDefiningOp<memref::ViewOp>();
    if (!view)
      return failure();
    std::optional<int64_t> shift = getConstantIntValue(view.getByteShift());
    if (!shift)
      return failure();
    offset += *shift;
    output = view.getSource();
  }
  return offset;
}

/// The ops that `roots` are computed by, themselves included.
static SetVector<Operation *> findNeeded(ArrayRef<Value> roots) {
  SetVector<Operation *> needed;
  SmallVector<Operation *> todo;
  for (Value root : roots)
    todo.push_back(root.getDefiningOp());
  while (!todo.empty()) {
    Operation *op = todo.pop_back_val();
    if (!needed.insert(op))
      continue;
    forEachOperand(
        op, [&](Value operand) { todo.push_back(operand.getDefiningOp()); });
  }
  return needed;
}

/// A program of its own, which returns the roots.
OwningOpRef<ModuleOp> EvaluateConstantsPass::extract(ArrayRef<Value> roots) {
  OwningOpRef<ModuleOp> module = ModuleOp::create(getOperation().getLoc());
  OpBuilder b = OpBuilder::atBlockEnd(module->getBody());
  auto main = b.create<func::FuncOp>(
      module->getLoc(), "main",
      b.getFunctionType({}, ValueRange(roots).getTypes()));
  b.setInsertionPointToStart(main.addEntryBlock());
  SetVector<Operation *> needed = findNeeded(roots);
  IRMapping mapping;
  for (Operation *op : constantOps)
    if (needed.contains(op))
      b.clone(*op, mapping);
  SmallVector<Value> results;
  for (Value root : roots)
    results.push_back(mapping.lookup(root));
  b.create<func::ReturnOp>(module->getLoc(), results);
  return module;
}

/// Where the planned program leaves its first `count` results, in bytes behind
/// the start of the arena; it then returns nothing. Without symbols every place
/// is a constant.
static FailureOr<SmallVector<int64_t>> takeOffsets(ModuleOp module,
                                                   size_t count) {
  auto program = module.lookupSymbol<func::FuncOp>(exec::programName);
  Operation *terminator = program.getBody().front().getTerminator();
  SmallVector<int64_t> offsets;
  for (Value output : terminator->getOperands().take_front(count)) {
    FailureOr<int64_t> offset = getArenaOffset(output, program.getArgument(0));
    if (failed(offset))
      return failure();
    offsets.push_back(*offset);
  }
  terminator->eraseOperands(0, terminator->getNumOperands());
  program.setFunctionType(
      FunctionType::get(module.getContext(), program.getArgumentTypes(), {}));
  return offsets;
}

static std::optional<int64_t> getArenaBytes(ModuleOp module) {
  auto function = module.lookupSymbol<func::FuncOp>(exec::arenaBytesName);
  return getConstantIntValue(
      function.getBody().front().getTerminator()->getOperand(0));
}

/// The weights as the program expects them in memory.
static std::vector<char> layOutWeights(ModuleOp module) {
  // Vectors are read beyond the last element.
  constexpr uint64_t slack = 64;
  std::vector<char> block(slack);
  for (const exec::Weight &weight : exec::getWeights(module)) {
    SmallVector<char> storage;
    ArrayRef<char> bytes = exec::getBytes(weight.value, storage);
    block.resize(
        std::max<uint64_t>(block.size(), weight.offset + bytes.size() + slack));
    llvm::copy(bytes, block.begin() + weight.offset);
  }
  return block;
}

static void replaceByConstant(Value root, ArrayRef<char> bytes) {
  auto type = cast<RankedTensorType>(root.getType());
  AsmResourceBlob blob = HeapAsmResourceBlob::allocateAndCopyWithAlign(
      bytes.take_front(exec::getByteSize(type)), 64);
  auto value =
      DenseResourceElementsAttr::get(type, "constant", std::move(blob));
  OpBuilder b(root.getDefiningOp());
  root.replaceAllUsesWith(
      b.create<arith::ConstantOp>(root.getLoc(), type, value));
}

LogicalResult EvaluateConstantsPass::evaluate(ArrayRef<Value> roots) {
  OwningOpRef<ModuleOp> module = extract(roots);
  PassManager pm(&getContext());
  pm.addPass(exec::createLinalgToExec());
  pm.addPass(exec::createPlanMemory());
  pm.addPass(kernels::createGenerateKernels());
  pm.addPass(exec::createCallKernels());
  if (failed(pm.run(*module)))
    return failure();

  FailureOr<SmallVector<int64_t>> offsets = takeOffsets(*module, roots.size());
  std::optional<int64_t> arenaBytes = getArenaBytes(*module);
  if (failed(offsets) || !arenaBytes)
    return getOperation().emitError("constants have no place in memory");
  std::vector<char> arena(*arenaBytes), weights = layOutWeights(*module);
  if (failed(runner(*module, arena.data(), weights.data())))
    return failure();
  for (auto [root, offset] : llvm::zip_equal(roots, *offsets))
    replaceByConstant(root, ArrayRef<char>(arena).drop_front(offset));
  return success();
}

/// Whether an op puts a part into a tensor into which one that is not constant
/// is put later: as a constant, what is not written yet would be one, too.
static bool isPartOfVariable(Operation *op,
                             const SetVector<Operation *> &constantOps) {
  return isa<tensor::InsertSliceOp>(op) &&
         llvm::any_of(op->getUses(), [&](OpOperand &use) {
           auto next = dyn_cast<tensor::InsertSliceOp>(use.getOwner());
           return next && use == next.getDestMutable() &&
                  !constantOps.contains(next);
         });
}

void EvaluateConstantsPass::collectConstantOps(func::FuncOp main) {
  constantOps.clear();
  for (Operation &op : main.getBody().front()) {
    bool isConstant = isMemoryEffectFree(&op) &&
                      !op.hasTrait<OpTrait::IsTerminator>() && endsForSure(op);
    forEachOperand(&op, [&](Value operand) {
      Operation *producer = operand.getDefiningOp();
      isConstant &= producer && constantOps.contains(producer);
    });
    if (isConstant)
      constantOps.insert(&op);
  }
  auto candidates = llvm::to_vector(constantOps);
  for (Operation *op : llvm::reverse(candidates))
    if (isPartOfVariable(op, constantOps))
      constantOps.remove(op);
}

void EvaluateConstantsPass::runOnOperation() {
  auto main = getOperation().lookupSymbol<func::FuncOp>("main");
  if (!main || !runner)
    return;
  collectConstantOps(main);
  SetVector<Value> roots;
  for (Operation *op : constantOps)
    for (Value result : op->getResults())
      for (Operation *user : result.getUsers()) {
        Operation *top = main.getBody().front().findAncestorOpInBlock(*user);
        if (!constantOps.contains(top) &&
            !op->hasTrait<OpTrait::ConstantLike>() && isWorthKeeping(result))
          roots.insert(result);
      }
  if (roots.empty())
    return;
  if (failed(evaluate(roots.getArrayRef())))
    return signalPassFailure();
  for (Operation *op : llvm::reverse(constantOps))
    if (isOpTriviallyDead(op))
      op->erase();
}

std::unique_ptr<Pass> createEvaluateConstants(NativeRunner runner) {
  return std::make_unique<EvaluateConstantsPass>(std::move(runner));
}

} // namespace nncc
