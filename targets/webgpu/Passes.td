#ifndef NNCC_TARGETS_WEBGPU_PASSES
#define NNCC_TARGETS_WEBGPU_PASSES

include "mlir/Pass/PassBase.td"

def MergeRows : Pass<"webgpu-merge-rows", "::mlir::ModuleOp"> {
  let summary = "Join dispatches that work on the same rows";
  let description = [{
    What costs on a GPU is the dispatch. A reduction and what follows it, as in
    softmax and normalisations, become one kernel with a workgroup for each
    row, if all of them read only rows that they have written themselves. Such
    a kernel calls its parts, one after the other.
  }];
  let dependentDialects = ["::mlir::func::FuncDialect"];
  let options = [Option<"maxBuffers", "max-buffers", "unsigned", "8",
                        "how many buffers a kernel may have">];
}

def GenerateKernels : Pass<"webgpu-generate-kernels", "::mlir::ModuleOp"> {
  let summary = "Turn the linalg bodies of kernels into code for threads";
  let description = [{
    A kernel becomes code for one thread of a workgroup, in the scf, arith,
    math, memref, vector and gpu dialects, with elements in the types that WGSL
    has. `webgpu.workgroups` says how many workgroups a dispatch has,
    `webgpu.workgroup_size` how many threads a workgroup.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect",
    "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

def WidenBuffers : Pass<"webgpu-widen-buffers", "::mlir::ModuleOp"> {
  let summary = "Make buffers that are accessed in vectors buffers of vectors";
  let description = [{
    A buffer of a kernel whose every access is a vector of four elements, at a
    multiple of four, becomes a buffer of such vectors. In the others, vectors are
    put together from elements.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::vector::VectorDialect"];
}

def Raise : Pass<"webgpu-raise", "::mlir::ModuleOp"> {
  let summary = "Replace what WGSL does not have";
  let description = [{
    Afterwards each op of a kernel is one expression or statement of WGSL. Erf
    becomes a polynomial, powers of negative numbers are computed from their
    absolute value, infinities become the largest numbers, tests for NaN look
    at the bits (WGSL, 15.7: an implementation may assume that there are none).
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::vector::VectorDialect"];
}

def ToSpirv : Pass<"webgpu-to-spirv", "::mlir::ModuleOp"> {
  let summary = "Turn raised kernels into modules of SPIR-V";
  let description = [{
    Each kernel becomes a `spirv.module` for Vulkan 1.1 with one entry point,
    whose bindings are those that the WGSL has.
  }];
  let dependentDialects = ["::mlir::gpu::GPUDialect",
                           "::mlir::spirv::SPIRVDialect",
                           "::mlir::vector::VectorDialect"];
}

#endif
