//===- Signature.h - What a program takes and gives -------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WASM_SIGNATURE_H
#define NNCC_TARGETS_WASM_SIGNATURE_H

#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/SmallVector.h"

#include <optional>
#include <string>
#include <vector>

namespace nncc::wasm {

struct SymbolInfo {
  std::string name;
  int64_t low = 0;
  std::optional<int64_t> high;
  std::string node; ///< The one that needs these bounds; empty for none.
};

/// An input or an output.
struct TensorInfo {
  std::string name;
  llvm::StringRef typeName; ///< As in the signature: "f32", "u8", "bool" ...
  uint8_t typeCode;         ///< As in DLPack.
  uint8_t bits;
  llvm::SmallVector<mlir::AffineExpr> dims; ///< Over the symbols.
};

/// A call of a function outside of the program.
struct ExternCall {
  std::string function; ///< "DOMAIN::OP"
  std::string node;
  llvm::SmallVector<TensorInfo> inputs, outputs;
  mlir::DictionaryAttr constants; ///< What it gets by name.
};

struct Signature {
  llvm::SmallVector<SymbolInfo> symbols;
  /// Names of the symbols after those, whose values data tell.
  llvm::SmallVector<std::string> boundSymbols;
  llvm::SmallVector<TensorInfo> inputs, outputs;
  std::vector<ExternCall> externs;
  /// Nodes that may refuse the sizes that their data tell.
  std::vector<std::string> sites;
  /// Outputs that become inputs of the next run.
  std::vector<std::pair<std::string, std::string>> state;
};

/// What belongs to the module rather than to the program.
struct ModuleInfo {
  std::string sourceName, sourceHash;
  llvm::SmallVector<std::string> features;
  std::optional<int64_t> arenaBytes; ///< None if it depends on the symbols.
  std::optional<int64_t> flops;      ///< Of one run; none as above.
  uint64_t weightBytes = 0;
  unsigned numKernels = 0;
  /// Of the file with the weights; empty if they are in the module.
  std::string weightFile, weightHash;
};

/// Reads the attributes nncc.symbols, nncc.symbol_bounds, nncc.inputs and
/// nncc.outputs of a program, and nncc.externs if it is there. Fails with a
/// diagnostic if one is missing or if an input's dimension is neither a number
/// nor a symbol.
mlir::FailureOr<Signature> readSignature(mlir::ModuleOp program);

/// Fails with a diagnostic unless each pair is an output and an input of equal
/// types and equal fixed sizes.
mlir::LogicalResult checkState(mlir::ModuleOp program,
                               const Signature &signature);

/// A size over the symbols, for people to read.
std::string printDim(mlir::AffineExpr expr, llvm::ArrayRef<SymbolInfo> symbols);

/// The signature as JSON (docs/module-format.md).
std::string printSignature(const Signature &signature, const ModuleInfo &info);

} // namespace nncc::wasm

#endif
