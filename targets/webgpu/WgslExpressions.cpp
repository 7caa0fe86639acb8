//===- WgslExpressions.cpp - Ops that are one expression of WGSL ----------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/webgpu/WgslExpressions.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace nncc::webgpu {

static const llvm::StringMap<StringRef> &getExpressions() {
  static const llvm::StringMap<StringRef> expressions = {
      {"arith.addf", "$0 + $1"},
      {"arith.addi", "$0 + $1"},
      {"arith.andi", "$0 & $1"},
      {"arith.bitcast", "bitcast<$T>($0)"},
      {"arith.divf", "$0 / $1"},
      {"arith.divsi", "$0 / $1"},
      {"arith.divui", "$T($U($0) / $U($1))"},
      {"arith.extf", "$T($0)"},
      {"arith.extsi", "-$T($0)"},
      {"arith.extui", "$T($0)"},
      {"arith.fptosi", "$T($0)"},
      {"arith.fptoui", "$T($U($0))"},
      {"arith.index_cast", "$0"},
      {"arith.index_castui", "$0"},
      {"arith.maximumf", "max($0, $1)"},
      {"arith.maxnumf", "max($0, $1)"},
      {"arith.maxsi", "max($0, $1)"},
      {"arith.maxui", "$T(max($U($0), $U($1)))"},
      {"arith.minimumf", "min($0, $1)"},
      {"arith.minnumf", "min($0, $1)"},
      {"arith.minsi", "min($0, $1)"},
      {"arith.minui", "$T(min($U($0), $U($1)))"},
      {"arith.mulf", "$0 * $1"},
      {"arith.muli", "$0 * $1"},
      {"arith.negf", "-$0"},
      {"arith.ori", "$0 | $1"},
      {"arith.remf", "$0 % $1"},
      {"arith.remsi", "$0 % $1"},
      {"arith.remui", "$T($U($0) % $U($1))"},
      {"arith.select", "select($2, $1, $0)"},
      {"arith.shli", "$0 << $U($1)"},
      {"arith.shrsi", "$0 >> $U($1)"},
      {"arith.shrui", "$T($U($0) >> $U($1))"},
      {"arith.sitofp", "$T($0)"},
      {"arith.subf", "$0 - $1"},
      {"arith.subi", "$0 - $1"},
      {"arith.truncf", "$T($0)"},
      {"arith.uitofp", "$T($U($0))"},
      {"arith.xori", "$0 ^ $1"},
      {"math.absf", "abs($0)"},
      {"math.absi", "abs($0)"},
      {"math.acos", "acos($0)"},
      {"math.acosh", "acosh($0)"},
      {"math.asin", "asin($0)"},
      {"math.asinh", "asinh($0)"},
      {"math.atan", "atan($0)"},
      {"math.atan2", "atan2($0, $1)"},
      {"math.atanh", "atanh($0)"},
      {"math.ceil", "ceil($0)"},
      {"math.cos", "cos($0)"},
      {"math.cosh", "cosh($0)"},
      {"math.ctlz", "countLeadingZeros($0)"},
      {"math.exp", "exp($0)"},
      {"math.exp2", "exp2($0)"},
      {"math.expm1", "exp($0) - 1.0f"},
      {"math.floor", "floor($0)"},
      {"math.fma", "fma($0, $1, $2)"},
      {"math.log", "log($0)"},
      {"math.log1p", "log($0 + 1.0f)"},
      {"math.log2", "log2($0)"},
      {"math.powf", "pow($0, $1)"},
      {"math.roundeven", "round($0)"},
      {"math.rsqrt", "inverseSqrt($0)"},
      {"math.sin", "sin($0)"},
      {"math.sinh", "sinh($0)"},
      {"math.sqrt", "sqrt($0)"},
      {"math.tan", "tan($0)"},
      {"math.tanh", "tanh($0)"},
      {"math.trunc", "trunc($0)"},
      {"vector.broadcast", "$T($0)"},
      {"vector.fma", "fma($0, $1, $2)"},
      {"vector.splat", "$T($0)"},
      // Functions of WGSL's own.
      {"pack2x16float", "bitcast<$T>(pack2x16float($0))"},
      {"unpack2x16float", "unpack2x16float(bitcast<u32>($0))"},
  };
  return expressions;
}

static StringRef getComparison(arith::CmpIPredicate predicate) {
  static constexpr StringLiteral comparisons[] = {
      "$0 == $1",        "$0 != $1",         "$0 < $1",
      "$0 <= $1",        "$0 > $1",          "$0 >= $1",
      "$U($0) < $U($1)", "$U($0) <= $U($1)", "$U($0) > $U($1)",
      "$U($0) >= $U($1)"};
  return comparisons[static_cast<unsigned>(predicate)];
}

static StringRef getComparison(arith::CmpFPredicate predicate) {
  // Whether NaN compares as true is not WGSL's to say.
  static constexpr StringLiteral comparisons[] = {
      "",         "$0 == $1", "$0 > $1",  "$0 >= $1", "$0 < $1",  "$0 <= $1",
      "$0 != $1", "$0 == $0", "$0 == $1", "$0 > $1",  "$0 >= $1", "$0 < $1",
      "$0 <= $1", "$0 != $1", "$0 != $0", ""};
  return comparisons[static_cast<unsigned>(predicate)];
}

static StringRef getReduction(gpu::AllReduceOperation reduction) {
  switch (reduction) {
  case gpu::AllReduceOperation::ADD:
    return "subgroupAdd($0)";
  case gpu::AllReduceOperation::MUL:
    return "subgroupMul($0)";
  case gpu::AllReduceOperation::MAXNUMF:
  case gpu::AllReduceOperation::MAXSI:
    return "subgroupMax($0)";
  case gpu::AllReduceOperation::MINNUMF:
  case gpu::AllReduceOperation::MINSI:
    return "subgroupMin($0)";
  default:
    return "";
  }
}

StringRef getWgslExpression(Operation *op) {
  if (auto reduce = dyn_cast<gpu::SubgroupReduceOp>(op))
    return getReduction(reduce.getOp());
  if (auto compare = dyn_cast<arith::CmpIOp>(op))
    return getComparison(compare.getPredicate());
  if (auto compare = dyn_cast<arith::CmpFOp>(op))
    return getComparison(compare.getPredicate());
  if (op->getNumResults() != 1)
    return "";
  if (isa<arith::XOrIOp>(op) &&
      getElementTypeOrSelf(op->getResult(0)).isInteger(1))
    return "$0 != $1";
  if (isa<arith::UIToFPOp>(op) &&
      getElementTypeOrSelf(op->getOperand(0)).isInteger(1))
    return "$T($0)";
  if (auto call = dyn_cast<func::CallOp>(op))
    return getExpressions().lookup(call.getCallee());
  return getExpressions().lookup(op->getName().getStringRef());
}

std::string getWgslType(Type type) {
  if (type.isF32())
    return "f32";
  if (type.isF16())
    return "f16";
  if (type.isInteger(1))
    return "bool";
  if (type.isInteger(32) || type.isIndex())
    return "i32";
  auto vector = dyn_cast<VectorType>(type);
  if (!vector || vector.getRank() != 1 || vector.getDimSize(0) < 2 ||
      vector.getDimSize(0) > 4)
    return "";
  std::string element = getWgslType(vector.getElementType());
  if (element.empty())
    return "";
  return "vec" + std::to_string(vector.getDimSize(0)) + "<" + element + ">";
}

/// In hexadecimal: exact, and never rounded beyond the largest number. Of 0 as
/// f16 naga does not take that.
static std::string getNumber(FloatAttr number) {
  APFloat value = number.getValue();
  char digits[40] = "0";
  if (!value.isZero())
    llvm::abs(value).convertToHexString(digits, /*hexDigits=*/0,
                                        /*upperCase=*/false,
                                        APFloat::rmNearestTiesToEven);
  StringRef suffix = number.getType().isF16() ? "h" : "f";
  std::string text = std::string(digits) + suffix.str();
  return value.isNegative() ? "(-" + text + ")" : text;
}

std::string getWgslConstant(TypedAttr value) {
  if (auto number = dyn_cast<FloatAttr>(value))
    return getNumber(number);
  if (auto number = dyn_cast<IntegerAttr>(value)) {
    if (number.getType().isInteger(1))
      return number.getValue().isZero() ? "false" : "true";
    int64_t digits = number.getValue().getSExtValue();
    return digits < 0 ? llvm::formatv("i32({0})", digits).str()
                      : std::to_string(digits);
  }
  auto splat = dyn_cast<SplatElementsAttr>(value);
  if (!splat)
    return "";
  std::string element = getWgslConstant(splat.getSplatValue<TypedAttr>());
  return getWgslType(value.getType()) + "(" + element + ")";
}

} // namespace nncc::webgpu
