// RUN: nncc-opt %s --linalg-to-exec | FileCheck %s

// 5 x 3 sums of 8 dot products: two multiplications and two additions each.
// CHECK: #[[FLOPS:.*]] = affine_map<() -> (480)>
// CHECK: flops = #[[FLOPS]]
func.func @main(%x: tensor<5x8xi32>, %w: tensor<8x3xi32>) -> tensor<5x3xi32> {
  %z = arith.constant 0 : i32
  %o = tensor.empty() : tensor<5x3xi32>
  %f = linalg.fill ins(%z : i32) outs(%o : tensor<5x3xi32>) -> tensor<5x3xi32>
  %r = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<5x8xi32>, tensor<8x3xi32>) outs(%f : tensor<5x3xi32>) {
    ^bb0(%i: i32, %j: i32, %c: i32):
      %p = exec.dot %i, %j : i32
      %s = arith.addi %c, %p : i32
      linalg.yield %s : i32
  } -> tensor<5x3xi32>
  return %r : tensor<5x3xi32>
}
