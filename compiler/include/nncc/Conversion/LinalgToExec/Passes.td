#ifndef NNCC_CONVERSION_LINALGTOEXEC_PASSES
#define NNCC_CONVERSION_LINALGTOEXEC_PASSES

include "mlir/Pass/PassBase.td"

def LinalgToExec : Pass<"linalg-to-exec", "::mlir::ModuleOp"> {
  let summary = "Outline kernels and turn @main into the host program";
  let description = [{
    Each linalg.generic, with the elementwise op that alone reads a reduction's
    result, becomes a kernel over 1-D memrefs; equal kernels are one. Reshapes
    and slices are views; what is inserted into a larger tensor or padded is
    written there by its producer. `@main` becomes `@nncc_run`, which allocates
    buffers and dispatches the kernels.
  }];
  let dependentDialects = [
    "::nncc::exec::ExecDialect", "::mlir::affine::AffineDialect",
    "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect"
  ];
  let options = [
    Option<"guardPads", "guard-pads", "bool", "false",
           "Read what is padded where it lies, with tests of the indices, "
           "in place of filling borders">,
  ];
}

#endif
