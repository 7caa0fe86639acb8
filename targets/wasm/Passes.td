#ifndef NNCC_TARGETS_WASM_PASSES
#define NNCC_TARGETS_WASM_PASSES

include "mlir/Pass/PassBase.td"

def WidenArenaBytes : Pass<"widen-arena-bytes", "::mlir::ModuleOp"> {
  let summary = "Compute the size of the arena in 64 bits";
  let description = [{
    The sizes of inputs may ask for more memory than 32 bits can count. With an
    i64 in place of the index in `nncc_arena_bytes` the runtime sees that.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def WidenNarrowMath : Pass<"widen-narrow-math"> {
  let summary = "Compute with f16 and bf16 in f32";
  let description = [{
    What goes from one op to the next within a kernel, and from one step of a
    loop to the next, stays f32. Casts that the network asks for still round.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::scf::SCFDialect"];
}

def MathToPolynomials : Pass<"math-to-polynomials", "::mlir::ModuleOp"> {
  let summary = "Expand math functions into arithmetic";
  let description = [{
    The frequent functions of f32 (scalars and vectors) become rational
    approximations in arith ops, a few ulp from the exact value for every
    argument. `math.exp` with the flag `afn` is one of a number that is not above
    88, and is 0 where the result would be denormal. The others and all of f64 become calls, lane by lane, of the
    functions that runtime/core/Math.h declares. What a wasm instruction
    computes (sqrt, floor, ceil, trunc, nearest, abs, copysign) stays.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
    "::mlir::math::MathDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect"
  ];
}

def ExpandArith : Pass<"expand-arith-for-wasm"> {
  let summary = "Expand arithmetic that no wasm instruction computes";
  let description = [{
    Conversions of f16 and bf16 become integer arithmetic; minnumf, maxnumf and rounding divisions become
    selects; reductions of vectors become trees of shuffles, so that the order
    of a sum is the same everywhere. Without relaxed SIMD a fused multiply-add
    is a multiplication and an addition. With `contract`, a multiplication and
    the addition that alone uses it become one fused multiply-add.
  }];
  let options = [
    Option<"contract", "contract", "bool", "false",
           "Fuse multiplications and additions of vectors of four f32">,
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
    "::mlir::vector::VectorDialect"
  ];
}

def MemRefToPointer : Pass<"memref-to-pointer", "::mlir::ModuleOp"> {
  let summary = "Turn 1-D memrefs into bare pointers";
  let description = [{
    A memref is the address of its first element; loads and stores of elements
    and vectors become in-bounds address computations (so that constant parts
    can become immediate offsets) and accesses aligned as the element type.
    Booleans are bytes.
  }];
  let options = [
    Option<"indexBitwidth", "index-bitwidth", "unsigned", "32",
           "Bits of an index">,
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect"
  ];
}

def LowerToLLVM : Pass<"lower-to-llvm-dialect", "::mlir::ModuleOp"> {
  let summary = "Convert what works on pointers, vectors and scalars to LLVM";
  let options = [
    Option<"indexBitwidth", "index-bitwidth", "unsigned", "32",
           "Bits of an index">,
    Option<"relaxedMadd", "relaxed-madd", "bool", "false",
           "Use the relaxed SIMD multiply-add for fused multiply-adds">,
    Option<"simd", "simd", "bool", "false",
           "Use the SIMD instructions that LLVM has no generic form of">,
  ];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

#endif
