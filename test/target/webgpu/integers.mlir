// REQUIRES: dawn
// RUN: nncc-opt %s --linalg-to-exec | nncc-translate --wgsl - | tee %t.wgsl | FileCheck %s
// RUN: %validate-wgsl %t.wgsl

// Integers lie in memory as 32 bits. Narrow ones wrap as their type does, 64
// bits become 32, booleans are 0 or 1.

// CHECK: b0: array<i32>
// CHECK: b1: array<i32>
// CHECK: b2: array<i32>
// CHECK: let [[A:v[0-9]+]] = b0
// CHECK: << u32(24)
// CHECK: >> u32(24)
// CHECK: & 255
func.func @main(%x: tensor<5xi8>, %y: tensor<5xi64>) -> tensor<5xi1> {
  %e = tensor.empty() : tensor<5xi1>
  %r = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
                       iterator_types = ["parallel"]}
      ins(%x, %y : tensor<5xi8>, tensor<5xi64>) outs(%e : tensor<5xi1>) {
    ^bb0(%a: i8, %b: i64, %c: i1):
      %s = arith.addi %a, %a : i8
      %u = arith.extui %s : i8 to i64
      %l = arith.cmpi slt, %u, %b : i64
      linalg.yield %l : i1
  } -> tensor<5xi1>
  return %r : tensor<5xi1>
}
