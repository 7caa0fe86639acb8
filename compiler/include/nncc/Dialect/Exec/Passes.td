#ifndef NNCC_DIALECT_EXEC_PASSES
#define NNCC_DIALECT_EXEC_PASSES

include "mlir/Pass/PassBase.td"

def PlanMemory : Pass<"exec-plan-memory", "::mlir::ModuleOp"> {
  let summary = "Lay buffers out in one arena and weights in one block";
  let description = [{
    Buffers whose lifetimes do not overlap share memory. Sizes that are the same
    function of the symbols are planned together at compile time, in units of
    that function, so the layout of a network with a dynamic batch is as tight
    as that of a static one. Adds the function `nncc_arena_bytes`, and the
    weights with their offsets as the module's attributes `exec.weights`
    and `exec.weight_offsets`. Weights that these attributes name already keep
    their places. Buffers with `exec.host` are laid out by themselves, and their
    size is told by `nncc_host_arena_bytes`. Those whose size depends on symbols
    of an `exec.bind` lie in its memory, the size of which
    `nncc_bound_bytes.N` tells. With `growing` they lie behind the others, and
    that function tells the arena's size from there on;
    `nncc_host_bound_bytes.N`, which the attribute `exec.host_bytes` names, that
    of the host's. Where all sizes are constants and none is larger than `page`,
    no buffer lies across two pages, so that the arena may be several memories of
    that size; the module then has the attribute `exec.arena_page`. With
    `halves` the f32 weights that are f16 as well come first, then those that
    are bf16, and `exec.halves` says how many numbers of either there are.
  }];
  let options = [
    Option<"alignment", "alignment", "int64_t", "64",
           "Of all buffers and weights, in bytes">,
    Option<"growing", "growing", "bool", "false",
           "The arena can grow in a run, with what it holds">,
    Option<"page", "page", "int64_t", "0",
           "Bytes of the arena that surely lie in one memory; 0: all">,
    Option<"halves", "halves", "bool", "false",
           "Put the weights that 16 bits hold first, to be stored so">,
  ];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::memref::MemRefDialect"
  ];
  let statistics = [
    Statistic<"numBuffers", "buffers", "Buffers planned">
  ];
}

def CallKernels : Pass<"exec-call-kernels", "::mlir::ModuleOp"> {
  let summary = "Turn dispatches into calls over the whole grid";
  let description = [{
    With `threads`, a dispatch that is long enough to gain from it calls
    `nncc_parallel.KERNEL`, which the target defines, with the number of steps
    and into how many parts they may be divided.
  }];
  let options = [
    Option<"threads", "threads", "bool", "false",
           "Let several threads compute a dispatch">,
  ];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::func::FuncDialect"];
}

def CallExterns : Pass<"exec-call-externs", "::mlir::ModuleOp"> {
  let summary = "Turn exec.call_extern into calls of declared functions";
  let description = [{
    The functions are called `nncc_extern.N` and described by the module's
    attribute `nncc.externs`, from which the target defines them. Comes before
    exec-call-kernels, which forgets what the symbols were.
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::func::FuncDialect"];
}

def BindSizes : Pass<"exec-bind-sizes", "::mlir::ModuleOp"> {
  let summary = "Turn exec.bind and exec.check into calls of the runtime";
  let description = [{
    Symbols that get their values while the program runs are arguments of the
    program until here. What is computed from one moves behind its exec.bind;
    then the arguments go, also those of the functions of arena sizes.
    The module's attribute `nncc.sites` names the node of each call. Comes after
    exec-call-kernels.
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::func::FuncDialect"];
}

#endif
