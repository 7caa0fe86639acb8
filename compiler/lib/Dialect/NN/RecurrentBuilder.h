//===- RecurrentBuilder.h - what recurrent layers share ---------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The products of all inputs with the weights do not depend on the state: one
// matrix product before the loop computes them, biases included. A step is left
// with the product of the state and the recurrence weights and with elementwise
// ops. The transposes of weights are ops on constants.
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_LIB_DIALECT_NN_RECURRENTBUILDER_H
#define NNCC_LIB_DIALECT_NN_RECURRENTBUILDER_H

#include "Activations.h"
#include "SpatialUtils.h"
#include "nncc/Dialect/NN/NN.h"
#include "nncc/Dialect/NN/Symbols.h"

namespace nncc::nn {

/// What one step of one direction computes with.
struct RecurrentStep {
  unsigned direction;
  mlir::Value projection;             ///< [N, gates, H], biases included
  llvm::SmallVector<mlir::Value> old; ///< the states, [N, H] each
  llvm::SmallVector<mlir::Value> prepared;
};

/// Emits a recurrent op. A kind of layer says how weights are prepared before
/// the loop and what a step does with its states.
class RecurrentBuilder {
public:
  template <typename Op>
  RecurrentBuilder(Op op, LoweringBuilder &b, unsigned gates,
                   unsigned activationsPerDirection);
  virtual ~RecurrentBuilder() = default;

  /// y and the last states.
  llvm::SmallVector<mlir::Value> build();

  mlir::Value input, weights, recurrence, bias, lengths;
  llvm::SmallVector<mlir::Value> initial; ///< one a state, null for zeros
  bool needsSequence = true;

protected:
  /// Values that all steps of a direction use.
  virtual llvm::SmallVector<mlir::Value> prepare(unsigned direction) = 0;
  /// The new states.
  virtual llvm::SmallVector<mlir::Value> step(const RecurrentStep &step) = 0;
  /// Whether gate `gate`'s recurrence bias may be added before the loop.
  virtual bool joinsBiases(unsigned gate) { return true; }

  mlir::AffineExpr constant(int64_t value) {
    return mlir::getAffineConstantExpr(value, b.getContext());
  }
  mlir::AffineExpr dim(unsigned i) {
    return mlir::getAffineDimExpr(i, b.getContext());
  }
  /// [N, H] of `gate` from `source` [N, gates, H]. Splitting the gates'
  /// dimension makes this an index; as an offset into [N, gates * H] it would
  /// be a slice for the first gate, since linalg takes (n, h) to walk all
  /// columns.
  Operand gate(mlir::Value source, unsigned gate) {
    return {source, {dim(0), constant(gate), dim(1)}};
  }
  Operand state(mlir::Value source) { return {source, {dim(0), dim(1)}}; }
  mlir::Value buildRecurrence(unsigned direction, unsigned firstGate,
                              unsigned gateCount);
  mlir::Value multiply(mlir::Value state, mlir::Value matrix,
                       unsigned gateCount);
  mlir::Value elementwise(llvm::ArrayRef<Operand> operands, ScalarBody body) {
    return buildElementwise(b, loc, operands, {batch, constant(hidden)},
                            element, body);
  }
  const ActivationFunction &activation(unsigned direction, unsigned i) {
    return activations[direction * activationsPerDirection + i];
  }

  LoweringBuilder &b;
  mlir::Location loc;
  unsigned gates;

private:
  mlir::Value buildProjection(unsigned direction);
  mlir::Value buildBias(unsigned direction);
  mlir::Value buildMask();
  llvm::SmallVector<mlir::Value> runStep(RecurrentStep &step, mlir::Value at,
                                         mlir::Value mask,
                                         mlir::Value projections,
                                         mlir::Value &sequence);
  llvm::SmallVector<mlir::Value>
  runDirection(unsigned direction, mlir::Value mask, mlir::Value &sequence);
  mlir::Value initialState(unsigned state, unsigned direction);
  mlir::Value sliceRow(mlir::Value source, mlir::OpFoldResult row,
                       llvm::ArrayRef<mlir::AffineExpr> dims);
  mlir::Value joinDirections(llvm::ArrayRef<mlir::Value> parts);

protected:
  mlir::AffineExpr steps, batch, features;
  int64_t hidden, directions;
  mlir::Type element;

private:
  unsigned activationsPerDirection;
  llvm::SmallVector<ActivationFunction> activations;
  Direction order;
};

template <typename Op>
RecurrentBuilder::RecurrentBuilder(Op op, LoweringBuilder &b, unsigned gates,
                                   unsigned activationsPerDirection)
    : b(b), loc(op.getLoc()), gates(gates),
      activationsPerDirection(activationsPerDirection),
      order(op.getDirection()) {
  llvm::SmallVector<mlir::AffineExpr> dims = getDims(op.getInput().getType());
  steps = dims[0], batch = dims[1], features = dims[2];
  hidden = op.getRecurrence().getType().getDimSize(2);
  directions = order == Direction::Bidirectional ? 2 : 1;
  element = mlir::getElementTypeOrSelf(op.getInput());
  for (auto [i, attr] : llvm::enumerate(op.getActivations())) {
    Activation kind =
        *symbolizeActivation(llvm::cast<mlir::StringAttr>(attr).getValue());
    auto [alpha, beta] = ActivationFunction::getDefaults(kind);
    if (auto alphas = op.getAlphas())
      alpha = (*alphas)[i];
    if (auto betas = op.getBetas())
      beta = (*betas)[i];
    std::optional<double> clip;
    if (auto bound = op.getClip())
      clip = bound->convertToFloat();
    activations.push_back({kind, alpha, beta, clip});
  }
}

} // namespace nncc::nn

#endif // NNCC_LIB_DIALECT_NN_RECURRENTBUILDER_H
