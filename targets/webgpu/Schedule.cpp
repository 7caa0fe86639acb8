//===- Schedule.cpp - How a kernel is shared among threads ---------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/webgpu/Schedule.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"
#include "nncc/Kernels/Schedule.h"

using namespace mlir;
using namespace nncc::kernels;

namespace nncc::webgpu {

/// Blocks of a product, largest first. A product takes the first that leaves
/// `groups` workgroups, which are enough to fill a GPU. Each copies its
/// operands in whole rounds of its threads. After the notes on GEMM of public
/// systems: 4x4 a thread is good everywhere, 8x8 where there is enough work.
/// The depths keep the memory of a workgroup small, which is zeroed at entry,
/// and what a thread loads ahead.
static constexpr struct {
  BlockTile tile;
  int64_t groups;
} blockTiles[] = {
    {{16, 16, 8, 2, 8}, 256}, {{8, 8, 8, 2, 8}, 256}, {{8, 8, 4, 1, 16}, 1}};
/// For products of few rows.
static constexpr BlockTile flatTile = {8, 8, 1, 1, 32};
/// For products of few blocks and long sums.
static constexpr BlockTile splitTile = {4, 8, 1, 1, 16, 4};
/// Fewer workgroups leave most of a GPU idle.
static constexpr int64_t minBlocks = 64;
/// Shorter sums are not split.
static constexpr int64_t minSplit = 512;
/// For products of fewer rows than this, workgroups share the reduction.
static constexpr int64_t maxSharedRows = 4;
/// Shorter reductions are not shared.
static constexpr int64_t minShared = 64;
/// Threads that a GPU needs to hide its latencies.
static constexpr int64_t enoughThreads = 2048;
/// Workgroup memory for partial results, in vectors: 8 KiB.
static constexpr int64_t maxPartials = 512;

static std::optional<int64_t> getStatic(AffineExpr expr) {
  auto number = dyn_cast<AffineConstantExpr>(expr);
  return number ? std::optional(number.getValue()) : std::nullopt;
}

bool isAligned(const Access &access, unsigned dim) {
  if (!access.isUnit(dim) && access.panelWidth(dim) % lanes != 0)
    return false;
  if (!access.isUnit(dim) && !access.panelWidth(dim))
    return false;
  if (!access.offset.isMultipleOf(lanes))
    return false;
  for (auto [i, coef] : llvm::enumerate(access.coefs))
    if (i != dim && !coef.isMultipleOf(lanes))
      return false;
  return llvm::all_of(access.terms, [&](const NonLinearTerm &term) {
    bool isOfPanel = access.panelWidth(dim) && term.expr.isFunctionOfDim(dim) &&
                     term.expr.getKind() == AffineExprKind::Mod;
    return isOfPanel || term.coef.isMultipleOf(lanes);
  });
}

bool isWide(const LoopNest &nest, const Access &access, unsigned dim) {
  return nest.dims[dim].size.isMultipleOf(lanes) && isAligned(access, dim);
}

bool isPlain(const Stage &stage) {
  linalg::GenericOp op = stage.op;
  return llvm::none_of(*op.getBody(), [](Operation &inner) {
    return isa<memref::LoadOp, linalg::IndexOp>(inner);
  });
}

/// The stage whose results are the kernel's.
static const Stage &getLast(const LoopNest &nest) {
  return nest.epilogue ? *nest.epilogue : nest.main;
}

std::optional<unsigned> getVectorDim(const LoopNest &nest) {
  if (!isPlain(nest.main) || !isPlain(getLast(nest)))
    return std::nullopt;
  for (unsigned dim = nest.dims.size(); dim-- > 0;)
    if (!nest.dims[dim].isReduction &&
        llvm::all_of(getLast(nest).outputs, [&](const Access &output) {
          return isWide(nest, output, dim);
        }))
      return dim;
  return std::nullopt;
}

/// Whether threads that share a reduction may all start from its first value.
static bool canShare(const Stage &stage) {
  Value element;
  SmallVector<Operation *> combiner = getCombiner(stage.op, element);
  if (combiner.empty() || !stage.inits.front())
    return false;
  Attribute init = stage.inits.front();
  if (isa<arith::AddFOp, arith::AddIOp>(combiner.back()))
    return matchPattern(init, m_AnyZeroFloat()) || matchPattern(init, m_Zero());
  if (isa<arith::MulFOp, arith::MulIOp>(combiner.back()))
    return matchPattern(init, m_OneFloat()) || matchPattern(init, m_One());
  return true; // maxima, minima and logic
}

namespace {

class Scheduler {
public:
  explicit Scheduler(const LoopNest &nest);
  Schedule choose();

private:
  bool matchProduct();
  void setProductDims();
  void chooseProduct();
  std::optional<int64_t> countBlocks(const BlockTile &tile) const;
  void chooseSharedProduct(int64_t rows);
  bool chooseRows();
  void shareAmong(AffineExpr length);
  void chooseThreads();
  void chooseRowDim();
  AffineExpr getSize(ArrayRef<unsigned> dims) const;

  const LoopNest &nest;
  SmallVector<unsigned> parallels;
  Schedule schedule;
};

} // namespace

/// How many accesses are contiguous along a dimension.
static int64_t countUnits(const LoopNest &nest, unsigned dim) {
  return llvm::count_if(nest.accesses(), [&](const Access *access) {
    return access->isUnit(dim);
  });
}

Scheduler::Scheduler(const LoopNest &nest) : nest(nest) {
  for (auto [i, dim] : llvm::enumerate(nest.dims))
    (dim.isReduction ? schedule.reductions : parallels).push_back(i);
  // Neighbouring threads touch neighbouring elements.
  auto fewerUnits = [&](unsigned a, unsigned b) {
    return countUnits(nest, a) < countUnits(nest, b);
  };
  llvm::stable_sort(parallels, fewerUnits);
}

AffineExpr Scheduler::getSize(ArrayRef<unsigned> dims) const {
  AffineExpr size = getAffineConstantExpr(
      1, getLast(nest).outputs.front().offset.getContext());
  for (unsigned dim : dims)
    size = size * nest.dims[dim].size;
  return size;
}

//===----------------------------------------------------------------------===//
// Products of matrices
//===----------------------------------------------------------------------===//

bool isSumOfProducts(linalg::GenericOp op) {
  Block *body = op.getBody();
  if (op.getNumDpsInputs() != 2 || body->getOperations().size() != 3)
    return false;
  auto product = dyn_cast<arith::MulFOp>(body->front());
  auto sum = dyn_cast<arith::AddFOp>(*std::next(body->begin()));
  if (!product || !sum || sum.getType().isF64())
    return false;
  Value x = body->getArgument(0), y = body->getArgument(1);
  Value accumulator = body->getArgument(2);
  auto isOf = [](Operation *inner, Value a, Value b) {
    return (inner->getOperand(0) == a && inner->getOperand(1) == b) ||
           (inner->getOperand(0) == b && inner->getOperand(1) == a);
  };
  return isOf(product, x, y) && isOf(sum, product, accumulator) &&
         body->getTerminator()->getOperand(0) == sum;
}

bool Scheduler::matchProduct() {
  if (!nest.main.inits.front() || !isSumOfProducts(nest.main.op) ||
      getLast(nest).outputs.size() != 1 || schedule.reductions.empty())
    return false;
  const Access &x = nest.main.inputs[0], &y = nest.main.inputs[1];
  for (unsigned dim : parallels)
    if (getLast(nest).outputs[0].isUnit(dim) &&
        x.isZero(dim) != y.isZero(dim)) {
      Product &product = schedule.product;
      product.n = dim;
      product.a = x.isZero(dim) ? 0 : 1;
      product.b = 1 - product.a;
      setProductDims();
      return !product.m.empty() || product.batch.empty();
    }
  return false;
}

void Scheduler::setProductDims() {
  Product &product = schedule.product;
  const Access &a = nest.main.inputs[product.a];
  const Access &b = nest.main.inputs[product.b];
  for (auto [i, dim] : llvm::enumerate(nest.dims)) {
    if (dim.isReduction || i == product.n)
      continue;
    bool isRow = !a.isZero(i) && b.isZero(i);
    (isRow ? product.m : product.batch).push_back(i);
  }
  product.k = schedule.reductions;
  llvm::stable_sort(product.k, [&](unsigned x, unsigned y) {
    return a.isUnit(x) < a.isUnit(y);
  });
}

void Scheduler::chooseSharedProduct(int64_t rows) {
  const Product &product = schedule.product;
  const Access &b = nest.main.inputs[product.b];
  schedule.kind = Schedule::Kind::Rows;
  schedule.reductions = product.k;
  ThreadTile &tile = schedule.tile;
  tile.order = parallels;
  tile.vectorDim = getVectorDim(nest);
  if (tile.vectorDim && isWide(nest, b, *tile.vectorDim) &&
      nest.dims[*tile.vectorDim].size.isMultipleOf(2 * lanes))
    tile.vectors = 2;
  if (rows > 1) {
    tile.rowDim = product.m.front();
    tile.rows = rows;
  }
  shareAmong(getSize(product.k));
}

std::optional<int64_t> Scheduler::countBlocks(const BlockTile &tile) const {
  const Product &product = schedule.product;
  return getStatic(getSize(product.batch) *
                   getSize(product.m).ceilDiv(tile.blockRows()) *
                   nest.dims[product.n].size.ceilDiv(tile.blockColumns()));
}

void Scheduler::chooseProduct() {
  const Product &product = schedule.product;
  std::optional<int64_t> rows = getStatic(getSize(product.m));
  std::optional<int64_t> columns = getStatic(nest.dims[product.n].size);
  std::optional<int64_t> depth = getStatic(getSize(product.k));
  if (rows && *rows <= maxSharedRows && product.m.size() <= 1 &&
      (!depth || *depth >= minShared))
    return chooseSharedProduct(*rows);
  if ((columns && *columns < 2 * lanes) || (depth && *depth < 2 * lanes))
    return chooseThreads();
  schedule.kind = Schedule::Kind::Blocks;
  schedule.block = flatTile;
  if (!rows || *rows > flatTile.blockRows())
    for (const auto &[tile, groups] : blockTiles) {
      schedule.block = tile;
      std::optional<int64_t> count = countBlocks(tile);
      if (count && *count >= groups)
        break;
    }
  std::optional<int64_t> count = countBlocks(schedule.block);
  if (count && *count < minBlocks && depth && *depth >= minSplit &&
      canShare(nest.main))
    schedule.block = splitTile;
  schedule.workgroupSize =
      schedule.block.sliceThreads() * schedule.block.slices;
}

//===----------------------------------------------------------------------===//
// Shared reductions
//===----------------------------------------------------------------------===//

/// Sets the number of threads that share a reduction of `length` steps.
void Scheduler::shareAmong(AffineExpr length) {
  int64_t steps = getStatic(length).value_or(1024);
  int64_t points = schedule.tile.rows * schedule.tile.vectors;
  while (schedule.workgroupSize < 256 && schedule.workgroupSize * 8 <= steps &&
         schedule.workgroupSize * 2 * points <= maxPartials)
    schedule.workgroupSize *= 2;
}

/// Rows of neighbours, and sums of few results, are shared by a workgroup.
bool Scheduler::chooseRows() {
  SmallVector<unsigned> &reductions = schedule.reductions;
  std::optional<int64_t> length = getStatic(getSize(reductions));
  if (reductions.empty() || nest.main.outputs.size() != 1 ||
      (length && *length < minShared) || !canShare(nest.main))
    return false;
  llvm::stable_sort(reductions, [&](unsigned a, unsigned b) {
    return countUnits(nest, a) < countUnits(nest, b);
  });
  unsigned inner = reductions.back();
  ThreadTile &tile = schedule.tile;
  bool isContiguous = countUnits(nest, inner) > 0;
  auto isWideOrZero = [&](const Access &input) {
    return input.isZero(inner) || isWide(nest, input, inner);
  };
  if (isContiguous && isPlain(nest.main) &&
      llvm::all_of(nest.main.inputs, isWideOrZero)) {
    tile.vectorDim = inner;
  } else if (!isContiguous) {
    tile.vectorDim = getVectorDim(nest);
    std::optional<int64_t> results = getStatic(getSize(parallels));
    if (!tile.vectorDim || !results || *results >= lanes * enoughThreads)
      return false;
    if (nest.dims[*tile.vectorDim].size.isMultipleOf(2 * lanes))
      tile.vectors = 2;
  }
  schedule.kind = Schedule::Kind::Rows;
  tile.order = parallels;
  shareAmong(isContiguous && tile.vectorDim
                 ? getSize(reductions).floorDiv(lanes)
                 : getSize(reductions));
  return true;
}

//===----------------------------------------------------------------------===//
// A thread a tile
//===----------------------------------------------------------------------===//

/// Rows of a thread: what is read across a transpose, or read again.
void Scheduler::chooseRowDim() {
  ThreadTile &tile = schedule.tile;
  bool reduces = !schedule.reductions.empty();
  for (unsigned dim : parallels) {
    std::optional<int64_t> size = getStatic(nest.dims[dim].size);
    if (dim == tile.vectorDim || nest.dims[dim].isIndexed ||
        (size && *size < lanes))
      continue;
    bool serves = llvm::any_of(nest.main.inputs, [&](const Access &input) {
      return reduces ? input.isZero(dim)
                     : tile.vectorDim && input.isUnit(dim) &&
                           !input.isZero(*tile.vectorDim);
    });
    if (serves)
      tile.rowDim = dim;
  }
  std::optional<int64_t> count = getStatic(getSize(parallels));
  int64_t step = 4 * (tile.vectorDim ? lanes : 1);
  if (tile.rowDim && (!count || *count >= step * enoughThreads))
    tile.rows = 4;
  else
    tile.rowDim = std::nullopt;
}

void Scheduler::chooseThreads() {
  ThreadTile &tile = schedule.tile;
  tile.vectorDim = getVectorDim(nest);
  tile.order = parallels;
  if (tile.vectorDim) {
    llvm::erase(tile.order, *tile.vectorDim);
    tile.order.push_back(*tile.vectorDim);
  }
  chooseRowDim();
}

Schedule Scheduler::choose() {
  if (matchProduct())
    chooseProduct();
  else if (!chooseRows())
    chooseThreads();
  return schedule;
}

Schedule chooseSchedule(const LoopNest &nest) {
  return Scheduler(nest).choose();
}

} // namespace nncc::webgpu
