//===- MergeRows.cpp - Join dispatches that work on the same rows ---------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "nncc/Dialect/Exec/Exec.h"
#include "nncc/Dialect/NN/Symbols.h"
#include "nncc/Kernels/JoinDispatches.h"
#include "nncc/Kernels/Passes.h"
#include "nncc/Kernels/Rows.h"

namespace nncc::kernels {

#define GEN_PASS_DEF_MERGEROWS
#include "nncc/Kernels/Passes.h.inc"

} // namespace nncc::kernels

using namespace mlir;
using namespace nncc;
using namespace nncc::kernels;

namespace {

/// Dispatches that can become one. It starts with a reduction.
class Group {
public:
  Group(unsigned maxBuffers, bool asLoop, int64_t maxElements)
      : maxBuffers(maxBuffers), asLoop(asLoop) {
    operands.maxElements = maxElements;
  }

  /// Adds a dispatch of `kernel` if it works on the group's rows.
  bool add(exec::DispatchOp dispatch, func::FuncOp kernel);

  SmallVector<exec::DispatchOp> dispatches;
  JoinedOperands operands;

private:
  struct Use {
    Value buffer, memory;
    AffineExpr stride, offset;
    bool writes;
  };

  std::optional<SmallVector<Use>> getUses(exec::DispatchOp dispatch,
                                          func::FuncOp kernel,
                                          const LoopNest &nest,
                                          const RowSplit &split);
  bool isCompatible(const Use &use) const;
  bool reads(const Use &use) const;

  bool addOperands(exec::DispatchOp dispatch);

  unsigned maxBuffers;
  bool asLoop;
  AffineExpr count;
  SmallVector<Use> uses;
};

struct MergeRowsPass : kernels::impl::MergeRowsBase<MergeRowsPass> {
  using MergeRowsBase::MergeRowsBase;
  void runOnOperation() override;

private:
  void mergeIn(Block &block, DispatchJoiner &joiner);
};

} // namespace

/// What an operand is a view of.
static Value getMemory(Value operand) {
  while (auto view = operand.getDefiningOp<memref::ViewOp>())
    operand = view.getSource();
  return operand;
}

/// Buffers and the program's symbols can be handed on to a part.
static bool canHandOn(exec::DispatchOp dispatch) {
  auto program = dispatch->getParentOfType<func::FuncOp>();
  return llvm::all_of(dispatch.getArguments(), [&](Value argument) {
    if (isa<MemRefType>(argument.getType()))
      return true;
    auto symbol = dyn_cast<BlockArgument>(argument);
    return symbol && symbol.getOwner() == &program.getBody().front() &&
           exec::getSymbolArgument(program, symbol);
  });
}

/// Whether a body reads more than its operands: elements it looks up.
static bool looksUp(const LoopNest &nest) {
  bool found = false;
  auto search = [&](linalg::GenericOp op) {
    op.getBody()->walk([&](memref::LoadOp) { found = true; });
  };
  search(nest.main.op);
  if (nest.epilogue)
    search(nest.epilogue->op);
  return found;
}

/// Whether a reduction reads its own row or what is the same for all. Products
/// of matrices do not.
static bool readsOwnRows(const LoopNest &nest, const RowSplit &split) {
  return llvm::all_of(nest.main.inputs, [&](const Access &access) {
    bool same = llvm::all_of(split.rows,
                             [&](unsigned dim) { return access.isZero(dim); });
    return same || getRowStride(nest, split, access);
  });
}

std::optional<SmallVector<Group::Use>> Group::getUses(exec::DispatchOp dispatch,
                                                      func::FuncOp kernel,
                                                      const LoopNest &nest,
                                                      const RowSplit &split) {
  SmallVector<Use> result;
  auto visit = [&](const Access &access, bool writes) {
    if (!access.buffer)
      return true;
    auto argument = dyn_cast<BlockArgument>(access.buffer);
    if (!argument || argument.getOwner() != &kernel.getBody().front())
      return false;
    Value operand = dispatch.getArguments()[argument.getArgNumber()];
    result.push_back({getRoot(operand), getMemory(operand),
                      getRowStride(nest, split, access), access.offset,
                      writes});
    return true;
  };
  bool known = true;
  for (const Stage *stage :
       {&nest.main, nest.epilogue ? &*nest.epilogue : nullptr}) {
    if (!stage)
      continue;
    for (const Access &access : stage->inputs)
      known &= visit(access, false);
    for (const Access &access : stage->outputs)
      known &= visit(access, true);
  }
  return known ? std::optional(result) : std::nullopt;
}

/// A buffer that the group writes is used row by row everywhere.
bool Group::isCompatible(const Use &use) const {
  return llvm::all_of(uses, [&](const Use &other) {
    if (other.memory != use.memory || (!other.writes && !use.writes))
      return true;
    return other.buffer == use.buffer && use.stride && other.stride &&
           nn::getDifference(use.stride, other.stride) == 0 &&
           nn::getDifference(use.offset, other.offset) == 0;
  });
}

/// Whether the group has written what this reads.
bool Group::reads(const Use &use) const {
  return !use.writes && llvm::any_of(uses, [&](const Use &other) {
    return other.writes && other.buffer == use.buffer;
  });
}

/// Adds the operands to the group's, if there is room.
bool Group::addOperands(exec::DispatchOp dispatch) {
  JoinedOperands all = operands;
  if (!all.add(dispatch) ||
      (maxBuffers != 0 && all.buffers.size() > maxBuffers))
    return false;
  operands = std::move(all);
  return true;
}

bool Group::add(exec::DispatchOp dispatch, func::FuncOp kernel) {
  if (!canHandOn(dispatch))
    return false;
  FailureOr<LoopNest> nest = buildLoopNest(kernel);
  if (failed(nest) || looksUp(*nest))
    return false;
  std::optional<RowSplit> split =
      count ? splitRows(*nest, count) : getReducedRows(*nest);
  if (!split)
    return false;
  if (split->reduces && !readsOwnRows(*nest, *split))
    return false;
  LoopNest collapsed = *nest;
  if (asLoop && !collapseRows(collapsed, *split))
    return false;
  auto added = getUses(dispatch, kernel, *nest, *split);
  if (!added || !llvm::all_of(*added, [&](const Use &use) {
        return isCompatible(use) && (!use.writes || use.stride);
      }))
    return false;
  // What has nothing to do with the group's rows gains nothing from the cache.
  if (asLoop && count &&
      llvm::none_of(*added, [&](const Use &use) { return reads(use); }))
    return false;
  if (!addOperands(dispatch))
    return false;
  if (!count)
    count = getCount(*nest, split->rows, kernel.getContext());
  uses.append(*added);
  dispatches.push_back(dispatch);
  return true;
}

void MergeRowsPass::mergeIn(Block &block, DispatchJoiner &joiner) {
  Group group(maxBuffers, asLoop, maxElements);
  auto finish = [&] {
    if (group.dispatches.size() > 1)
      joiner.join(group.dispatches, group.operands, "+rows");
    group = Group(maxBuffers, asLoop, maxElements);
  };
  for (Operation &op : llvm::make_early_inc_range(block)) {
    auto dispatch = dyn_cast<exec::DispatchOp>(op);
    if (!dispatch || dispatch->hasAttr(exec::hostAttrName)) {
      for (Region &region : op.getRegions())
        for (Block &inner : region)
          mergeIn(inner, joiner);
      if (!isMemoryEffectFree(&op) && !isa<exec::AllocOp>(op))
        finish();
      continue;
    }
    auto kernel =
        getOperation().lookupSymbol<func::FuncOp>(dispatch.getKernel());
    if (group.add(dispatch, kernel))
      continue;
    finish();
    group.add(dispatch, kernel);
  }
  finish();
}

void MergeRowsPass::runOnOperation() {
  if (auto program =
          getOperation().lookupSymbol<func::FuncOp>(exec::programName)) {
    DispatchJoiner joiner(getOperation());
    mergeIn(program.getBody().front(), joiner);
  }
}
