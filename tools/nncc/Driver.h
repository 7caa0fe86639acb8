//===- Driver.h - One run of the compiler -----------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TOOLS_NNCC_DRIVER_H
#define NNCC_TOOLS_NNCC_DRIVER_H

#include "frontends/onnx/Extern.h"
#include "frontends/onnx/Import.h"
#include "mlir/IR/MLIRContext.h"
#include "targets/Target.h"

namespace nncc {

/// What the command line asks for.
struct DriverOptions {
  std::string input;
  std::string output;  ///< empty or "-": standard output, for text
  std::string emit;    ///< a stage's name, or what the target emits
  std::string report;  ///< file for the report, .json or .html; empty: none
  std::string profile; ///< a trace of nncc-run --profile for the report
  const Target *target = nullptr;
  onnx::ImportOptions import;
  std::vector<onnx::ExternOperator> externs;
  TargetOptions targetOptions;
  bool requireDevice = false; ///< fail rather than leave work to the CPU
  bool noFallback = false;    ///< leave out the program for the CPU
  bool fastMath = false;      ///< faster forms of a larger rounding error
  bool timing = false;
  bool verbose = false;
};

/// Compiles; on failure diagnostics have been emitted and no file is left.
mlir::LogicalResult runDriver(const DriverOptions &options,
                              mlir::MLIRContext &context);

/// The pipeline's stages and passes as text.
void printPipeline(mlir::MLIRContext &context, llvm::raw_ostream &os);

} // namespace nncc

#endif
