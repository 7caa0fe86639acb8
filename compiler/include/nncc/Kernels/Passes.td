#ifndef NNCC_KERNELS_PASSES
#define NNCC_KERNELS_PASSES

include "mlir/Pass/PassBase.td"

def GenerateKernels : Pass<"exec-generate-kernels", "::mlir::ModuleOp"> {
  let summary = "Turn the linalg bodies of kernels into vector loops";
  let description = [{
    Each kernel's one or two linalg.generic ops become scf loops over tiles of
    vectors of four lanes, by the schedule of the kernel's class. Remainders are
    smaller vector tiles. What is left works on the kernel's 1-D memrefs alone.
  }];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect"
  ];
}

#endif
