//===- CommandWriter.h - Words of the list of dispatches --------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WEBGPU_COMMANDWRITER_H
#define NNCC_TARGETS_WEBGPU_COMMANDWRITER_H

#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"

namespace nncc::webgpu {

/// The first word of a command (docs/module-format.md).
namespace Command {
enum : int64_t { End, Dispatch, Flush, Readback };
} // namespace Command

/// What a binding is a range of.
namespace Space {
enum : int64_t { Arena, Inputs = 0x100, Weights = 0x200, Symbols = 0x300 };
} // namespace Space

/// Collects the words of dispatches up to a branch; those that are constant go
/// into a template, from which the runtime copies them as a whole.
class CommandWriter {
public:
  CommandWriter(mlir::ModuleOp module, llvm::ArrayRef<mlir::Value> symbols)
      : module(module), symbols(symbols) {}

  void add(int64_t word) { words.push_back(static_cast<int32_t>(word)); }
  /// A word that is an index at run time.
  void add(mlir::Value word);
  /// A word that depends on the symbols, or not.
  void add(mlir::AffineExpr word);

  /// The address of a buffer in the host's memory.
  void addAddress(mlir::OpBuilder &b, mlir::Value memory);

  /// Emits, before `op`, what appends the words collected so far.
  void write(mlir::Operation *op);

  /// Emits what appends the command that writes `count` words to byte `offset`
  /// of the arena. Returns the memory for them.
  mlir::Value addUpload(mlir::OpBuilder &b, mlir::Location loc,
                        mlir::AffineExpr offset, mlir::Value count);

  /// Emits, before `op`, what adds a block of `count` symbols to the uniform
  /// buffer: the program's and `extra`, by number. Returns its offset there.
  mlir::Value
  addSymbolBlock(mlir::Operation *op, int64_t count,
                 llvm::ArrayRef<std::pair<unsigned, mlir::Value>> extra);

  /// The constant words of all stretches.
  mlir::DenseI32ArrayAttr getTemplate();

private:
  mlir::Value call(mlir::OpBuilder &b, mlir::Location loc,
                   llvm::StringRef function, mlir::Type result,
                   mlir::ValueRange arguments);
  void store(mlir::OpBuilder &b, mlir::Location loc, mlir::Value word,
             mlir::Value memory, int64_t at);

  /// A word that the template has not.
  struct Patch {
    unsigned at;
    mlir::Value value;
    mlir::AffineExpr expr;
  };

  mlir::ModuleOp module;
  llvm::ArrayRef<mlir::Value> symbols;
  llvm::SmallVector<int32_t> words, written;
  llvm::SmallVector<Patch> patches;
};

} // namespace nncc::webgpu

#endif
