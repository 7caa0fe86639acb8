//===- LoopNest.cpp - A kernel as loops and linear accesses ---------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "nncc/Kernels/LoopNest.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"
#include "nncc/Dialect/Exec/Exec.h"

using namespace mlir;

namespace nncc::kernels {

//===----------------------------------------------------------------------===//
// Accesses
//===----------------------------------------------------------------------===//

static bool isConstant(AffineExpr expr, int64_t value) {
  auto constant = dyn_cast<AffineConstantExpr>(expr);
  return constant && constant.getValue() == value;
}

bool Access::isZero(unsigned dim) const {
  return isConstant(coefs[dim], 0) && !hasTermOn(dim);
}

bool Access::isUnit(unsigned dim) const {
  return isConstant(coefs[dim], 1) && !hasTermOn(dim);
}

bool Access::isEveryOther(unsigned dim) const {
  return isConstant(coefs[dim], 2) && !hasTermOn(dim) &&
         elementType.isIntOrFloat() &&
         elementType.getIntOrFloatBitWidth() == 32;
}

bool Access::hasTermOn(unsigned dim) const {
  auto reads = [&](AffineExpr expr) { return expr.isFunctionOfDim(dim); };
  return llvm::any_of(terms, [&](auto &term) { return reads(term.expr); }) ||
         llvm::any_of(guards, [&](auto &guard) { return reads(guard.index); });
}

int64_t Access::panelWidth(unsigned dim) const {
  if (!isConstant(coefs[dim], 0))
    return 0;
  int64_t width = 0;
  bool hasMod = false;
  for (const NonLinearTerm &term : terms) {
    if (!term.expr.isFunctionOfDim(dim))
      continue;
    auto binary = dyn_cast<AffineBinaryOpExpr>(term.expr);
    if (!binary || !isa<AffineDimExpr>(binary.getLHS()) ||
        !isa<AffineConstantExpr>(binary.getRHS()))
      return 0;
    int64_t divisor = cast<AffineConstantExpr>(binary.getRHS()).getValue();
    if (width && width != divisor)
      return 0;
    width = divisor;
    if (binary.getKind() == AffineExprKind::Mod) {
      if (!isConstant(term.coef, 1))
        return 0;
      hasMod = true;
    } else if (binary.getKind() != AffineExprKind::FloorDiv) {
      return 0;
    }
  }
  return hasMod ? width : 0;
}

bool LoopNest::hasReduction() const {
  return llvm::any_of(dims, [](const LoopDim &dim) { return dim.isReduction; });
}

SmallVector<const Access *> LoopNest::accesses() const {
  SmallVector<const Access *> all;
  auto add = [&](const SmallVector<Access> &accesses) {
    for (const Access &access : accesses)
      if (access.buffer)
        all.push_back(&access);
  };
  add(main.inputs);
  add(main.outputs);
  if (epilogue) {
    add(epilogue->inputs);
    add(epilogue->outputs);
  }
  return all;
}

AffineExpr getSymbolicExpr(Value index) {
  MLIRContext *context = index.getContext();
  APInt constant;
  if (matchPattern(index, m_ConstantInt(&constant)))
    return getAffineConstantExpr(constant.getSExtValue(), context);
  if (auto argument = dyn_cast<BlockArgument>(index)) {
    auto func = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp());
    if (!func)
      return nullptr;
    std::optional<unsigned> symbol = exec::getSymbolArgument(func, argument);
    return symbol ? getAffineSymbolExpr(*symbol, context) : AffineExpr();
  }
  auto apply = index.getDefiningOp<affine::AffineApplyOp>();
  if (!apply)
    return nullptr;
  AffineMap map = apply.getAffineMap();
  SmallVector<AffineExpr> operands;
  for (Value operand : apply.getMapOperands()) {
    operands.push_back(getSymbolicExpr(operand));
    if (!operands.back())
      return nullptr;
  }
  ArrayRef<AffineExpr> all(operands);
  return map.getResult(0).replaceDimsAndSymbols(
      all.take_front(map.getNumDims()), all.drop_front(map.getNumDims()));
}

static AffineExpr getSymbolicExpr(OpFoldResult value, MLIRContext *context) {
  if (auto attr = dyn_cast<Attribute>(value))
    return getAffineConstantExpr(cast<IntegerAttr>(attr).getInt(), context);
  return getSymbolicExpr(cast<Value>(value));
}

//===----------------------------------------------------------------------===//
// Building
//===----------------------------------------------------------------------===//

namespace {

/// A memref operand of a stage: the kernel argument behind it and its layout.
struct View {
  Value buffer;
  SmallVector<AffineExpr> sizes, strides;
  AffineExpr offset;
  /// What is around it, if it is padded.
  exec::PaddedViewOp padded;
};

class NestBuilder {
public:
  explicit NestBuilder(func::FuncOp func)
      : func(func), context(func.getContext()) {}

  FailureOr<LoopNest> build();

private:
  FailureOr<View> getView(Value operand, Location loc);
  FailureOr<View> getPaddedView(exec::PaddedViewOp op);
  FailureOr<Access> getAccess(Value operand, AffineMap map, Location loc);
  /// Adds `coef * expr` to the access, split into linear parts.
  void addTerm(Access &access, AffineExpr expr, AffineExpr coef);
  FailureOr<Stage> getStage(linalg::GenericOp op);
  LogicalResult setDims(linalg::GenericOp op);

  AffineExpr constant(int64_t value) {
    return getAffineConstantExpr(value, context);
  }

  func::FuncOp func;
  MLIRContext *context;
  LoopNest nest;
  DenseMap<Value, TypedAttr> fills;
};

} // namespace

FailureOr<View> NestBuilder::getView(Value operand, Location loc) {
  View view;
  if (operand.getDefiningOp<memref::AllocOp>())
    return view; // an accumulator: stays in registers
  if (auto padded = operand.getDefiningOp<exec::PaddedViewOp>())
    return getPaddedView(padded);
  auto cast = operand.getDefiningOp<memref::ReinterpretCastOp>();
  if (!cast) {
    emitError(loc) << "kernel operand of type " << operand.getType()
                   << " is not a view of an argument";
    return failure();
  }
  view.buffer = cast.getSource();
  view.offset = getSymbolicExpr(cast.getMixedOffsets()[0], context);
  for (OpFoldResult size : cast.getMixedSizes())
    view.sizes.push_back(getSymbolicExpr(size, context));
  for (OpFoldResult stride : cast.getMixedStrides())
    view.strides.push_back(getSymbolicExpr(stride, context));
  if (!view.offset || llvm::is_contained(view.sizes, AffineExpr()) ||
      llvm::is_contained(view.strides, AffineExpr())) {
    emitError(loc) << "kernel operand of type " << operand.getType()
                   << " has a size or place that is no function of the symbols";
    return failure();
  }
  return view;
}

/// The padded sizes, from the first element of the border on.
FailureOr<View> NestBuilder::getPaddedView(exec::PaddedViewOp op) {
  FailureOr<View> view = getView(op.getSource(), op.getLoc());
  if (failed(view))
    return failure();
  view->padded = op;
  for (auto [dim, low] : llvm::enumerate(op.getLow())) {
    view->offset = view->offset - view->strides[dim] * low;
    view->sizes[dim] = view->sizes[dim] + low + op.getHigh()[dim];
  }
  return view;
}

/// Guards the dimensions that have a border.
static void addGuards(Access &access, const View &view, AffineMap map) {
  exec::PaddedViewOp op = view.padded;
  access.padding = op.getValue();
  for (auto [dim, expr] : llvm::enumerate(map.getResults())) {
    int64_t low = op.getLow()[dim], border = low + op.getHigh()[dim];
    if (border)
      access.guards.push_back({expr - low, view.sizes[dim] - border});
  }
}

void NestBuilder::addTerm(Access &access, AffineExpr expr, AffineExpr coef) {
  if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
    AffineExpr &sum = access.coefs[dim.getPosition()];
    sum = sum + coef;
    return;
  }
  if (expr.isSymbolicOrConstant()) {
    access.offset = access.offset + expr * coef;
    return;
  }
  auto binary = cast<AffineBinaryOpExpr>(expr);
  if (binary.getKind() == AffineExprKind::Add) {
    addTerm(access, binary.getLHS(), coef);
    addTerm(access, binary.getRHS(), coef);
  } else if (binary.getKind() == AffineExprKind::Mul &&
             binary.getRHS().isSymbolicOrConstant()) {
    addTerm(access, binary.getLHS(), coef * binary.getRHS());
  } else {
    access.terms.push_back({expr, coef});
  }
}

FailureOr<Access> NestBuilder::getAccess(Value operand, AffineMap map,
                                         Location loc) {
  Access access;
  access.offset = constant(0);
  access.coefs.assign(map.getNumDims(), constant(0));
  access.elementType = cast<MemRefType>(operand.getType()).getElementType();
  FailureOr<View> view = getView(operand, loc);
  if (failed(view))
    return failure();
  access.buffer = view->buffer;
  if (!access.buffer)
    return access;
  access.offset = view->offset;
  for (auto [expr, stride] : llvm::zip_equal(map.getResults(), view->strides))
    addTerm(access, expr, stride);
  if (view->padded)
    addGuards(access, *view, map);
  return access;
}

LogicalResult NestBuilder::setDims(linalg::GenericOp op) {
  nest.dims.resize(op.getNumLoops());
  for (auto [dim, kind] :
       llvm::zip_equal(nest.dims, op.getIteratorTypesArray()))
    dim.isReduction = kind == utils::IteratorType::reduction;
  // A loop's size is the size of any operand's dimension that it walks alone.
  for (OpOperand &operand : op->getOpOperands()) {
    if (operand.get().getDefiningOp<memref::AllocOp>())
      continue;
    FailureOr<View> view = getView(operand.get(), op.getLoc());
    if (failed(view))
      return failure();
    AffineMap map = op.getMatchingIndexingMap(&operand);
    for (auto [expr, size] : llvm::zip_equal(map.getResults(), view->sizes))
      if (auto dim = dyn_cast<AffineDimExpr>(expr))
        if (!nest.dims[dim.getPosition()].size)
          nest.dims[dim.getPosition()].size = size;
  }
  // The accumulator's sizes are written at its allocation.
  for (OpOperand &operand : op->getOpOperands()) {
    auto alloc = operand.get().getDefiningOp<memref::AllocOp>();
    if (!alloc)
      continue;
    AffineMap map = op.getMatchingIndexingMap(&operand);
    for (auto [expr, size] :
         llvm::zip_equal(map.getResults(), alloc.getMixedSizes()))
      if (auto dim = dyn_cast<AffineDimExpr>(expr))
        if (!nest.dims[dim.getPosition()].size)
          nest.dims[dim.getPosition()].size = getSymbolicExpr(size, context);
  }
  for (const LoopDim &dim : nest.dims)
    if (!dim.size)
      return op.emitError("no operand gives the size of a loop");
  op.getBody()->walk([&](linalg::IndexOp index) {
    nest.dims[index.getDim()].isIndexed = true;
  });
  return success();
}

FailureOr<Stage> NestBuilder::getStage(linalg::GenericOp op) {
  Stage stage;
  stage.op = op;
  for (OpOperand &operand : op->getOpOperands()) {
    FailureOr<Access> access = getAccess(
        operand.get(), op.getMatchingIndexingMap(&operand), op.getLoc());
    if (failed(access))
      return failure();
    if (op.isDpsInput(&operand)) {
      stage.inputs.push_back(*access);
    } else {
      stage.outputs.push_back(*access);
      stage.inits.push_back(fills.lookup(operand.get()));
    }
  }
  return stage;
}

FailureOr<LoopNest> NestBuilder::build() {
  SmallVector<linalg::GenericOp> generics;
  for (Operation &op : func.getBody().front()) {
    if (auto fill = dyn_cast<linalg::FillOp>(op)) {
      TypedAttr value;
      if (!matchPattern(fill.getInputs()[0], m_Constant(&value)))
        return fill.emitError("a reduction starts from a value that is not "
                              "constant");
      fills[fill.getOutputs()[0]] = value;
    } else if (auto generic = dyn_cast<linalg::GenericOp>(op)) {
      generics.push_back(generic);
    }
  }
  if (generics.empty() || generics.size() > 2)
    return func.emitError("a kernel holds one generic and an epilogue");
  if (failed(setDims(generics[0])))
    return failure();
  FailureOr<Stage> main = getStage(generics[0]);
  if (failed(main))
    return failure();
  nest.main = *main;
  if (generics.size() == 1)
    return nest;

  FailureOr<Stage> epilogue = getStage(generics[1]);
  if (failed(epilogue))
    return failure();
  // The epilogue walks the accumulator as the main stage wrote it: renumber
  // its dimensions to the main stage's.
  AffineMap written =
      generics[0].getMatchingIndexingMap(generics[0].getDpsInitOperand(0));
  for (auto [i, operand] : llvm::enumerate(generics[1].getInputs()))
    if (operand == generics[0].getOutputs()[0])
      nest.epilogueInput = i;
  AffineMap read = generics[1].getMatchingIndexingMap(
      generics[1].getDpsInputOperand(nest.epilogueInput));
  SmallVector<unsigned> dimOf(generics[1].getNumLoops());
  for (auto [to, from] :
       llvm::zip_equal(written.getResults(), read.getResults()))
    dimOf[cast<AffineDimExpr>(from).getPosition()] =
        cast<AffineDimExpr>(to).getPosition();
  auto renumber = [&](Access &access) {
    SmallVector<AffineExpr> coefs(nest.dims.size(), constant(0));
    SmallVector<AffineExpr> dims;
    for (auto [from, to] : llvm::enumerate(dimOf)) {
      coefs[to] = access.coefs[from];
      dims.push_back(getAffineDimExpr(to, context));
    }
    access.coefs = coefs;
    for (NonLinearTerm &term : access.terms)
      term.expr = term.expr.replaceDims(dims);
    for (Guard &guard : access.guards)
      guard.index = guard.index.replaceDims(dims);
  };
  llvm::for_each(epilogue->inputs, renumber);
  llvm::for_each(epilogue->outputs, renumber);
  bool readsIndex = false;
  generics[1].getBody()->walk([&](linalg::IndexOp) { readsIndex = true; });
  if (readsIndex)
    return generics[1].emitError("an epilogue does not read loop indices");
  nest.epilogue = *epilogue;
  return nest;
}

FailureOr<LoopNest> buildLoopNest(func::FuncOp func) {
  return NestBuilder(func).build();
}

//===----------------------------------------------------------------------===//
// Collapsing
//===----------------------------------------------------------------------===//

static void forEachAccess(LoopNest &nest, function_ref<void(Access &)> visit) {
  llvm::for_each(nest.main.inputs, visit);
  llvm::for_each(nest.main.outputs, visit);
  if (nest.epilogue) {
    llvm::for_each(nest.epilogue->inputs, visit);
    llvm::for_each(nest.epilogue->outputs, visit);
  }
}

/// Removes dimension `dim`; terms keep naming the others by their new numbers.
static void eraseDim(LoopNest &nest, unsigned dim) {
  MLIRContext *context = nest.dims[dim].size.getContext();
  SmallVector<AffineExpr> renumbered;
  for (unsigned i = 0; i < nest.dims.size(); ++i)
    renumbered.push_back(i == dim ? getAffineConstantExpr(0, context)
                                  : getAffineDimExpr(i - (i > dim), context));
  forEachAccess(nest, [&](Access &access) {
    access.coefs.erase(access.coefs.begin() + dim);
    for (Guard &guard : access.guards)
      guard.index = guard.index.replaceDims(renumbered);
    for (NonLinearTerm &term : access.terms)
      term.expr = term.expr.replaceDims(renumbered);
    llvm::erase_if(access.terms, [](const NonLinearTerm &term) {
      return isConstant(term.expr, 0);
    });
  });
  nest.dims.erase(nest.dims.begin() + dim);
}

static bool canJoin(LoopNest &nest, unsigned outer) {
  unsigned inner = outer + 1;
  LoopDim &first = nest.dims[outer], &second = nest.dims[inner];
  if (first.isReduction != second.isReduction || first.isRow != second.isRow ||
      first.isIndexed || second.isIndexed)
    return false;
  bool joins = true;
  forEachAccess(nest, [&](Access &access) {
    if (access.buffer)
      joins &= !access.hasTermOn(outer) && !access.hasTermOn(inner) &&
               access.coefs[outer] == second.size * access.coefs[inner];
  });
  return joins;
}

void collapseDims(LoopNest &nest) {
  // Indexed dimensions keep their number's meaning for linalg.index, which
  // names dimensions by position: leave such a nest as it is.
  if (llvm::any_of(nest.dims, [](const LoopDim &dim) { return dim.isIndexed; }))
    return;
  for (unsigned i = nest.dims.size(); i-- > 0;)
    if (isConstant(nest.dims[i].size, 1))
      eraseDim(nest, i);
  for (unsigned i = nest.dims.size(); i-- > 1;) {
    if (!canJoin(nest, i - 1))
      continue;
    nest.dims[i].size = nest.dims[i - 1].size * nest.dims[i].size;
    eraseDim(nest, i - 1);
  }
}

void joinDims(LoopNest &nest, unsigned outer, unsigned inner) {
  AffineExpr width = nest.dims[inner].size;
  AffineExpr joined = getAffineDimExpr(inner, width.getContext());
  AffineExpr none = getAffineConstantExpr(0, width.getContext());
  forEachAccess(nest, [&](Access &access) {
    AffineExpr &far = access.coefs[outer], &near = access.coefs[inner];
    if (far == width * near)
      return;
    access.terms.push_back({joined.floorDiv(width), far});
    access.terms.push_back({joined % width, near});
    near = none;
  });
  nest.dims[inner].size = nest.dims[outer].size * width;
  eraseDim(nest, outer);
}

} // namespace nncc::kernels
