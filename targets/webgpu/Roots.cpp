//===- Roots.cpp - The buffers that a GPU binds ---------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/webgpu/Roots.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "targets/webgpu/Scalars.h"
#include "targets/webgpu/WordWeights.h"

using namespace mlir;

namespace nncc::webgpu {

/// Bytes of an element on the GPU.
static constexpr int64_t wordBytes = 4;

int64_t Root::getElementBytes() const {
  unsigned bits = element.isIndex() ? 64 : element.getIntOrFloatBitWidth();
  return std::max(1u, bits / 8);
}

const Root &Roots::lookup(Value view) const {
  while (auto op = view.getDefiningOp<memref::ViewOp>())
    view = op.getSource();
  return roots.find(view)->second;
}

LogicalResult Roots::addView(memref::ViewOp view) {
  for (Operation *user : view->getUsers()) {
    if (isa<func::ReturnOp>(user))
      continue;
    if (!isa<exec::DispatchOp, exec::ReadbackOp, exec::UploadOp>(user))
      return user->emitError("the host reads or writes an element of a tensor, "
                             "which lies on the GPU");
    Root &root = roots[view.getSource()];
    Type element = view.getType().getElementType();
    if (!getStorageType(element))
      return user->emitError("a GPU has no numbers of type ") << element;
    if (root.element && root.element != element)
      return user->emitError("sees a buffer of ")
             << root.element << " as one of " << element;
    root.element = element;
  }
  return success();
}

static ArrayAttr getInputs(func::FuncOp program) {
  return program->getParentOfType<ModuleOp>()->getAttrOfType<ArrayAttr>(
      "nncc.inputs");
}

static AffineExpr countElements(RankedTensorType type) {
  AffineExpr size = getAffineConstantExpr(1, type.getContext());
  auto dims = dyn_cast_or_null<AffineMapAttr>(type.getEncoding());
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    size = size * (dims ? dims.getValue().getResult(dim)
                        : getAffineConstantExpr(type.getDimSize(dim),
                                                type.getContext()));
  return size;
}

static FailureOr<RankedTensorType> getInputType(func::FuncOp program,
                                                BlockArgument input) {
  unsigned number = 0;
  for (BlockArgument argument : program.getArguments().drop_front(2)) {
    if (argument == input)
      break;
    number += isa<MemRefType>(argument.getType());
  }
  ArrayAttr inputs = getInputs(program);
  if (!inputs || number >= inputs.size())
    return program.emitError("input ") << number << " is not in the signature";
  auto entry = cast<DictionaryAttr>(inputs[number]);
  return cast<RankedTensorType>(entry.getAs<TypeAttr>("type").getValue());
}

FailureOr<AffineExpr> getInputSize(func::FuncOp program, BlockArgument input) {
  FailureOr<RankedTensorType> type = getInputType(program, input);
  if (failed(type))
    return failure();
  return countElements(*type);
}

LogicalResult Roots::setSize(Root &root) {
  MLIRContext *context = program.getContext();
  if (auto alloc = root.memory.getDefiningOp<exec::AllocOp>()) {
    root.size = alloc.getBytes().getResult(0).floorDiv(root.getElementBytes());
    return success();
  }
  if (auto weight = root.memory.getDefiningOp<exec::WeightOp>()) {
    root.size = getAffineConstantExpr(
        weight.getValue().getShapedType().getNumElements(), context);
    return success();
  }
  FailureOr<RankedTensorType> type =
      getInputType(program, cast<BlockArgument>(root.memory));
  if (failed(type))
    return failure();
  Type element = type->getElementType();
  root.size = countElements(*type);
  // Others are words, several for an element.
  if (!getStorageType(element))
    root.size = root.size * (element.getIntOrFloatBitWidth() / 8 / wordBytes);
  return success();
}

LogicalResult Roots::add(Value memory, StringRef space) {
  roots[memory].memory = memory;
  roots[memory].space = space;
  LogicalResult result = success();
  for (Operation *user : memory.getUsers())
    if (auto view = dyn_cast<memref::ViewOp>(user))
      if (failed(addView(view)))
        result = failure();
  Root &root = roots[memory];
  if (failed(result) || !root.element)
    return result;
  return setSize(root);
}

LogicalResult Roots::collect() {
  // All that is wrong is told at once.
  LogicalResult result = success();
  auto take = [&](Value memory, StringRef space) {
    if (failed(add(memory, space)))
      result = failure();
  };
  for (BlockArgument argument : program.getArguments().drop_front(2))
    if (isa<MemRefType>(argument.getType()))
      take(argument, "input");
  program.walk([&](Operation *op) {
    if (op->hasAttr(exec::hostAttrName))
      return;
    if (auto alloc = dyn_cast<exec::AllocOp>(op))
      take(alloc, "arena");
    else if (auto weight = dyn_cast<exec::WeightOp>(op))
      take(weight, "weight");
  });
  return result;
}

/// A place in an output moves with the size of its elements.
static void moveReturned(const Root &root) {
  for (Operation *user : root.memory.getUsers()) {
    auto view = dyn_cast<memref::ViewOp>(user);
    if (!view || llvm::none_of(view->getUsers(), [](Operation *reader) {
          return isa<func::ReturnOp>(reader);
        }))
      continue;
    OpBuilder b(view);
    Location loc = view.getLoc();
    Value bytes = b.create<arith::ConstantIndexOp>(loc, root.getElementBytes());
    Value word = b.create<arith::ConstantIndexOp>(loc, wordBytes);
    Value element =
        b.createOrFold<arith::DivUIOp>(loc, view.getByteShift(), bytes);
    view.getByteShiftMutable().set(
        b.createOrFold<arith::MulIOp>(loc, element, word));
  }
}

LogicalResult Roots::widen() {
  for (auto &[memory, root] : roots) {
    if (!root.element)
      continue;
    moveReturned(root);
    if (auto alloc = memory.getDefiningOp<exec::AllocOp>()) {
      AffineMap old = alloc.getBytes();
      alloc.setBytes(
          AffineMap::get(0, old.getNumSymbols(), root.size * wordBytes));
    } else if (auto weight = memory.getDefiningOp<exec::WeightOp>()) {
      FailureOr<ElementsAttr> words =
          toWords(weight.getValue(), weight.getLoc());
      if (failed(words))
        return failure();
      weight.setValueAttr(*words);
    }
  }
  return success();
}

} // namespace nncc::webgpu
