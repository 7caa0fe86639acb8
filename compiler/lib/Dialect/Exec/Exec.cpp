//===- Exec.cpp - The exec dialect ----------------------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "nncc/Dialect/Exec/Exec.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"

using namespace mlir;

#include "nncc/Dialect/Exec/ExecDialect.cpp.inc"

#define GET_OP_CLASSES
#include "nncc/Dialect/Exec/ExecOps.cpp.inc"

namespace nncc::exec {

void ExecDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "nncc/Dialect/Exec/ExecOps.cpp.inc"
      >();
}

LogicalResult DispatchOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto kernel =
      symbols.lookupNearestSymbolFrom<func::FuncOp>(*this, getKernelAttr());
  if (!kernel)
    return emitOpError("names no kernel: ") << getKernel();
  TypeRange expected = kernel.getArgumentTypes();
  if (expected.size() < 2 || expected.drop_back(2) != getArguments().getTypes())
    return emitOpError("arguments are not those of kernel ") << getKernel();
  return success();
}

LogicalResult PaddedViewOp::verify() {
  auto from = cast<MemRefType>(getSource().getType());
  auto to = cast<MemRefType>(getResult().getType());
  size_t rank = from.getRank();
  if (size_t(to.getRank()) != rank || getLow().size() != rank ||
      getHigh().size() != rank)
    return emitOpError("does not have a border for each of ")
           << rank << " dimensions";
  if (to.getElementType() != from.getElementType() ||
      getValue().getType() != from.getElementType())
    return emitOpError("has elements of several types");
  for (size_t dim = 0; dim < rank; ++dim) {
    int64_t low = getLow()[dim], high = getHigh()[dim];
    if (low < 0 || high < 0)
      return emitOpError("has a border of negative size");
    if (!from.isDynamicDim(dim) && !to.isDynamicDim(dim) &&
        from.getDimSize(dim) + low + high != to.getDimSize(dim))
      return emitOpError("result's size ") << dim << " is not the padded one";
  }
  return success();
}

std::optional<unsigned> getSymbolArgument(func::FuncOp func,
                                          BlockArgument argument) {
  unsigned number = argument.getArgNumber();
  if (auto symbol = func.getArgAttrOfType<IntegerAttr>(number, symbolAttrName))
    return symbol.getInt();
  if (func.getArgAttr(number, symbolNameAttrName))
    return number;
  return std::nullopt;
}

Value materialize(OpBuilder &b, Location loc, AffineExpr expr,
                  ValueRange symbols) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return b.create<arith::ConstantIndexOp>(loc, constant.getValue());
  return b.create<affine::AffineApplyOp>(
      loc, AffineMap::get(0, symbols.size(), expr), symbols);
}

void walkHostWork(ModuleOp module,
                  llvm::function_ref<void(Operation *, StringRef)> visit) {
  auto program = module.lookupSymbol<func::FuncOp>(programName);
  if (!program)
    return;
  program.walk<WalkOrder::PreOrder>([&](Operation *op) {
    auto reason = op->getAttrOfType<StringAttr>(hostAttrName);
    if (!reason)
      return WalkResult::advance();
    visit(op, reason);
    return WalkResult::skip();
  });
}

void addNodeNames(Operation *op, llvm::SetVector<StringRef> &names) {
  op->walk([&](Operation *inner) {
    for (StringRef name : getNodeNames(inner->getLoc()))
      names.insert(name);
    if (auto dispatch = dyn_cast<DispatchOp>(inner))
      addNodeNames(SymbolTable::lookupNearestSymbolFrom(
                       dispatch, dispatch.getKernelAttr()),
                   names);
  });
}

SmallVector<StringRef> getNodeNames(Location loc) {
  SmallVector<StringRef> names;
  loc->walk([&](Location part) {
    if (auto name = dyn_cast<NameLoc>(part))
      if (!llvm::is_contained(names, name.getName().getValue()))
        names.push_back(name.getName());
    return WalkResult::advance();
  });
  return names;
}

} // namespace nncc::exec
