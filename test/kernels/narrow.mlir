// RUN: nncc-opt %s --linalg-to-exec --exec-generate-kernels --canonicalize --cse | FileCheck %s

// Few columns fill one vector: 6 rows are 6 accumulators. The 5 rows that are
// left of 11 come in twos and one, which end where the rows do.

// CHECK-LABEL: func.func private @kernel(
// CHECK-DAG:     %[[C2:.*]] = arith.constant 2 : index
// CHECK-DAG:     %[[C6:.*]] = arith.constant 6 : index
// CHECK-DAG:     %[[C10:.*]] = arith.constant 10 : index
// CHECK:         %{{.*}}:6 = scf.for
// CHECK:         scf.for %{{.*}} = %[[C6]] to %[[C10]] step %[[C2]]
// CHECK:           %{{.*}}:2 = scf.for
// CHECK:         scf.for {{.*}} iter_args
func.func @main(%x: tensor<11x48xf32>, %w: tensor<48x3xf32>) -> tensor<11x3xf32> {
  %z = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<11x3xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<11x3xf32>) -> tensor<11x3xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<11x48xf32>, tensor<48x3xf32>) outs(%f : tensor<11x3xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %p = arith.mulf %a, %b : f32
      %q = arith.addf %c, %p : f32
      linalg.yield %q : f32
  } -> tensor<11x3xf32>
  return %r : tensor<11x3xf32>
}
