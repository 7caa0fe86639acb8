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
