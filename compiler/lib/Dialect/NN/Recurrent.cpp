//===- Recurrent.cpp - types of the recurrent ops ---------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SpatialUtils.h"
#include "nncc/Dialect/NN/NN.h"
#include "nncc/Dialect/NN/Symbols.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nn;

namespace {
/// The sizes that operands are checked against.
struct RecurrentSizes {
  AffineExpr steps, batch, input;
  int64_t directions, hidden;
};
} // namespace

/// Checks that `operand`, if there is one, has the given sizes.
static LogicalResult checkOperand(std::optional<Location> loc, StringRef name,
                                  Value operand, ArrayRef<AffineExpr> sizes,
                                  Type element) {
  if (!operand)
    return success();
  auto type = cast<RankedTensorType>(operand.getType());
  bool fits = type.getRank() == static_cast<int64_t>(sizes.size());
  if (fits)
    for (auto [size, dim] : llvm::zip_equal(sizes, getDims(type)))
      fits &= !getConstantValue(size) || !getConstantValue(dim) || size == dim;
  if (!fits)
    return emitOptionalError(loc, name, " has type ", type, " where ",
                             makeTensorType(sizes, type.getElementType()),
                             " is needed");
  if (element && type.getElementType() != element)
    return emitOptionalError(loc, name, " has elements of type ",
                             type.getElementType(), " and the input ", element);
  return success();
}

template <typename Adaptor>
static FailureOr<RecurrentSizes> checkRecurrent(std::optional<Location> loc,
                                                Adaptor adaptor, int64_t gates,
                                                int64_t activations) {
  auto input = cast<RankedTensorType>(adaptor.getInput().getType());
  auto recurrence = cast<RankedTensorType>(adaptor.getRecurrence().getType());
  Type element = input.getElementType();
  if (input.getRank() != 3 || !isa<FloatType>(element))
    return emitOptionalError(loc, "input ", input,
                             " is not [steps, batch, features] of floats");
  if (recurrence.getRank() != 3 || recurrence.isDynamicDim(2))
    return emitOptionalError(loc, "recurrence ", recurrence,
                             " does not say the hidden size");
  SmallVector<AffineExpr> dims = getDims(input);
  bool both = adaptor.getDirection() == Direction::Bidirectional;
  RecurrentSizes sizes = {dims[0], dims[1], dims[2], both ? 2 : 1,
                          recurrence.getDimSize(2)};
  auto constant = [&](int64_t value) {
    return getAffineConstantExpr(value, input.getContext());
  };
  AffineExpr directions = constant(sizes.directions);
  AffineExpr hidden = constant(sizes.hidden);
  AffineExpr columns = constant(gates * sizes.hidden);
  if (failed(checkOperand(loc, "weights", adaptor.getWeights(),
                          {directions, columns, sizes.input}, element)) ||
      failed(checkOperand(loc, "recurrence", adaptor.getRecurrence(),
                          {directions, columns, hidden}, element)) ||
      failed(checkOperand(loc, "bias", adaptor.getBias(),
                          {directions, columns * 2}, element)) ||
      failed(checkOperand(loc, "sequence_lens", adaptor.getSequenceLens(),
                          {sizes.batch}, Type())) ||
      failed(checkOperand(loc, "initial_h", adaptor.getInitialH(),
                          {directions, sizes.batch, hidden}, element)))
    return failure();
  size_t count = sizes.directions * activations;
  if (adaptor.getActivations().size() != count)
    return emitOptionalError(loc, "has ", adaptor.getActivations().size(),
                             " activations where ", count, " are needed");
  if ((adaptor.getAlphas() && adaptor.getAlphas()->size() != count) ||
      (adaptor.getBetas() && adaptor.getBetas()->size() != count))
    return emitOptionalError(loc,
                             "alphas and betas need one entry for each "
                             "of the ",
                             count, " activations");
  return sizes;
}

/// The types of y and of `states` last states.
static void addResults(const RecurrentSizes &sizes, Type element,
                       unsigned states, SmallVectorImpl<Type> &types) {
  MLIRContext *context = element.getContext();
  AffineExpr directions = getAffineConstantExpr(sizes.directions, context);
  AffineExpr hidden = getAffineConstantExpr(sizes.hidden, context);
  types.push_back(
      makeTensorType({sizes.steps, directions, sizes.batch, hidden}, element));
  types.append(states,
               makeTensorType({directions, sizes.batch, hidden}, element));
}

LogicalResult LstmOp::inferReturnTypes(MLIRContext *context,
                                       std::optional<Location> loc,
                                       Adaptor adaptor,
                                       SmallVectorImpl<Type> &types) {
  FailureOr<RecurrentSizes> sizes = checkRecurrent(loc, adaptor, 4, 3);
  if (failed(sizes))
    return failure();
  Type element = getElementTypeOrSelf(adaptor.getInput());
  AffineExpr directions = getAffineConstantExpr(sizes->directions, context);
  AffineExpr hidden = getAffineConstantExpr(sizes->hidden, context);
  if (failed(checkOperand(loc, "initial_c", adaptor.getInitialC(),
                          {directions, sizes->batch, hidden}, element)) ||
      failed(checkOperand(loc, "peepholes", adaptor.getPeepholes(),
                          {directions, hidden * 3}, element)))
    return failure();
  addResults(*sizes, element, 2, types);
  return success();
}

/// For a layer whose only state is its output.
template <typename Adaptor>
static LogicalResult inferOneState(std::optional<Location> loc, Adaptor adaptor,
                                   unsigned gates, unsigned activations,
                                   SmallVectorImpl<Type> &types) {
  FailureOr<RecurrentSizes> sizes =
      checkRecurrent(loc, adaptor, gates, activations);
  if (failed(sizes))
    return failure();
  addResults(*sizes, getElementTypeOrSelf(adaptor.getInput()), 1, types);
  return success();
}

LogicalResult GruOp::inferReturnTypes(MLIRContext *,
                                      std::optional<Location> loc, Adaptor op,
                                      SmallVectorImpl<Type> &types) {
  return inferOneState(loc, op, 3, 2, types);
}

LogicalResult RnnOp::inferReturnTypes(MLIRContext *,
                                      std::optional<Location> loc, Adaptor op,
                                      SmallVectorImpl<Type> &types) {
  return inferOneState(loc, op, 1, 1, types);
}
