#ifndef NNCC_LINALG_PASSES
#define NNCC_LINALG_PASSES

include "mlir/Pass/PassBase.td"

def FuseElementwise : Pass<"linalg-fuse-elementwise", "::mlir::ModuleOp"> {
  let summary = "Join elementwise ops with what reads them";
  let description = [{
    An elementwise op that one other op reads moves into the reader, where that
    computes no element twice. Contractions take no producer in: their inputs
    are read many times. Where an elementwise op reads through a reshape what
    another op computes for it alone, it comes before the reshape, so that both
    are one kernel.
  }];
  let options = [
    Option<"maxInputs", "max-inputs", "unsigned", "0",
           "The most inputs that a fused op may have; 0: any number">,
  ];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def HoistInvariants : Pass<"linalg-hoist-invariants", "::mlir::ModuleOp"> {
  let summary = "Move what each step of a loop computes alike before the loop";
  let description = [{
    What needs a size that the loop itself binds stays in it.
  }];
}

def Winograd : Pass<"linalg-winograd", "::mlir::ModuleOp"> {
  let summary = "Compute 3x3 convolutions of stride 1 with fewer products";
  let description = [{
    Convolutions by a constant 3x3 filter become Winograd's minimal filtering
    where that is faster: transforms of the input, one product of matrices for
    each of the (m + 2)^2 points of a tile, and a transform to m x m outputs
    that also computes the epilogue. Large images are walked in blocks of rows,
    so that what lies between stays in the cache.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect"];
  let options = [
    Option<"largestTile", "largest-tile", "int64_t", "2",
           "Largest m: 2 is as exact as the direct form, 4 is not; 0: none">
  ];
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

def NarrowWeights : Pass<"linalg-narrow-weights", "::mlir::ModuleOp"> {
  let summary = "Keep pairs of small integers in half the bytes";
  let description = [{
    Constant pairs of i16 that exec.dot multiplies, all of which fit into i8,
    become pairs of i8, which the kernel widens when it loads them. That takes
    some percent of its time; constants of few bytes do not make a module large,
    but are often those of large images.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::nncc::exec::ExecDialect"];
  let options = [
    Option<"leastBytes", "least-bytes", "uint64_t", "65536",
           "Constants of fewer bytes stay as they are">
  ];
}

def ShardConstants : Pass<"linalg-shard-constants", "::mlir::ModuleOp"> {
  let summary = "Divide constants that are too large for a device";
  let description = [{
    A constant of more elements than a device can bind becomes several, along its
    outermost dimension. Products that read it along a parallel loop become one
    for each, which write into parts of one result; what looks elements up in
    it looks into each and takes one. A constant that is read in another way, or
    would be by kernels of too many inputs, stays whole.
  }];
  let options = [
    Option<"maxElements", "max-elements", "int64_t", "0",
           "The most elements that a constant may have; 0: any number">,
    Option<"maxInputs", "max-inputs", "unsigned", "0",
           "The most inputs that an op may have; 0: any number">,
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

#endif
