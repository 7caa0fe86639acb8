//===- RowPlan.cpp - Where rows lie while they are computed --------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/webgpu/RowPlan.h"

#include "nncc/Dialect/NN/Symbols.h"
#include "targets/webgpu/Schedule.h"

using namespace mlir;
using namespace nncc::kernels;

namespace nncc::webgpu {

/// A workgroup has at least and at most so many threads.
static constexpr int64_t fewThreads = 64, manyThreads = 256;
/// Elements, or vectors, of a row that a thread has while more threads could
/// share it, and those that it has registers for.
static constexpr int64_t enoughOwn = 4, maxOwn = 8;

static bool isEqual(AffineExpr a, AffineExpr b) {
  return nn::getDifference(a, b) == 0;
}

static bool isZero(AffineExpr expr) { return nn::getConstantValue(expr) == 0; }

bool RowPart::hasColumns() const { return !nn::isOne(length); }

//===----------------------------------------------------------------------===//
// Shape
//===----------------------------------------------------------------------===//

/// Joins what can be joined, so that rows and columns are one dimension each if
/// they are equally far apart.
static void collapse(RowPart &part) {
  collapseRows(part.nest, part.split);
  part.split.rows.clear();
  part.split.columns.clear();
  for (auto [i, dim] : llvm::enumerate(part.nest.dims))
    (dim.isRow ? part.split.rows : part.split.columns).push_back(i);
}

/// Whether the elements of a row are whole vectors in all operands.
bool RowPlan::isWide(const RowPart &part) const {
  if (!part.hasColumns())
    return true;
  if (!isPlain(part.nest.main) || !isEqual(part.length, length))
    return false;
  unsigned inner = part.split.columns.back();
  auto fits = [&](const Access &access) {
    return access.isZero(inner) || webgpu::isWide(part.nest, access, inner);
  };
  return part.nest.dims[inner].size.isMultipleOf(lanes) &&
         llvm::all_of(part.nest.main.inputs, fits) &&
         (part.split.reduces || llvm::all_of(part.nest.main.outputs, fits));
}

void RowPlan::chooseShape() {
  bool isVector =
      llvm::all_of(parts, [&](const RowPart &part) { return isWide(part); });
  shape.lanes = isVector ? lanes : 1;
  std::optional<int64_t> number = nn::getConstantValue(length);
  if (!number)
    return;
  int64_t units = *number / shape.lanes;
  shape.threads = std::min<int64_t>(llvm::PowerOf2Ceil(units), fewThreads);
  while (shape.threads < manyThreads && units > enoughOwn * shape.threads)
    shape.threads *= 2;
  shape.rows = std::max<int64_t>(fewThreads / shape.threads, 1);
  int64_t own = llvm::divideCeil(units, shape.threads);
  shape.own = own <= maxOwn ? own : 0;
}

int64_t RowPlan::getOwn(const RowPart &part) const {
  if (!part.hasColumns())
    return 1;
  return isEqual(part.length, length) ? shape.own : 0;
}

//===----------------------------------------------------------------------===//
// Registers
//===----------------------------------------------------------------------===//

/// The distance between the elements of an access along dimensions that it
/// walks as one; null where it does not.
static AffineExpr getStride(const LoopNest &nest, ArrayRef<unsigned> dims,
                            const Access &access) {
  AffineExpr stride, expected;
  for (unsigned dim : llvm::reverse(dims)) {
    AffineExpr size = nest.dims[dim].size, coef = access.coefs[dim];
    if (nn::isOne(size))
      continue;
    if (stride && !isEqual(coef, expected))
      return AffineExpr();
    if (!stride)
      stride = coef;
    expected = coef * size;
  }
  return stride ? stride : getAffineConstantExpr(0, access.offset.getContext());
}

std::optional<RowPlan::Place> RowPlan::getPlace(const RowPart &part,
                                                const Access &access) const {
  if (!access.terms.empty() || !access.guards.empty())
    return std::nullopt;
  Place place{getStride(part.nest, part.split.rows, access),
              getStride(part.nest, part.split.columns, access), access.offset};
  if (!place.row || !place.column ||
      (!isZero(place.column) && !isEqual(part.length, length)))
    return std::nullopt;
  return place;
}

bool RowPlan::isSame(const std::optional<Place> &a,
                     const std::optional<Place> &b) {
  return a && b && isEqual(a->row, b->row) && isEqual(a->column, b->column) &&
         isEqual(a->offset, b->offset);
}

bool RowPlan::isHeld(const std::optional<Place> &place) const {
  return place && (shape.own > 0 || isZero(place->column));
}

/// Whether other threads may have written or read the same element.
bool RowPlan::conflicts(const Use &use) const {
  return llvm::any_of(touched, [&](const Use &other) {
    return other.buffer == use.buffer && (other.writes || use.writes) &&
           !isSame(other.place, use.place);
  });
}

void RowPlan::addInput(RowPart &part, const Access &access) {
  if (!access.buffer)
    return;
  Use use{part.buffers.lookupOrDefault(access.buffer), getPlace(part, access),
          &access, /*writes=*/false};
  if (use.place && isZero(use.place->column))
    rowValues.insert(&access);
  for (const Use &known : held)
    if (known.buffer == use.buffer && isSame(known.place, use.place)) {
      holders[&access] = known.access;
      return;
    }
  loaded.insert(use.buffer);
  part.waits |= conflicts(use);
  current.push_back(use);
  if (!isHeld(use.place))
    return;
  holders[&access] = &access;
  held.push_back(use);
}

void RowPlan::addOutput(RowPart &part, const Access &access) {
  if (!access.buffer)
    return;
  Use use{part.buffers.lookupOrDefault(access.buffer), getPlace(part, access),
          &access, /*writes=*/true};
  // Not one number for a row that several threads write.
  if (use.place && isZero(use.place->column) && part.hasColumns() &&
      !part.split.reduces)
    use.place = std::nullopt;
  part.waits |= conflicts(use);
  current.push_back(use);
  llvm::erase_if(held,
                 [&](const Use &old) { return old.buffer == use.buffer; });
  if (isHeld(use.place))
    held.push_back(use);
}

void RowPlan::addPart(RowPart &part) {
  const Stage *epilogue = part.nest.epilogue ? &*part.nest.epilogue : nullptr;
  current.clear();
  for (const Stage *stage : {&std::as_const(part.nest.main), epilogue})
    for (const Access &access : stage ? ArrayRef(stage->inputs) : std::nullopt)
      addInput(part, access);
  for (const Stage *stage : {&std::as_const(part.nest.main), epilogue})
    for (const Access &access : stage ? ArrayRef(stage->outputs) : std::nullopt)
      addOutput(part, access);
  if (part.waits)
    touched.clear();
  touched.append(current);
}

RowPlan::RowPlan(std::vector<RowPart> all) : parts(std::move(all)) {
  for (RowPart &part : parts) {
    collapse(part);
    linalg::GenericOp op = part.nest.main.op;
    part.length = getCount(part.nest, part.split.columns, op.getContext());
    if (!length || part.hasColumns())
      length = part.length;
  }
  chooseShape();
  for (RowPart &part : parts)
    addPart(part);
}

FailureOr<RowPlan> planRows(func::FuncOp kernel) {
  auto module = kernel->getParentOfType<ModuleOp>();
  std::vector<RowPart> parts;
  AffineExpr count;
  for (auto call : kernel.getOps<func::CallOp>()) {
    auto callee = module.lookupSymbol<func::FuncOp>(call.getCallee());
    FailureOr<LoopNest> nest = buildLoopNest(callee);
    if (failed(nest))
      return failure();
    std::optional<RowSplit> split =
        count ? splitRows(*nest, count) : getReducedRows(*nest);
    if (!split)
      return callee.emitError("does not work row by row");
    if (!count)
      count = getCount(*nest, split->rows, kernel.getContext());
    parts.push_back({*nest, *split, {}, {}});
    parts.back().buffers.map(callee.getArguments(), call.getOperands());
  }
  return RowPlan(std::move(parts));
}

} // namespace nncc::webgpu
