// RUN: nncc-opt -split-input-file "-exec-plan-memory=halves=true" %s | FileCheck %s
// RUN: nncc-opt -split-input-file -exec-plan-memory %s | FileCheck %s --check-prefix=PLAIN

// Numbers that are f16 come first, then those that are bf16; the others stay
// f32.

// CHECK:         module attributes {exec.halves = array<i64: 1024, 512>,
// CHECK-SAME:      exec.weight_offsets = array<i64: 0, 4096, 6144, 10240>
// CHECK-SAME:      exec.weights = [dense<6.10947609E-5> : tensor<1024xf32>, dense<1.2676506E+30> : tensor<512xf32>, dense<1.000000e-01> : tensor<1024xf32>, dense<1> : tensor<1024xi32>]
// PLAIN-NOT:     exec.halves
// PLAIN:         exec.weight_offsets = array<i64: 0, 4096, 8192, 10240>
func.func @nncc_run(%arena: memref<?xi8>, %weights: memref<?xi8>) {
  %a = exec.weight dense<1.000000e-01> : tensor<1024xf32> : memref<?xi8>
  %b = exec.weight dense<6.10947609e-05> : tensor<1024xf32> : memref<?xi8>
  %c = exec.weight dense<1.2676506e+30> : tensor<512xf32> : memref<?xi8>
  %d = exec.weight dense<1> : tensor<1024xi32> : memref<?xi8>
  exec.dispatch @kernel grid affine_map<() -> (1)>(%a, %b, %c, %d) : memref<?xi8>, memref<?xi8>, memref<?xi8>, memref<?xi8>
  return
}
func.func private @kernel(%x: memref<?xi8>, %y: memref<?xi8>, %z: memref<?xi8>, %w: memref<?xi8>, %begin: index, %end: index) {
  return
}

// -----

// A few are not worth the code that widens them.

// CHECK-NOT:     exec.halves
// CHECK:         exec.weight_offsets = array<i64: 0>
func.func @nncc_run(%arena: memref<?xi8>, %weights: memref<?xi8>) {
  %a = exec.weight dense<1.000000e+00> : tensor<512xf32> : memref<?xi8>
  exec.dispatch @kernel grid affine_map<() -> (1)>(%a) : memref<?xi8>
  return
}
func.func private @kernel(%x: memref<?xi8>, %begin: index, %end: index) {
  return
}
