//===- Schedule.cpp - How a kernel's loops are tiled ----------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "nncc/Kernels/Schedule.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "nncc/Kernels/Lanes.h"

using namespace mlir;

namespace nncc::kernels {

SmallVector<Operation *> getCombiner(linalg::GenericOp op, Value &element) {
  if (op.getNumDpsInits() != 1)
    return {};
  Block *body = op.getBody();
  Value accumulator = body->getArgument(op.getNumDpsInputs());
  DenseSet<Value> dependent = {accumulator};
  SmallVector<Operation *> combiner;
  element = nullptr;
  for (Operation &inner : body->without_terminator()) {
    bool depends = llvm::any_of(inner.getOperands(), [&](Value operand) {
      return dependent.contains(operand);
    });
    if (!depends)
      continue;
    combiner.push_back(&inner);
    dependent.insert(inner.result_begin(), inner.result_end());
  }
  for (Operation *inner : combiner)
    for (Value operand : inner->getOperands()) {
      if (dependent.contains(operand) || operand == element)
        continue;
      if (element)
        return {};
      element = operand;
    }
  if (!element || combiner.empty() ||
      body->getTerminator()->getOperand(0) != combiner.back()->getResult(0))
    return {};
  return combiner;
}

namespace {

int64_t staticSize(const LoopDim &dim) {
  auto constant = dyn_cast<AffineConstantExpr>(dim.size);
  return constant ? constant.getValue() : ShapedType::kDynamic;
}

class Scheduler {
public:
  Scheduler(const LoopNest &nest, const ScheduleTable &table)
      : nest(nest), table(table), reduces(nest.hasReduction()) {}

  Schedule run();
  /// The dimension around the rows of a contraction with which they can be
  /// joined: the reused input is the same there too.
  std::optional<unsigned> getJoinable() const;

private:
  /// How well `dim` serves as the vector dimension; none where it can't.
  std::optional<double> score(unsigned dim) const;
  double scoreAccess(const Access &access, unsigned dim, double weight) const;
  bool isContiguous(const Access &access, unsigned dim) const {
    int64_t width = access.panelWidth(dim);
    return access.isUnit(dim) || (width > 0 && width % 4 == 0);
  }
  void chooseVectorDim();
  void chooseRowDim();
  const Access *getShared(unsigned dim, bool isVector) const;
  void chooseTransposedDim();
  void chooseContractionTile();
  bool sharesColumns() const;
  void chooseTile();
  void orderLoops();
  void chooseGrid();
  bool isBlockedSum() const;
  int64_t chooseSumBlocks(unsigned level, int64_t terms);
  void chooseSumBlocks();
  std::optional<unsigned> getLongerGrid(ArrayRef<unsigned> candidates) const;

  const LoopNest &nest;
  const ScheduleTable &table;
  bool reduces;
  Schedule schedule;
  /// The input that is read again for every row: weights, or the other matrix.
  const Access *reused = nullptr;
};

} // namespace

double Scheduler::scoreAccess(const Access &access, unsigned dim,
                              double weight) const {
  if (!access.buffer || access.isZero(dim))
    return 0;
  if (access.isEveryOther(dim))
    return weight / 2;
  return isContiguous(access, dim) ? weight : -2 * weight;
}

std::optional<double> Scheduler::score(unsigned dim) const {
  if (nest.dims[dim].isRow)
    return std::nullopt;
  bool horizontal = nest.dims[dim].isReduction;
  int64_t size = staticSize(nest.dims[dim]);
  if (horizontal) {
    Value element;
    if (getCombiner(nest.main.op, element).empty() || (size >= 0 && size < 8))
      return std::nullopt;
  }
  if (!canVectorize(nest.main, dim) ||
      (nest.epilogue && !horizontal && !canVectorize(*nest.epilogue, dim)))
    return std::nullopt;
  double score = horizontal ? -0.5 : 0;
  for (const Access &input : nest.main.inputs)
    score += scoreAccess(input, dim, reduces ? 4 : 1);
  // Every element is stored once, however long the reduction.
  for (const Access &output : nest.main.outputs)
    score += scoreAccess(output, dim, reduces ? 1.5 : 1.25);
  if (nest.epilogue) {
    for (const Access &input : nest.epilogue->inputs)
      score += scoreAccess(input, dim, 1);
    for (const Access &output : nest.epilogue->outputs)
      score += scoreAccess(output, dim, 1.5);
  }
  if (size >= 0 && size < 4 && score > 0)
    score *= size / 4.0;
  return score;
}

void Scheduler::chooseVectorDim() {
  std::optional<double> best;
  for (unsigned dim = 0; dim < nest.dims.size(); ++dim) {
    std::optional<double> value = score(dim);
    if (!value || *value < -1 || (best && *value < *best))
      continue;
    best = value;
    schedule.vectorDim = dim;
    schedule.horizontal = nest.dims[dim].isReduction;
  }
}

/// An elementwise op that reads an input across its rows: tiles of 4 by 4
/// elements, transposed in registers.
void Scheduler::chooseTransposedDim() {
  for (const Access &input : nest.main.inputs) {
    if (input.isZero(*schedule.vectorDim) ||
        isContiguous(input, *schedule.vectorDim) ||
        input.isEveryOther(*schedule.vectorDim))
      continue;
    for (unsigned dim = 0; dim < nest.dims.size(); ++dim)
      if (dim != *schedule.vectorDim && !nest.dims[dim].isRow &&
          input.isUnit(dim) && input.terms.empty())
        schedule.rowDim = dim;
  }
}

void Scheduler::chooseRowDim() {
  if (!schedule.vectorDim)
    return;
  if (!reduces)
    return chooseTransposedDim();
  // Better a vector that rows share than a number that is the same in all
  // lanes.
  for (bool isVector : {true, false}) {
    if (!isVector && schedule.horizontal)
      return;
    for (unsigned dim = nest.dims.size(); dim-- > 0;) {
      reused = getShared(dim, isVector);
      if (!reused)
        continue;
      schedule.rowDim = dim;
      return;
    }
  }
}

/// The input that rows along `dim` share while another moves, if there is one.
const Access *Scheduler::getShared(unsigned dim, bool isVector) const {
  unsigned vectorDim = *schedule.vectorDim;
  if (dim == vectorDim || nest.dims[dim].isReduction || nest.dims[dim].isRow)
    return nullptr;
  bool moves = false;
  const Access *stays = nullptr;
  linalg::GenericOp op = nest.main.op;
  for (auto [input, argument] :
       llvm::zip_first(nest.main.inputs, op.getRegionInputArgs())) {
    if (!input.isZero(dim))
      moves = true;
    else if (argument.use_empty()) // a pool's window
      continue;
    else if (isVector ? isContiguous(input, vectorDim)
                      : input.isZero(vectorDim))
      stays = &input;
  }
  return moves ? stays : nullptr;
}

/// Few rows or columns get tiles of their own, of about as many sums.
void Scheduler::chooseContractionTile() {
  int64_t columns = staticSize(nest.dims[*schedule.vectorDim]);
  int64_t rows = staticSize(nest.dims[*schedule.rowDim]);
  bool isNarrow = columns > 0 && columns <= lanes;
  // Weights of few bits are widened less often by a tile of more rows.
  bool isWide = columns > 0 && reused->elementType.isF32() &&
                columns % (lanes * table.wideContraction.vectors.front()) == 0;
  bool isStrided = llvm::any_of(nest.main.inputs, [&](const Access &input) {
    return input.isEveryOther(*schedule.vectorDim);
  });
  if (reused->isZero(*schedule.vectorDim))
    schedule.tile = isStrided ? table.stridedPlanes : table.planes;
  else if (isNarrow)
    schedule.tile = table.narrowContraction;
  else if (rows == 3)
    schedule.tile = table.threeRowContraction;
  else if (rows == 2 || isWide)
    schedule.tile = table.wideContraction;
  else
    schedule.tile = table.contraction;
}

/// Whether pixels of a tile read columns of the input that others read, too:
/// they are worth more rows. Dilated filters walk whole numbers of pixels.
bool Scheduler::sharesColumns() const {
  unsigned row = *schedule.rowDim, column = nest.dims.size();
  while (!nest.dims[--column].isReduction)
    ;
  int64_t rows = table.depthwise.rows.front();
  return llvm::any_of(nest.main.inputs, [&](const Access &input) {
    if (input.coefs[column] == input.coefs[row])
      return !input.isZero(column);
    auto step = dyn_cast<AffineConstantExpr>(input.coefs[column]);
    auto pixel = dyn_cast<AffineConstantExpr>(input.coefs[row]);
    return step && pixel && step.getValue() > 0 && pixel.getValue() > 0 &&
           step.getValue() % pixel.getValue() == 0 &&
           step.getValue() / pixel.getValue() < rows;
  });
}

void Scheduler::chooseTile() {
  if (!schedule.vectorDim) {
    schedule.tile.vectors = {1};
    return;
  }
  if (!reduces) {
    // Values of many operands fill the registers by themselves.
    schedule.tile = schedule.rowDim               ? table.transpose
                    : nest.accesses().size() > 12 ? table.wide
                                                  : table.elementwise;
    return;
  }
  if (schedule.horizontal) {
    schedule.tile = schedule.rowDim ? table.dot : table.reduction;
    return;
  }
  bool hasUniform = llvm::any_of(nest.main.inputs, [&](const Access &input) {
    return input.isZero(*schedule.vectorDim);
  });
  // A product of what is the same in all lanes and what is not.
  bool isContraction =
      hasUniform &&
      llvm::any_of(nest.main.inputs,
                   [&](const Access &input) {
                     return !input.isZero(*schedule.vectorDim) &&
                            llvm::any_of(
                                llvm::seq<unsigned>(0, nest.dims.size()),
                                [&](unsigned dim) {
                                  return nest.dims[dim].isReduction &&
                                         !input.isZero(dim);
                                });
                   }) &&
      nest.main.inputs.size() > 1;
  if (!schedule.rowDim) {
    if (isContraction)
      schedule.tile = table.rowContraction;
    else
      schedule.tile = table.columnReduction;
    return;
  }
  if (hasUniform) {
    chooseContractionTile();
    return;
  }
  schedule.tile = sharesColumns() ? table.depthwise : table.stridedDepthwise;
}

/// A grid of few tiles of channels is too short for threads: then a longer loop
/// goes around it. The weights of few tiles stay in the cache.
std::optional<unsigned>
Scheduler::getLongerGrid(ArrayRef<unsigned> candidates) const {
  constexpr int64_t few = 4;
  int64_t width = lanes * schedule.tile.vectors.front();
  int64_t size = staticSize(nest.dims[*schedule.vectorDim]);
  if (size <= 0 || size > few * width)
    return std::nullopt;
  for (unsigned dim : candidates)
    if (staticSize(nest.dims[dim]) > few)
      return dim;
  return std::nullopt;
}

void Scheduler::orderLoops() {
  SmallVector<unsigned> outer, rest;
  for (unsigned dim = 0; dim < nest.dims.size(); ++dim) {
    if (nest.dims[dim].isReduction) {
      if (dim != schedule.vectorDim)
        schedule.reductionOrder.push_back(dim);
      continue;
    }
    if (dim == schedule.vectorDim || dim == schedule.rowDim)
      continue;
    bool isBatch = !reused || !reused->isZero(dim);
    if (nest.dims[dim].isRow)
      outer.insert(outer.begin(), dim);
    else
      (isBatch ? outer : rest).push_back(dim);
  }
  if (schedule.horizontal)
    schedule.reductionOrder.push_back(*schedule.vectorDim);
  // Depthwise kernels keep channels innermost: their input is read once.
  bool vectorInnermost =
      schedule.tile.rows.size() == 1 || schedule.tile.unrollReduction > 0;
  schedule.parallelOrder = outer;
  if (schedule.vectorDim && !schedule.horizontal && !vectorInnermost) {
    if (std::optional<unsigned> dim = getLongerGrid(rest)) {
      schedule.parallelOrder.push_back(*dim);
      llvm::erase(rest, *dim);
    }
    schedule.parallelOrder.push_back(*schedule.vectorDim);
  }
  llvm::append_range(schedule.parallelOrder, rest);
  if (schedule.rowDim)
    schedule.parallelOrder.push_back(*schedule.rowDim);
  if (schedule.vectorDim && !schedule.horizontal && vectorInnermost)
    schedule.parallelOrder.push_back(*schedule.vectorDim);
}

/// The outermost loop, with those inside of it while they may be too short for
/// threads: an open batch is often 1, and so are tiles of channels.
void Scheduler::chooseGrid() {
  constexpr int64_t enough = 16;
  int64_t steps = 1;
  for (auto [level, dim] : llvm::enumerate(schedule.parallelOrder)) {
    bool isRow = level > 0 && nest.dims[schedule.parallelOrder[0]].isRow;
    if (steps >= enough || isRow)
      return;
    schedule.numGridLoops = level + 1;
    if (int64_t size = staticSize(nest.dims[dim]); size > 0)
      steps *= llvm::divideCeil(size, schedule.gridUnit(level));
  }
}

/// Whether the reduction is a sum of floats that blocks make more exact. Sums
/// of columns (statistics of images) keep one accumulator each, as in
/// onnxruntime-web, by whose results networks are judged: docs/performance.md.
bool Scheduler::isBlockedSum() const {
  bool isColumnSum = nest.main.inputs.size() < 2 && !schedule.horizontal;
  if (!reduces || isColumnSum ||
      !isa_and_nonnull<FloatAttr>(nest.main.inits.front()))
    return false;
  Value element;
  SmallVector<Operation *> combiner = getCombiner(nest.main.op, element);
  return combiner.size() == 1 && isa<arith::AddFOp>(combiner.front());
}

/// Blocks of about equal size for the loop at `level`, each step of which makes
/// so many terms. Returns how many the loop adds to the sum around it.
int64_t Scheduler::chooseSumBlocks(unsigned level, int64_t terms) {
  unsigned dim = schedule.reductionOrder[level];
  SmallVector<int64_t, 1> &blocks = schedule.sumBlocks[level];
  int64_t block = 1;
  if (dim == schedule.vectorDim)
    block = lanes * schedule.tile.vectors.front();
  int64_t size = staticSize(nest.dims[dim]);
  if (size < 0) {
    blocks = {block * std::max<int64_t>(table.sumBlock / terms, 1)};
    return table.sumBlock;
  }
  int64_t steps = llvm::divideCeil(size, block);
  while (steps * terms > table.sumBlock) {
    int64_t most = std::max<int64_t>(table.sumBlock / terms, 1);
    int64_t sums = llvm::divideCeil(steps, most);
    block *= llvm::divideCeil(steps, sums);
    blocks.insert(blocks.begin(), block);
    steps = sums;
    terms = 1;
  }
  return steps * terms;
}

void Scheduler::chooseSumBlocks() {
  schedule.sumBlocks.resize(schedule.reductionOrder.size());
  if (!isBlockedSum())
    return;
  int64_t terms = 1;
  for (unsigned level = schedule.reductionOrder.size(); level-- > 0;)
    terms = chooseSumBlocks(level, terms);
}

Schedule Scheduler::run() {
  chooseVectorDim();
  chooseRowDim();
  chooseTile();
  orderLoops();
  chooseGrid();
  chooseSumBlocks();
  return schedule;
}

std::optional<unsigned> Scheduler::getJoinable() const {
  if (!schedule.rowDim || !reused || schedule.horizontal ||
      schedule.tile.rows.size() == 1 || schedule.tile.unrollReduction > 0)
    return std::nullopt;
  unsigned row = *schedule.rowDim;
  if (staticSize(nest.dims[row]) <= 0 || nest.dims[row].isIndexed)
    return std::nullopt;
  for (unsigned dim = row; dim-- > 0;) {
    bool hasTerm = llvm::any_of(nest.accesses(), [&](const Access *access) {
      return access->hasTermOn(dim) || access->hasTermOn(row);
    });
    if (!nest.dims[dim].isReduction && dim != schedule.vectorDim &&
        !nest.dims[dim].isIndexed && reused->isZero(dim) && !hasTerm)
      return dim;
  }
  return std::nullopt;
}

int64_t Schedule::gridUnit(unsigned level) const {
  unsigned dim = parallelOrder[level];
  if (dim == vectorDim)
    return lanes * tile.vectors.front();
  if (dim == rowDim)
    return tile.rows.front();
  return 1;
}

AffineExpr Schedule::gridSteps(const LoopNest &nest, unsigned level) const {
  return nest.dims[parallelOrder[level]].size.ceilDiv(gridUnit(level));
}

Schedule chooseSchedule(const LoopNest &nest, const ScheduleTable &table) {
  return Scheduler(nest, table).run();
}

/// How many tiles' time the rows take, in tiles of the largest size: smaller
/// ones wait for their additions and take as long.
static int64_t countTiles(int64_t size, ArrayRef<int64_t> rows) {
  int64_t tiles = 0;
  for (int64_t width : rows) {
    tiles += size / width;
    size %= width;
  }
  return tiles;
}

void joinShortRows(LoopNest &nest, const ScheduleTable &table) {
  Scheduler scheduler(nest, table);
  Schedule schedule = scheduler.run();
  std::optional<unsigned> outer = scheduler.getJoinable();
  if (!outer)
    return;
  int64_t size = staticSize(nest.dims[*schedule.rowDim]);
  // The tiles of few rows are for those that cannot be joined.
  ArrayRef<int64_t> rows =
      size < lanes ? table.contraction.rows : schedule.tile.rows;
  // Worth it from a twentieth on: each row's address is computed by itself.
  if (20 * rows.front() * countTiles(size, rows) >= 21 * size)
    joinDims(nest, *outer, *schedule.rowDim);
}

} // namespace nncc::kernels
