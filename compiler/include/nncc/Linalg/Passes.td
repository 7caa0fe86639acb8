#ifndef NNCC_LINALG_PASSES
#define NNCC_LINALG_PASSES

include "mlir/Pass/PassBase.td"

def FuseElementwise : Pass<"linalg-fuse-elementwise", "::mlir::ModuleOp"> {
  let summary = "Join elementwise ops with what reads them";
  let description = [{
    An elementwise op that one other op reads moves into the reader, where that
    computes no element twice. Contractions take no producer in: their inputs
    are read many times.
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def PackWeights : Pass<"linalg-pack-weights", "::mlir::ModuleOp"> {
  let summary = "Lay constant operands of contractions out in panels";
  let description = [{
    The constant operand [.., N] of a contraction becomes panels
    [N/8][reduction..][8], in the order in which the kernels read it; the last
    panel is filled up with zeros. The packing is an op on a constant, which
    `evaluate-constants` then computes.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def EvaluateConstants : Pass<"evaluate-constants", "::mlir::ModuleOp"> {
  let summary = "Compute at build time what depends on constants alone";
  let description = [{
    The parts of @main that depend on constants alone go through the rest of the
    compiler once, for the machine that nncc runs on, and are run; their results
    become constants.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

#endif
