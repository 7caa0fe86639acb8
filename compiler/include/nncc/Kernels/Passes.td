#ifndef NNCC_KERNELS_PASSES
#define NNCC_KERNELS_PASSES

include "mlir/Pass/PassBase.td"

def MergeRows : Pass<"exec-merge-rows", "::mlir::ModuleOp"> {
  let summary = "Join dispatches that work on the same rows";
  let description = [{
    A reduction and what follows it, as in softmax and normalisations, become one
    kernel, if all of them read only rows that they have written themselves. It
    calls its parts, one after the other. On a CPU a row stays in the cache from
    part to part, on a GPU a dispatch is what costs. Comes before the memory plan,
    which may otherwise give one part's result the memory of another's operand.
  }];
  let dependentDialects = ["::mlir::func::FuncDialect"];
  let options = [
    Option<"maxBuffers", "max-buffers", "unsigned", "0",
           "How many buffers a kernel may have; 0: any number">,
    Option<"asLoop", "as-loop", "bool", "true",
           "Rows must be the steps of one loop, of more than one, and each "
           "dispatch read what one before has written">,
    Option<"maxElements", "max-elements", "int64_t", "0",
           "Of a buffer that is used in one kernel with others; 0: any number">,
  ];
}

def GenerateKernels : Pass<"exec-generate-kernels", "::mlir::ModuleOp"> {
  let summary = "Turn the linalg bodies of kernels into vector loops";
  let description = [{
    Each kernel's one or two linalg.generic ops become scf loops over tiles of
    vectors of four lanes, by the schedule of the kernel's class. Remainders are
    smaller vector tiles. What is left works on the kernel's 1-D memrefs alone.
    A kernel that calls others (exec-merge-rows) runs them on a few rows at a time.
  }];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect"
  ];
}

#endif
