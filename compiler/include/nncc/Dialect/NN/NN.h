//===- NN.h - the nn dialect ------------------------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_DIALECT_NN_NN_H
#define NNCC_DIALECT_NN_NN_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "nncc/Dialect/NN/ElementRange.h"
#include "nncc/Dialect/NN/LoweringBuilder.h"
#include "nncc/Dialect/NN/Symbols.h"

#include "nncc/Dialect/NN/NNDialect.h.inc"
#include "nncc/Dialect/NN/NNEnums.h.inc"
#include "nncc/Dialect/NN/NNInterfaces.h.inc"

#define GET_OP_CLASSES
#include "nncc/Dialect/NN/NNOps.h.inc"

namespace nncc::nn {

/// On a function: the names of the program's symbols.
constexpr llvm::StringLiteral symbolsAttrName = "nn.symbols";
/// On a function: how many of the symbols, the last ones, nn.bind_sizes gives
/// their values.
constexpr llvm::StringLiteral boundSymbolsAttrName = "nn.bound_symbols";
/// On an argument or a result: the name of an input or an output.
constexpr llvm::StringLiteral nameAttrName = "nn.name";
/// After lowering, on an index argument: the name of the symbol it holds.
constexpr llvm::StringLiteral symbolAttrName = "nn.symbol";

/// An element of an op's operand, by its number in row-major order.
struct ElementSource {
  unsigned operand;
  int64_t element;
};

/// Where the elements of the result of an op that only moves elements come
/// from, in row-major order; none for other ops, for open sizes and for more
/// than maxSymbolicElements elements.
std::optional<llvm::SmallVector<ElementSource>>
getElementSources(SymbolicValueOpInterface op);

/// Creates an op whose result types are inferred from `args`, those of its
/// builder after the result types. Unlike OpBuilder::create, which aborts, an
/// error is emitted at `loc` if the operands do not fit.
template <typename Op, typename... Args>
mlir::FailureOr<Op> tryCreate(mlir::OpBuilder &b, mlir::Location loc,
                              Args &&...args) {
  mlir::OperationState state(loc, Op::getOperationName());
  if constexpr (Op::template hasTrait<mlir::OpTrait::OneResult>()) {
    Op::build(b, state, mlir::Type(), std::forward<Args>(args)...);
  } else {
    constexpr unsigned count =
        Op::template hasTrait<mlir::OpTrait::NResults<2>::Impl>() ? 2 : 3;
    mlir::SmallVector<mlir::Type> none(count);
    Op::build(b, state, mlir::TypeRange(none), std::forward<Args>(args)...);
  }
  state.types.clear();
  if (mlir::failed(
          Op::inferReturnTypes(b.getContext(), loc, state.operands,
                               state.attributes.getDictionary(b.getContext()),
                               state.getRawProperties(), {}, state.types)))
    return mlir::failure();
  return mlir::cast<Op>(b.create(state));
}

} // namespace nncc::nn

#endif // NNCC_DIALECT_NN_NN_H
