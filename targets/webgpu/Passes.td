#ifndef NNCC_TARGETS_WEBGPU_PASSES
#define NNCC_TARGETS_WEBGPU_PASSES

include "mlir/Pass/PassBase.td"

def FoldTransposes : Pass<"webgpu-fold-transposes", "::mlir::ModuleOp"> {
  let summary = "Let kernels read tensors as they were before a transpose";
  let description = [{
    What costs on a GPU is the dispatch. A linalg.generic that reads transposed
    elements, padded or not, reads them where they were, unless vectors would
    fall apart.
  }];
  let dependentDialects = ["::mlir::tensor::TensorDialect"];
}

def FuseLookups : Pass<"webgpu-fuse-lookups", "::mlir::ModuleOp"> {
  let summary = "Compute what another op looks up where that needs it";
  let description = [{
    A linear interpolation along two axes is two ops, of which the second looks
    its elements up in what the first makes. Here the first becomes a part of the
    second: four elements are read in place of two, and a dispatch is spared. So
    it is with every elementwise op that only lookups read, if no more are needed.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::tensor::TensorDialect"];
}

def SplitLarge : Pass<"webgpu-split-large", "::mlir::ModuleOp"> {
  let summary = "Divide ops on tensors that a GPU need not bind as a whole";
  let description = [{
    Every device binds 128 MiB for a kernel. A linalg.generic that reads or
    writes a larger tensor of known sizes becomes several, for parts of its
    outermost parallel loop that walks such tensors along their outermost
    dimension. Parts of a convolution read rows that overlap. What reads
    a result in the same parts reads them from where they were made: such a
    tensor is never put together. Ops that cannot be divided stay as they are.
  }];
  let options = [
    Option<"maxBytes", "max-bytes", "int64_t", "134217728",
           "What a device binds at most, with elements of 32 bits">,
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def BindWindows : Pass<"webgpu-bind-windows", "::mlir::ModuleOp"> {
  let summary = "Bind of large buffers what a kernel touches alone";
  let description = [{
    Of a program with bound buffers. A kernel that binds more than every device
    does, but whose views lie within less, gets that range of the buffer, from a
    multiple of 256 bytes on. Kernels that become alike are one again.
  }];
  let options = [
    Option<"maxBytes", "max-bytes", "int64_t", "134217728",
           "What a device binds at most">,
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect"];
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
  let options = [
    Option<"useSubgroups", "use-subgroups", "bool", "false",
           "Combine what threads have in subgroups, of whatever size">,
  ];
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

def PackHalves : Pass<"webgpu-pack-halves", "::mlir::ModuleOp"> {
  let summary = "Read and write f16 in words, for GPUs that have no such type";
  let description = [{
    Two halves are a word, as `unpack2x16float` and `pack2x16float` of WGSL have it,
    which become calls of functions of these names. A single half is written by
    atomic operations on the bits of its own. In registers all is f32.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::func::FuncDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::vector::VectorDialect"];
}

def MergeSmall : Pass<"webgpu-merge-small", "::mlir::ModuleOp"> {
  let summary = "Join dispatches of little work";
  let description = [{
    A dispatch costs more than what little work takes: dispatches of a few thousand
    results that follow each other, as in a recurrent step, become one of a single
    workgroup, whose threads wait for each other between its parts. Such a kernel
    calls theirs and has the attribute `webgpu.whole`. What only its parts use is
    memory of its own, which becomes that of the workgroup.
  }];
  let options = [
    Option<"maxElements", "max-elements", "int64_t", "0",
           "Of a buffer that is used in one kernel with others; 0: any number">,
  ];
  let dependentDialects = ["::mlir::func::FuncDialect"];
}

def LoopSmall : Pass<"webgpu-loop-small", "::mlir::ModuleOp"> {
  let summary = "Make one dispatch of the steps of a loop";
  let description = [{
    A loop whose steps are each one dispatch of little work, as those of a recurrent
    layer, goes into the kernel: its only workgroup makes step after step. A loop of
    many steps, or of an open number, becomes one dispatch for each 128.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::nncc::exec::ExecDialect",
                           "::mlir::func::FuncDialect",
                           "::mlir::scf::SCFDialect"];
}

def Raise : Pass<"webgpu-raise", "::mlir::ModuleOp"> {
  let summary = "Replace what WGSL does not have";
  let description = [{
    Afterwards each op of a kernel is one expression or statement of WGSL. Erf
    becomes a polynomial, powers of negative numbers are computed from their
    absolute value, those of integers by squaring, infinities become the largest numbers, tests for NaN look
    at the bits (WGSL, 15.7: an implementation may assume that there are none).
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::scf::SCFDialect",
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

def CutSegments : Pass<"webgpu-cut-segments", "::mlir::ModuleOp"> {
  let summary = "Decide what the host does, and cut where it waits for the GPU";
  let description = [{
    What a GPU cannot run becomes work of the host, marked with `exec.host`: it
    gets copies of the buffers in the host's memory. `exec.upload` brings what
    the host wrote to the GPU, `exec.readback` what the GPU wrote to the host.
    Each readback ends a segment; numbers that later ones need are stored.
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect",
                           "::nncc::exec::ExecDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect"];
}

def BindBuffers : Pass<"webgpu-bind-buffers", "::mlir::ModuleOp"> {
  let summary = "Give kernels whole buffers, as a GPU binds them";
  let description = [{
    Each memref operand of a dispatch becomes a whole buffer (an `exec.alloc`,
    an `exec.weight` or an input), bound once; where in it a kernel works is
    part of the kernel. Kernels that become alike are one again. Elements take
    32 bits: buffers grow and weights are converted. Kernel arguments get
    `webgpu.space`. Indices that are no function of the program's symbols, such
    as the step of a loop, become symbols of their own behind the program's.
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect"];
}

def StoreHalves : Pass<"webgpu-store-halves", "::mlir::ModuleOp"> {
  let summary = "Store weights and tensors between kernels as f16";
  let description = [{
    Of a program with bound buffers. Weights are converted, buffers get half
    their size, and arguments of kernels are marked with `webgpu.half`; kernels
    still compute in f32. Inputs, outputs, what the host sees and what needs more
    precision or range (DelicateTensors.h) stays f32.
  }];
}

def KeepRows : Pass<"webgpu-keep-rows", "::mlir::ModuleOp"> {
  let summary = "Spare memory for what kernels of rows keep in registers";
  let description = [{
    A kernel that works row by row keeps numbers of a row, and rows that are not
    too long, in registers (RowPlan.h). Buffers that only one such dispatch uses,
    and none of its parts reads from memory, disappear.
  }];
  let dependentDialects = ["::mlir::memref::MemRefDialect"];
}

def CompileKernels : Pass<"webgpu-compile-kernels", "::mlir::ModuleOp"> {
  let summary = "Compile each kernel to WGSL";
  let description = [{
    Kernels keep their bodies and get the texts as the attribute
    `webgpu.variants`, and `webgpu.workgroups` and `webgpu.num_symbols`, which
    the recording needs. All kernels that a GPU cannot run are reported, and
    those that bind more than every device does.
  }];
  let options = [
    Option<"maxBytes", "max-bytes", "int64_t", "134217728",
           "What a device binds at most">,
  ];
}

def Record : Pass<"webgpu-record", "::mlir::ModuleOp"> {
  let summary = "Turn the host program into one that writes a list of dispatches";
  let description = [{
    Of a planned program, `nncc_run` becomes `nncc_gpu_record` of the same type,
    to be called with an arena and weights at 0: its results are places in the
    GPU's arena. What it writes is described in docs/module-format.md. Stretches
    without a branch are copied, as a whole, from the attribute
    `webgpu.commands`; only words that depend on the symbols are stored. Of a
    program with segments it writes the list of one: `nncc_gpu_segment` says
    which. What the host does in between stays as it is.
  }];
  let options = [
    Option<"shardBytes", "shard-bytes", "uint64_t", "134217728",
           "The largest buffer of weights">,
  ];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::func::FuncDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect"];
}

def BindSymbols : Pass<"webgpu-bind-symbols", "::mlir::ModuleOp"> {
  let summary = "Let the runtime keep the sizes that segments bind";
  let description = [{
    As exec-bind-sizes does, of a recording with segments: an exec.bind stores
    the values of its symbols and grows both arenas, then the program is called
    again and reads them. Comes after exec-call-kernels.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::func::FuncDialect"];
}

#endif
