//===- NarrowWeights.cpp - Pairs of small integers in fewer bytes ---------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "nncc/Linalg/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "nncc/Dialect/Exec/Exec.h"
#include "nncc/Dialect/Exec/Weights.h"

namespace nncc {

#define GEN_PASS_DEF_NARROWWEIGHTS
#include "nncc/Linalg/Passes.h.inc"

using namespace mlir;

/// Dot products of bytes have a form that takes weights of 8 bits alone.
static bool isOfBytes(Operation *user) {
  auto dot = dyn_cast<exec::DotOp>(user);
  return dot && dot.getBytes();
}

/// The constant of pairs that the body gives to exec.dot alone; null otherwise.
static arith::ConstantOp getPairs(OpOperand &operand, BlockArgument argument,
                                  uint64_t least) {
  auto constant = operand.get().getDefiningOp<arith::ConstantOp>();
  if (!constant || !argument.getType().isInteger(32) || argument.use_empty() ||
      !llvm::all_of(argument.getUsers(), llvm::IsaPred<exec::DotOp>) ||
      (exec::getByteSize(cast<ShapedType>(constant.getType())) < least &&
       !llvm::all_of(argument.getUsers(), isOfBytes)))
    return nullptr;
  return constant;
}

/// The low bytes of all numbers, where their high bytes only repeat the sign.
static std::optional<SmallVector<char>> getLowBytes(ElementsAttr pairs) {
  SmallVector<char> storage;
  ArrayRef<char> bytes = exec::getBytes(pairs, storage);
  SmallVector<char> narrow;
  narrow.reserve(bytes.size() / 2);
  for (size_t i = 0; i + 1 < bytes.size(); i += 2) {
    if (bytes[i + 1] != (bytes[i] < 0 ? -1 : 0))
      return std::nullopt;
    narrow.push_back(bytes[i]);
  }
  return narrow;
}

namespace {

struct NarrowWeightsPass : impl::NarrowWeightsBase<NarrowWeightsPass> {
  using NarrowWeightsBase::NarrowWeightsBase;

  void runOnOperation() override {
    DenseMap<Value, Value> done;
    getOperation().walk([&](linalg::GenericOp op) {
      for (OpOperand *input : op.getDpsInputOperands()) {
        BlockArgument argument = op.getMatchingBlockArgument(input);
        arith::ConstantOp pairs = getPairs(*input, argument, leastBytes);
        if (!pairs)
          continue;
        auto [entry, isNew] = done.try_emplace(pairs);
        if (isNew)
          entry->second = narrow(pairs);
        if (entry->second)
          replace(op, *input, argument, entry->second);
      }
    });
  }

private:
  /// The constant in half the bytes; null where a number does not fit.
  static Value narrow(arith::ConstantOp pairs) {
    auto type = cast<RankedTensorType>(pairs.getType());
    std::optional<SmallVector<char>> bytes =
        getLowBytes(cast<ElementsAttr>(pairs.getValue()));
    if (!bytes)
      return nullptr;
    OpBuilder b(pairs);
    auto narrow = RankedTensorType::get(type.getShape(), b.getI16Type());
    AsmResourceBlob blob =
        HeapAsmResourceBlob::allocateAndCopyWithAlign(*bytes, 64);
    auto value =
        DenseResourceElementsAttr::get(narrow, "constant", std::move(blob));
    return b.create<arith::ConstantOp>(pairs.getLoc(), narrow, value);
  }

  static void replace(linalg::GenericOp op, OpOperand &input,
                      BlockArgument argument, Value narrow) {
    input.set(narrow);
    argument.setType(IntegerType::get(op.getContext(), 16));
    OpBuilder b = OpBuilder::atBlockBegin(op.getBody());
    Value wide = b.create<exec::WidenOp>(op.getLoc(), b.getI32Type(), argument);
    argument.replaceAllUsesExcept(wide, wide.getDefiningOp());
  }
};

} // namespace
} // namespace nncc
