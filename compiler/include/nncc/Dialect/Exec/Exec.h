//===- Exec.h - The exec dialect --------------------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_DIALECT_EXEC_EXEC_H
#define NNCC_DIALECT_EXEC_EXEC_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/SetVector.h"

#include "nncc/Dialect/Exec/ExecDialect.h.inc"

#define GET_OP_CLASSES
#include "nncc/Dialect/Exec/ExecOps.h.inc"

namespace nncc::exec {

/// Marks a kernel; a dictionary with what reports say of it: `nodes` (names of
/// the ONNX nodes it computes), `flops` (a map over the symbols).
constexpr llvm::StringLiteral kernelAttrName = "exec.kernel";
/// The number of the symbol whose value an argument holds.
constexpr llvm::StringLiteral symbolAttrName = "exec.symbol";
/// Before kernels are formed: the name of that symbol. Symbols come first.
constexpr llvm::StringLiteral symbolNameAttrName = "nn.symbol";
/// The name of the program's entry function.
constexpr llvm::StringLiteral programName = "nncc_run";
/// The function that gives the arena's size in bytes from the symbols.
constexpr llvm::StringLiteral arenaBytesName = "nncc_arena_bytes";

/// In a program for a device, marks what belongs to the host: buffers in its
/// memory (`exec.alloc`, `exec.weight`), kernels, and, with a text that says
/// why, dispatches and loops that compute tensors.
constexpr llvm::StringLiteral hostAttrName = "exec.host";
/// As arenaBytesName, of the host's memory in such a program.
constexpr llvm::StringLiteral hostArenaBytesName = "nncc_host_arena_bytes";

/// Before a kernel's name: the function with its type whose last two arguments
/// are the steps of the grid, all of which it computes on several threads, and
/// the largest number of parts. The target defines it.
constexpr llvm::StringLiteral parallelPrefix = "nncc_parallel.";

/// Before a number: the function that gives the size of an exec.bind's memory
/// from the symbols.
constexpr llvm::StringLiteral boundBytesPrefix = "nncc_bound_bytes.";
/// As boundBytesPrefix, in a module with a program for a device: of the host's
/// memory, which an exec.bind names with the attribute, and of the device's.
constexpr llvm::StringLiteral hostBoundBytesPrefix = "nncc_host_bound_bytes.";
constexpr llvm::StringLiteral gpuBoundBytesPrefix = "nncc_gpu_bound_bytes.";
constexpr llvm::StringLiteral hostBytesAttrName = "exec.host_bytes";
/// How many of the symbols, the last ones, exec.bind gives their values.
constexpr llvm::StringLiteral boundSymbolsAttrName = "nncc.bound_symbols";
/// The nodes that calls of the runtime speak of, by number.
constexpr llvm::StringLiteral sitesAttrName = "nncc.sites";
/// Functions of the runtime that refuse sizes; a result of 0 ends the run.
constexpr llvm::StringLiteral boundMemoryName = "nncc_bound_memory";
constexpr llvm::StringLiteral checkSizesName = "nncc_check_sizes";
constexpr llvm::StringLiteral growArenasName = "nncc_gpu_grow";
/// Before a function of the runtime that computes tensors, see exec.extern. It
/// gets the addresses of its inputs and outputs, then all their sizes.
constexpr llvm::StringLiteral libraryPrefix = "nncc_library_";

/// Before a number: the function that makes the call of that number in the
/// module's list `nncc.externs`, from the addresses of its inputs and outputs
/// and then all their sizes. The target defines it.
constexpr llvm::StringLiteral externPrefix = "nncc_extern.";
/// The calls of functions outside of the program: for each a dictionary of the
/// `function`, the `node`, the `inputs` and `outputs` (as nncc.inputs), and the
/// `constants`.
constexpr llvm::StringLiteral externsAttrName = "nncc.externs";

/// The program symbol whose value `argument` of `func` holds, if it is one.
std::optional<unsigned> getSymbolArgument(mlir::func::FuncOp func,
                                          mlir::BlockArgument argument);

/// Emits the index that an expression over the program's symbols stands for.
mlir::Value materialize(mlir::OpBuilder &b, mlir::Location loc,
                        mlir::AffineExpr expr, mlir::ValueRange symbols);

/// Visits what computes tensors on the host in a program for a device, from
/// the outside: loops and dispatches, each with the reason.
void walkHostWork(
    mlir::ModuleOp module,
    llvm::function_ref<void(mlir::Operation *, llvm::StringRef)> visit);

/// Adds the nodes of an op and of all that is in it, with its kernels.
void addNodeNames(mlir::Operation *op, llvm::SetVector<llvm::StringRef> &names);

/// The names in a location, e.g. of the ONNX nodes that an op stems from.
llvm::SmallVector<llvm::StringRef> getNodeNames(mlir::Location loc);

} // namespace nncc::exec

#endif
