// RUN: nncc-opt %s --lower-to-llvm-dialect | FileCheck %s
// RUN: nncc-opt %s --lower-to-llvm-dialect="index-bitwidth=64 relaxed-madd" | FileCheck %s --check-prefix=WIDE

// CHECK-LABEL: llvm.func @f(%{{.*}}: i32
// CHECK:         llvm.add %{{.*}} : i32
// CHECK:         llvm.intr.fma
// WIDE-LABEL:  llvm.func @f(%{{.*}}: i64
// WIDE:          llvm.call_intrinsic "llvm.wasm.relaxed.madd"
func.func @f(%i: index, %v: vector<4xf32>) -> (index, vector<4xf32>) {
  %j = arith.addi %i, %i : index
  %s = math.fma %v, %v, %v : vector<4xf32>
  return %j, %s : index, vector<4xf32>
}

// Long kernels are to be called in slices, of open sizes by what is known.

// CHECK: llvm.func @long() attributes {{.*}}passthrough = {{\[\[}}"nncc-slices", "16"]]
func.func @long() attributes {exec.kernel = {flops = affine_map<() -> (40000000)>}} {
  return
}
// CHECK: llvm.func @open() attributes {{.*}}passthrough = {{\[\[}}"nncc-slices", "32"]]
func.func @open() attributes {exec.kernel = {flops = affine_map<()[s0] -> (s0 * 400000000)>}} {
  return
}
// CHECK: llvm.func @short() attributes
// CHECK-NOT: passthrough
func.func @short() attributes {exec.kernel = {flops = affine_map<() -> (9000000)>}} {
  return
}
