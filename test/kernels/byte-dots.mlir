// RUN: nncc-opt %s --linalg-to-exec --exec-generate-kernels --canonicalize --cse | FileCheck %s

// Products of bytes: two dot products an iteration go into each sum, which
// target wasm makes one where it may; the fifth stands behind the loop.

// CHECK-LABEL: func.func private @kernel(
// CHECK-DAG:     %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG:     %[[C2:.*]] = arith.constant 2 : index
// CHECK-DAG:     %[[C4:.*]] = arith.constant 4 : index
// CHECK:         scf.for %{{.*}} = %[[C0]] to %[[C4]] step %[[C2]] iter_args(%[[SUM:[a-z0-9]+]] =
// CHECK:           %[[FIRST:.*]] = exec.dot %{{.*}}, %{{.*}} {bytes} : vector<4xi32>
// CHECK:           %[[ONE:.*]] = arith.addi %[[SUM]], %[[FIRST]]
// CHECK:           arith.addi %[[ONE]], %{{.*}} : vector<4xi32>
// CHECK:         scf.yield
// CHECK:         %[[LAST:.*]] = exec.dot
// CHECK-NEXT:    arith.addi %{{.*}}, %[[LAST]]
func.func @main(%x: tensor<4x5xi32>, %w: tensor<5x8xi32>) -> tensor<4x8xi32> {
  %z = arith.constant 0 : i32
  %e = tensor.empty() : tensor<4x8xi32>
  %f = linalg.fill ins(%z : i32) outs(%e : tensor<4x8xi32>) -> tensor<4x8xi32>
  %r = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<4x5xi32>, tensor<5x8xi32>) outs(%f : tensor<4x8xi32>) {
    ^bb0(%a: i32, %b: i32, %c: i32):
      %p = exec.dot %a, %b {bytes} : i32
      %q = arith.addi %c, %p : i32
      linalg.yield %q : i32
  } -> tensor<4x8xi32>
  return %r : tensor<4x8xi32>
}
