//===- TileEmitter.cpp - The code of one register tile --------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileEmitter.h"

#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "nncc/Dialect/Exec/Exec.h"

using namespace mlir;

namespace nncc::kernels {

static std::optional<int64_t> getStatic(AffineExpr expr) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return constant.getValue();
  return std::nullopt;
}

TileEmitter::TileEmitter(OpBuilder &b, func::FuncOp func, const LoopNest &nest,
                         const Schedule &schedule)
    : b(b), loc(func.getLoc()), nest(nest), schedule(schedule) {
  for (const Access &access : nest.main.inputs)
    all.push_back(&access);
  for (const Access &access : nest.main.outputs)
    all.push_back(&access);
  if (nest.epilogue) {
    for (const Access &access : nest.epilogue->inputs)
      all.push_back(&access);
    for (const Access &access : nest.epilogue->outputs)
      all.push_back(&access);
  }
  for (BlockArgument argument : func.getArguments())
    if (std::optional<unsigned> symbol =
            exec::getSymbolArgument(func, argument)) {
      symbols.resize(std::max<size_t>(symbols.size(), *symbol + 1));
      symbols[*symbol] = argument;
    }
}

//===----------------------------------------------------------------------===//
// Index arithmetic
//===----------------------------------------------------------------------===//

Value TileEmitter::getConstant(int64_t value) {
  return b.create<arith::ConstantIndexOp>(loc, value);
}

Value TileEmitter::expand(AffineExpr expr, ArrayRef<Value> ivs) {
  if (auto value = getStatic(expr))
    return getConstant(*value);
  // Indices are not negative, which the affine dialect does not know.
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (binary && getStatic(binary.getRHS()) &&
      (expr.getKind() == AffineExprKind::FloorDiv ||
       expr.getKind() == AffineExprKind::Mod)) {
    Value left = expand(binary.getLHS(), ivs);
    Value right = expand(binary.getRHS(), ivs);
    if (expr.getKind() == AffineExprKind::Mod)
      return b.create<arith::RemUIOp>(loc, left, right);
    return b.create<arith::DivUIOp>(loc, left, right);
  }
  return affine::expandAffineExpr(b, loc, expr, ivs, symbols);
}

Value TileEmitter::getIndex(AffineExpr symbolic) {
  return expand(symbolic, {});
}

Value TileEmitter::addConstant(Value base, int64_t constant) {
  if (!base)
    return getConstant(constant);
  if (constant == 0)
    return base;
  return b.create<arith::AddIOp>(loc, base, getConstant(constant));
}

Point TileEmitter::getStart() {
  Point point;
  point.ivs.resize(nest.dims.size());
  for (const Access *access : all) {
    Position position;
    if (auto offset = getStatic(access->offset))
      position.constant = *offset;
    else
      position.base = getIndex(access->offset);
    point.positions.push_back(position);
  }
  return point;
}

void TileEmitter::enter(Point &point, unsigned dim, OpFoldResult iv) {
  std::optional<int64_t> constant = getConstantIntValue(iv);
  point.ivs[dim] = constant ? getConstant(*constant) : cast<Value>(iv);
  for (unsigned id = 0; id < all.size(); ++id) {
    const Access *access = all[id];
    Position &position = point.positions[id];
    if (!access->buffer)
      continue;
    auto add = [&](AffineExpr coef, Value value,
                   std::optional<int64_t> staticValue) {
      std::optional<int64_t> staticCoef = getStatic(coef);
      if (staticCoef && (*staticCoef == 0 || staticValue)) {
        position.constant += *staticCoef * staticValue.value_or(0);
        return;
      }
      if (staticCoef != 1)
        value = b.create<arith::MulIOp>(loc, value, getIndex(coef));
      position.base = position.base
                          ? b.create<arith::AddIOp>(loc, position.base, value)
                          : value;
    };
    add(access->coefs[dim], point.ivs[dim], constant);
    if (dim == schedule.rowDim && access->hasTermOn(dim)) {
      setRowOffsets(point, id);
      continue;
    }
    for (const NonLinearTerm &term : access->terms) {
      // A term counts once its last dimension is known.
      bool known = term.expr.isFunctionOfDim(dim);
      for (unsigned other = 0; other < nest.dims.size(); ++other)
        known &= !term.expr.isFunctionOfDim(other) || point.ivs[other];
      if (known)
        add(term.coef, expand(term.expr, point.ivs), std::nullopt);
    }
  }
}

/// Rows that do not lie at equal distances: each row's place by itself.
void TileEmitter::setRowOffsets(Point &point, unsigned id) {
  unsigned dim = *schedule.rowDim;
  SmallVector<Value> ivs = point.ivs;
  point.positions[id].rows.clear();
  for (int64_t row = 0; row < point.rows; ++row) {
    ivs[dim] = addConstant(point.ivs[dim], row);
    Value sum;
    for (const NonLinearTerm &term : all[id]->terms) {
      if (!term.expr.isFunctionOfDim(dim))
        continue;
      Value part = b.create<arith::MulIOp>(loc, expand(term.expr, ivs),
                                           getIndex(term.coef));
      sum = sum ? b.create<arith::AddIOp>(loc, sum, part) : part;
    }
    point.positions[id].rows.push_back(sum);
  }
}

bool TileEmitter::isLane(const Access &access) const {
  return schedule.vectorDim && access.buffer &&
         !access.isZero(*schedule.vectorDim);
}

int64_t TileEmitter::getVectorOffset(const Access &access, int64_t vector) {
  unsigned dim = *schedule.vectorDim;
  int64_t first = lanes * vector;
  int64_t offset = 0;
  if (!access.hasTermOn(dim))
    return *getStatic(access.coefs[dim]) * first;
  // Packed panels: the tile starts at a panel's start (or is one vector).
  int64_t width = access.panelWidth(dim);
  for (const NonLinearTerm &term : access.terms) {
    if (!term.expr.isFunctionOfDim(dim))
      continue;
    bool isMod = term.expr.getKind() == AffineExprKind::Mod;
    offset += isMod ? first % width : *getStatic(term.coef) * (first / width);
  }
  return offset;
}

Value TileEmitter::getElement(unsigned id, const Point &point, int64_t row,
                              int64_t vector, OpFoldResult lane) {
  const Access &access = *all[id];
  Value base = point.positions[id].base;
  int64_t constant = point.positions[id].constant;
  auto addTo = [&](Value value) {
    base = base ? b.create<arith::AddIOp>(loc, base, value) : value;
  };
  if (ArrayRef<Value> rows = point.positions[id].rows; !rows.empty()) {
    addTo(rows[row]);
  } else if (row != 0) {
    if (auto coef = getStatic(access.coefs[*schedule.rowDim]))
      constant += *coef * row;
    else
      addTo(b.create<arith::MulIOp>(
          loc, getIndex(access.coefs[*schedule.rowDim]), getConstant(row)));
  }
  if (!isLane(access))
    return addConstant(base, constant);
  unsigned dim = *schedule.vectorDim;
  bool isPanel = access.panelWidth(dim) > 0;
  if (isPanel || getStatic(access.coefs[dim])) {
    if (!access.hasTermOn(dim) || isPanel) {
      constant += getVectorOffset(access, vector);
      std::optional<int64_t> staticLane = getConstantIntValue(lane);
      int64_t step = isPanel ? 1 : *getStatic(access.coefs[dim]);
      if (staticLane)
        constant += *staticLane * step;
      else
        addTo(
            b.create<arith::MulIOp>(loc, cast<Value>(lane), getConstant(step)));
      return addConstant(base, constant);
    }
  }
  // Anything else: evaluate the index at the lane's own place.
  Value moved = getValueOrCreateConstantIndexOp(b, loc, lane);
  moved = b.create<arith::AddIOp>(loc, moved, getConstant(lanes * vector));
  addTo(b.create<arith::MulIOp>(loc, moved, getIndex(access.coefs[dim])));
  SmallVector<Value> ivs = point.ivs;
  ivs[dim] = b.create<arith::AddIOp>(loc, ivs[dim], moved);
  for (const NonLinearTerm &term : access.terms) {
    if (!term.expr.isFunctionOfDim(dim))
      continue;
    Value change = b.create<arith::SubIOp>(loc, expand(term.expr, ivs),
                                           expand(term.expr, point.ivs));
    addTo(b.create<arith::MulIOp>(loc, change, getIndex(term.coef)));
  }
  return addConstant(base, constant);
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

Value TileEmitter::loadScalar(const Access &access, Value index) {
  Value value = b.create<memref::LoadOp>(loc, access.buffer, index);
  if (!access.elementType.isInteger(1))
    return value;
  return b.create<arith::TruncIOp>(loc, b.getI1Type(), value);
}

void TileEmitter::storeScalar(const Access &access, Value value, Value index) {
  if (access.elementType.isInteger(1))
    value = b.create<arith::ExtUIOp>(loc, b.getI8Type(), value);
  b.create<memref::StoreOp>(loc, value, access.buffer, index);
}

bool TileEmitter::isTransposed(const Access &access, const Point &point) const {
  return schedule.rowDim && point.rows % lanes == 0 && !point.partial &&
         !nest.hasReduction() && access.terms.empty() &&
         !access.elementType.isInteger(1) && access.isUnit(*schedule.rowDim) &&
         !access.isUnit(*schedule.vectorDim);
}

/// Loads four lanes' columns as vectors and turns them into rows.
Value TileEmitter::loadTransposed(unsigned id, const Point &point, int64_t row,
                                  int64_t vector) {
  int64_t first = row / lanes * lanes;
  SmallVector<Value> &rows = transposed[{id, first, vector}];
  if (rows.empty()) {
    const Access &access = *all[id];
    auto type = VectorType::get({lanes}, access.elementType);
    SmallVector<Value> columns;
    for (int64_t lane = 0; lane < lanes; ++lane)
      columns.push_back(b.create<vector::LoadOp>(
          loc, type, access.buffer,
          getElement(id, point, first, vector, b.getIndexAttr(lane))));
    auto shuffle = [&](Value x, Value y, ArrayRef<int64_t> mask) -> Value {
      return b.create<vector::ShuffleOp>(loc, x, y, mask);
    };
    // Pairs of lanes first, then the halves.
    Value low01 = shuffle(columns[0], columns[1], {0, 4, 1, 5});
    Value high01 = shuffle(columns[0], columns[1], {2, 6, 3, 7});
    Value low23 = shuffle(columns[2], columns[3], {0, 4, 1, 5});
    Value high23 = shuffle(columns[2], columns[3], {2, 6, 3, 7});
    rows = {shuffle(low01, low23, {0, 1, 4, 5}),
            shuffle(low01, low23, {2, 3, 6, 7}),
            shuffle(high01, high23, {0, 1, 4, 5}),
            shuffle(high01, high23, {2, 3, 6, 7})};
  }
  return rows[row - first];
}

/// Equal addresses are equal base values with equal constants.
static std::pair<Value, int64_t> splitConstant(Value index) {
  if (auto add = index.getDefiningOp<arith::AddIOp>())
    if (std::optional<int64_t> value = getConstantIntValue(add.getRhs()))
      return {add.getLhs(), *value};
  return {index, 0};
}

/// Every other element of two vectors, which start at an even distance, so that
/// even and odd elements are loaded once.
Value TileEmitter::loadEveryOther(const Access &access, Value first) {
  auto [base, constant] = splitConstant(first);
  int64_t parity = constant & 1;
  auto type = VectorType::get({lanes}, access.elementType);
  Value parts[2];
  for (int64_t i = 0; i < 2; ++i) {
    int64_t place = constant - parity + lanes * i;
    Value &part = loaded[{access.buffer, base, place}];
    if (!part)
      part = b.create<vector::LoadOp>(loc, type, access.buffer,
                                      addConstant(base, place));
    parts[i] = part;
  }
  return b.create<vector::ShuffleOp>(
      loc, parts[0], parts[1],
      ArrayRef<int64_t>{parity, parity + 2, parity + 4, parity + 6});
}

Value TileEmitter::load(unsigned id, const Point &point, int64_t row,
                        int64_t vector) {
  const Access &access = *all[id];
  if (isLane(access) && isTransposed(access, point))
    return loadTransposed(id, point, row, vector);
  Value first = getElement(id, point, row, vector, b.getIndexAttr(0));
  if (isLane(access) && access.isEveryOther(*schedule.vectorDim))
    return loadEveryOther(access, first);
  auto [base, constant] = splitConstant(first);
  bool contiguous = isLane(access) && (access.isUnit(*schedule.vectorDim) ||
                                       access.panelWidth(*schedule.vectorDim));
  if (!isLane(access) || contiguous) {
    Value &value = loaded[{access.buffer, base, constant}];
    if (value)
      return value;
    if (!contiguous)
      return value = loadScalar(access, first);
    auto memory = cast<MemRefType>(access.buffer.getType()).getElementType();
    value = b.create<vector::LoadOp>(loc, VectorType::get({lanes}, memory),
                                     access.buffer, first);
    if (access.elementType.isInteger(1))
      value = b.create<arith::TruncIOp>(
          loc, VectorType::get({lanes}, b.getI1Type()), value);
    return value;
  }
  // Lanes that lie apart. Those past the end repeat the last one that counts.
  Value result;
  Value last;
  if (point.partial)
    last = b.create<arith::SubIOp>(
        loc, getValueOrCreateConstantIndexOp(b, loc, point.partial),
        getConstant(1));
  for (int64_t lane = 0; lane < lanes; ++lane) {
    OpFoldResult place = b.getIndexAttr(lane);
    if (last && lane > 0)
      place =
          b.create<arith::MinSIOp>(loc, getConstant(lane), last).getResult();
    Value element =
        loadScalar(access, getElement(id, point, row, vector, place));
    result = result ? b.create<vector::InsertOp>(loc, element, result, lane)
                    : toVector(b, loc, element);
  }
  return result;
}

void TileEmitter::store(unsigned id, const Point &point, int64_t row,
                        int64_t vector, Value value) {
  const Access &access = *all[id];
  bool onLanes = schedule.vectorDim && !schedule.horizontal;
  if (!onLanes) {
    storeScalar(access, value,
                getElement(id, point, row, vector, b.getIndexAttr(0)));
    return;
  }
  value = toVector(b, loc, value);
  if (!point.partial && access.isUnit(*schedule.vectorDim)) {
    if (access.elementType.isInteger(1))
      value = b.create<arith::ExtUIOp>(
          loc, VectorType::get({lanes}, b.getI8Type()), value);
    b.create<vector::StoreOp>(
        loc, value, access.buffer,
        getElement(id, point, row, vector, b.getIndexAttr(0)));
    return;
  }
  std::optional<int64_t> count = point.partial
                                     ? getConstantIntValue(point.partial)
                                     : std::optional<int64_t>(lanes);
  for (int64_t lane = 0; lane < count.value_or(lanes - 1); ++lane) {
    OpBuilder::InsertionGuard guard(b);
    if (!count && lane > 0) {
      Value counts = b.create<arith::CmpIOp>(loc, arith::CmpIPredicate::sgt,
                                             cast<Value>(point.partial),
                                             getConstant(lane));
      auto guarded = b.create<scf::IfOp>(loc, counts, /*withElseRegion=*/false);
      b.setInsertionPointToStart(guarded.thenBlock());
    }
    Value element = b.create<vector::ExtractOp>(loc, value, lane);
    storeScalar(access, element,
                getElement(id, point, row, vector, b.getIndexAttr(lane)));
  }
}

//===----------------------------------------------------------------------===//
// Bodies
//===----------------------------------------------------------------------===//

Value TileEmitter::emitIndex(const Point &point, unsigned dim, int64_t row,
                             int64_t vector) {
  if (dim == schedule.rowDim)
    return addConstant(point.ivs[dim], row);
  if (dim != schedule.vectorDim)
    return point.ivs[dim];
  Value first = addConstant(point.ivs[dim], lanes * vector);
  return b.create<arith::AddIOp>(loc, toVector(b, loc, first),
                                 getLaneIndices(b, loc));
}

Value TileEmitter::emitInnerLoad(Operation *op, const Point &point,
                                 int64_t vector, const IRMapping &values) {
  auto load = cast<memref::LoadOp>(op);
  // The kernel's argument itself, or a view of it with more dimensions.
  auto view = load.getMemRef().getDefiningOp<memref::ReinterpretCastOp>();
  SmallVector<OpFoldResult> strides(1, b.getIndexAttr(1));
  if (view)
    strides = view.getMixedStrides();
  Access access;
  access.buffer = view ? view.getSource() : load.getMemRef();
  access.elementType = load.getType();
  Value index;
  bool onLanes = false;
  for (auto [i, stride] : llvm::zip(load.getIndices(), strides)) {
    Value place = values.lookupOrDefault(i);
    if (isa<VectorType>(place.getType())) {
      onLanes = true;
      place = addConstant(point.ivs[*schedule.vectorDim], lanes * vector);
    }
    AffineExpr coef;
    if (auto attr = dyn_cast<Attribute>(stride))
      coef = b.getAffineConstantExpr(cast<IntegerAttr>(attr).getInt());
    else
      coef = getSymbolicExpr(cast<Value>(stride));
    Value term = b.create<arith::MulIOp>(loc, place, getIndex(coef));
    index = index ? b.create<arith::AddIOp>(loc, index, term) : term;
  }
  if (!index)
    index = getConstant(0);
  if (!onLanes)
    return loadScalar(access, index);
  Type memory = cast<MemRefType>(access.buffer.getType()).getElementType();
  Value value = b.create<vector::LoadOp>(loc, VectorType::get({lanes}, memory),
                                         access.buffer, index);
  if (!access.elementType.isInteger(1))
    return value;
  return b.create<arith::TruncIOp>(loc, VectorType::get({lanes}, b.getI1Type()),
                                   value);
}

TileEmitter::Cells TileEmitter::evaluate(const Stage &stage,
                                         unsigned firstAccess,
                                         const Point &point, int64_t row,
                                         int64_t vector, IRMapping &values) {
  Block *body = const_cast<linalg::GenericOp &>(stage.op).getBody();
  for (auto [i, argument] : llvm::enumerate(body->getArguments()))
    if (!values.contains(argument) && i < stage.inputs.size() &&
        !argument.use_empty())
      values.map(argument, load(firstAccess + i, point, row, vector));
  for (Operation &op : body->without_terminator()) {
    Value result;
    if (auto index = dyn_cast<linalg::IndexOp>(op))
      result = emitIndex(point, index.getDim(), row, vector);
    else if (isa<memref::LoadOp>(op))
      result = emitInnerLoad(&op, point, vector, values);
    else
      result = cloneOnLanes(b, &op, values);
    values.map(op.getResult(0), result);
  }
  Cells yielded;
  for (Value value : body->getTerminator()->getOperands())
    yielded.push_back(values.lookupOrDefault(value));
  return yielded;
}

} // namespace nncc::kernels
