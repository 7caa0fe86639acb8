//===- Scalars.h - scalar forms of elementwise ops --------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each function emits arith and math ops on signless scalars. `type` is the nn
// element type of the operands, which says whether integers are signed.
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_LIB_DIALECT_NN_SCALARS_H
#define NNCC_LIB_DIALECT_NN_SCALARS_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributeInterfaces.h"

namespace nncc::nn::scalar {

using mlir::Location;
using mlir::OpBuilder;
using mlir::Type;
using mlir::Value;
using mlir::ValueRange;

/// Constants of the plain form of `type`.
mlir::TypedAttr getNumber(Type type, double value);
mlir::TypedAttr getZero(Type type);
mlir::TypedAttr getOne(Type type);
/// The value that no other is less (greater) than: an infinity of floats.
mlir::TypedAttr getLeast(Type type);
mlir::TypedAttr getGreatest(Type type);

Value constant(OpBuilder &b, Location loc, mlir::TypedAttr value);
Value constant(OpBuilder &b, Location loc, Type type, double value);

Value abs(OpBuilder &b, Location loc, Type type, ValueRange args);
Value neg(OpBuilder &b, Location loc, Type type, ValueRange args);
Value sign(OpBuilder &b, Location loc, Type type, ValueRange args);
Value relu(OpBuilder &b, Location loc, Type type, ValueRange args);
Value rsqrt(OpBuilder &b, Location loc, Type type, ValueRange args);
Value reciprocal(OpBuilder &b, Location loc, Type type, ValueRange args);
Value sigmoid(OpBuilder &b, Location loc, Type type, ValueRange args);
Value softplus(OpBuilder &b, Location loc, Type type, ValueRange args);
Value bitNot(OpBuilder &b, Location loc, Type type, ValueRange args);
Value isNaN(OpBuilder &b, Location loc, Type type, ValueRange args);
Value isInf(OpBuilder &b, Location loc, Type type, ValueRange args,
            bool negative, bool positive);
Value cast(OpBuilder &b, Location loc, Type type, Type to, ValueRange args);
/// The bits as `to`.
Value bitcast(OpBuilder &b, Location loc, Type to, ValueRange args);

Value add(OpBuilder &b, Location loc, Type type, ValueRange args);
Value sub(OpBuilder &b, Location loc, Type type, ValueRange args);
Value mul(OpBuilder &b, Location loc, Type type, ValueRange args);
Value div(OpBuilder &b, Location loc, Type type, ValueRange args);
Value mod(OpBuilder &b, Location loc, Type type, ValueRange args, bool fmod);
/// One comparison and one selection: keeps a NaN of the first operand only.
Value min(OpBuilder &b, Location loc, Type type, ValueRange args);
Value max(OpBuilder &b, Location loc, Type type, ValueRange args);
/// Keep any NaN.
Value minNaN(OpBuilder &b, Location loc, Type type, ValueRange args);
Value maxNaN(OpBuilder &b, Location loc, Type type, ValueRange args);
/// `known` is the exponent where it is a constant.
Value pow(OpBuilder &b, Location loc, Type type, Type exponentType,
          ValueRange args, std::optional<double> known);
Value shiftLeft(OpBuilder &b, Location loc, Type type, ValueRange args);
Value shiftRight(OpBuilder &b, Location loc, Type type, ValueRange args);

Value equal(OpBuilder &b, Location loc, Type type, ValueRange args);
Value less(OpBuilder &b, Location loc, Type type, ValueRange args);
Value lessEqual(OpBuilder &b, Location loc, Type type, ValueRange args);
Value greater(OpBuilder &b, Location loc, Type type, ValueRange args);
Value greaterEqual(OpBuilder &b, Location loc, Type type, ValueRange args);

Value clamp(OpBuilder &b, Location loc, Type type, ValueRange args);

/// args: a number, its scale and its zero point.
Value dequantize(OpBuilder &b, Location loc, Type type, Type result,
                 ValueRange args);
Value quantize(OpBuilder &b, Location loc, Type type, Type scaleType,
               Type result, ValueRange args);
/// The nearest integer of `value`, of f32, between `low` and `high`, which are
/// less than 2^22, as a `result`. A NaN becomes `low`.
Value saturate(OpBuilder &b, Location loc, Type result, Value value,
               int64_t low, int64_t high);

} // namespace nncc::nn::scalar

#endif // NNCC_LIB_DIALECT_NN_SCALARS_H
