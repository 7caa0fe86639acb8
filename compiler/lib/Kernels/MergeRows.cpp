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
#include "nncc/Kernels/Passes.h"
#include "nncc/Kernels/Rows.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

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
  Group(unsigned maxBuffers, bool asLoop)
      : maxBuffers(maxBuffers), asLoop(asLoop) {}

  /// Adds a dispatch of `kernel` if it works on the group's rows.
  bool add(exec::DispatchOp dispatch, func::FuncOp kernel);

  SmallVector<exec::DispatchOp> dispatches;
  /// From a buffer to its first view among the operands.
  llvm::MapVector<Value, Value> buffers;
  llvm::SetVector<Value> symbols;

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

  bool addBuffers(exec::DispatchOp dispatch);

  unsigned maxBuffers;
  bool asLoop;
  AffineExpr count;
  SmallVector<Use> uses;
};

struct MergeRowsPass : kernels::impl::MergeRowsBase<MergeRowsPass> {
  using MergeRowsBase::MergeRowsBase;
  void runOnOperation() override;

private:
  void mergeIn(Block &block);
  void merge(const Group &group);
  func::FuncOp outline(const Group &group);

  llvm::StringMap<func::FuncOp> merged;
};

} // namespace

/// The buffer that an operand is a view of, from its beginning.
static Value getRoot(Value operand) {
  while (auto view = operand.getDefiningOp<memref::ViewOp>()) {
    if (!matchPattern(view.getByteShift(), m_Zero()))
      return operand;
    operand = view.getSource();
  }
  return operand;
}

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
bool Group::addBuffers(exec::DispatchOp dispatch) {
  llvm::MapVector<Value, Value> all = buffers;
  for (Value argument : dispatch.getArguments()) {
    if (!isa<MemRefType>(argument.getType()))
      continue;
    auto [entry, added] = all.insert({getRoot(argument), argument});
    if (entry->second.getType() != argument.getType())
      return false;
  }
  if (maxBuffers != 0 && all.size() > maxBuffers)
    return false;
  buffers = std::move(all);
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
  if (!addBuffers(dispatch))
    return false;
  if (!count)
    count = getCount(*nest, split->rows, kernel.getContext());
  for (Value argument : dispatch.getArguments())
    if (argument.getType().isIndex())
      symbols.insert(argument);
  uses.append(*added);
  dispatches.push_back(dispatch);
  return true;
}

/// A kernel that calls the kernels of the group.
func::FuncOp MergeRowsPass::outline(const Group &group) {
  exec::DispatchOp last = group.dispatches.back();
  auto program = last->getParentOfType<func::FuncOp>();
  SmallVector<Type> types;
  for (auto [root, view] : group.buffers)
    types.push_back(view.getType());
  OpBuilder b(&getContext());
  types.append(group.symbols.size() + 2, b.getIndexType());
  auto kernel =
      func::FuncOp::create(last.getLoc(), "rows", b.getFunctionType(types, {}));
  Block *body = kernel.addEntryBlock();
  b.setInsertionPointToStart(body);
  IRMapping inside;
  unsigned next = 0;
  for (auto [root, view] : group.buffers)
    inside.map(root, body->getArgument(next++));
  for (Value symbol : group.symbols)
    inside.map(symbol, body->getArgument(next++));
  for (Value symbol : group.symbols)
    kernel.setArgAttr(cast<BlockArgument>(inside.lookup(symbol)).getArgNumber(),
                      exec::symbolAttrName,
                      b.getI64IntegerAttr(*exec::getSymbolArgument(
                          program, cast<BlockArgument>(symbol))));
  for (exec::DispatchOp dispatch : group.dispatches) {
    auto part = program->getParentOfType<ModuleOp>().lookupSymbol<func::FuncOp>(
        dispatch.getKernel());
    SmallVector<Value> operands;
    for (auto [i, argument] : llvm::enumerate(dispatch.getArguments())) {
      operands.push_back(inside.lookup(getRoot(argument)));
      unsigned number = cast<BlockArgument>(operands.back()).getArgNumber();
      if (isa<MemRefType>(argument.getType()))
        kernel.setArgAttrs(number, part.getArgAttrDict(i));
    }
    operands.append({body->getArgument(types.size() - 2),
                     body->getArgument(types.size() - 1)});
    b.create<func::CallOp>(dispatch.getLoc(), dispatch.getKernel(), TypeRange(),
                           operands);
  }
  b.create<func::ReturnOp>(last.getLoc());
  return kernel;
}

/// What the parts say about themselves, as one.
static DictionaryAttr joinInfos(ModuleOp module, const Group &group) {
  Builder b(module.getContext());
  SmallVector<Attribute> nodes, shapes;
  AffineExpr flops = b.getAffineConstantExpr(0), bytes = flops;
  unsigned numSymbols = 0;
  for (exec::DispatchOp dispatch : group.dispatches) {
    auto kernel = module.lookupSymbol<func::FuncOp>(dispatch.getKernel());
    auto info = kernel->getAttrOfType<DictionaryAttr>(exec::kernelAttrName);
    auto append = [&](StringRef name, SmallVectorImpl<Attribute> &to) {
      if (auto list = info.getAs<ArrayAttr>(name))
        for (Attribute entry : list)
          if (!llvm::is_contained(to, entry))
            to.push_back(entry);
    };
    append("nodes", nodes);
    append("shapes", shapes);
    auto count = [&](StringRef name, AffineExpr &sum) {
      auto map = info.getAs<AffineMapAttr>(name);
      if (!map)
        return;
      sum = sum + map.getValue().getResult(0);
      numSymbols = std::max(numSymbols, map.getValue().getNumSymbols());
    };
    count("flops", flops);
    count("bytes", bytes);
  }
  auto map = [&](AffineExpr expr) {
    return AffineMapAttr::get(AffineMap::get(0, numSymbols, expr));
  };
  return b.getDictionaryAttr(
      {b.getNamedAttr("bytes", map(bytes)), b.getNamedAttr("flops", map(flops)),
       b.getNamedAttr("nodes", b.getArrayAttr(nodes)),
       b.getNamedAttr("shapes", b.getArrayAttr(shapes))});
}

void MergeRowsPass::merge(const Group &group) {
  if (group.dispatches.size() < 2)
    return;
  ModuleOp module = getOperation();
  func::FuncOp kernel = outline(group);
  std::string text;
  llvm::raw_string_ostream(text) << *kernel.getOperation();
  auto [entry, added] = merged.try_emplace(text, kernel);
  exec::DispatchOp first = group.dispatches.front();
  if (added) {
    kernel->setAttr(exec::kernelAttrName, joinInfos(module, group));
    kernel.setName((first.getKernel() + "+rows").str());
    kernel.setPrivate();
    SymbolTable(module).insert(kernel);
  } else {
    kernel.erase();
  }
  exec::DispatchOp last = group.dispatches.back();
  OpBuilder b(last);
  SmallVector<Value> operands;
  for (auto [root, view] : group.buffers)
    operands.push_back(view);
  operands.append(group.symbols.begin(), group.symbols.end());
  auto dispatch = b.create<exec::DispatchOp>(
      last.getLoc(), entry->second.getName(), first.getGrid(), operands);
  dispatch->setDiscardableAttrs(last->getDiscardableAttrDictionary());
  for (exec::DispatchOp old : group.dispatches)
    old.erase();
}

void MergeRowsPass::mergeIn(Block &block) {
  Group group(maxBuffers, asLoop);
  auto finish = [&] {
    merge(group);
    group = Group(maxBuffers, asLoop);
  };
  for (Operation &op : llvm::make_early_inc_range(block)) {
    auto dispatch = dyn_cast<exec::DispatchOp>(op);
    if (!dispatch || dispatch->hasAttr(exec::hostAttrName)) {
      for (Region &region : op.getRegions())
        for (Block &inner : region)
          mergeIn(inner);
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
          getOperation().lookupSymbol<func::FuncOp>(exec::programName))
    mergeIn(program.getBody().front());
  merged.clear();
}
