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

} // namespace nncc::nn

#endif // NNCC_DIALECT_NN_NN_H
