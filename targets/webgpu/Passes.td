#ifndef NNCC_TARGETS_WEBGPU_PASSES
#define NNCC_TARGETS_WEBGPU_PASSES

include "mlir/Pass/PassBase.td"

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

#endif
