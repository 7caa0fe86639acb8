// RUN: nncc-opt %s --linalg-pack-weights | FileCheck %s

// 12 columns fill a panel of 8 and half of a second one.

// CHECK-DAG: #[[PANELS:.*]] = affine_map<(d0, d1, d2) -> (d1 floordiv 8, d2, d1 mod 8)>
// CHECK-LABEL: func.func @main
// CHECK:         tensor.pad {{.*}} high[0, 4]
// CHECK:         %[[PACKED:.*]] = linalg.generic {{.*}} outs({{.*}} : tensor<2x4x8xf32>)
// CHECK:         linalg.generic {indexing_maps = [{{.*}}, #[[PANELS]], {{.*}}]
// CHECK-SAME:      ins({{.*}}, %[[PACKED]] : tensor<5x4xf32>, tensor<2x4x8xf32>)
func.func @main(%x: tensor<5x4xf32>) -> tensor<5x12xf32> {
  %w = arith.constant dense<1.0> : tensor<4x12xf32>
  %z = arith.constant 0.0 : f32
  %o = tensor.empty() : tensor<5x12xf32>
  %f = linalg.fill ins(%z : f32) outs(%o : tensor<5x12xf32>) -> tensor<5x12xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<5x4xf32>, tensor<4x12xf32>) outs(%f : tensor<5x12xf32>) {
    ^bb0(%i: f32, %j: f32, %c: f32):
      %p = arith.mulf %i, %j : f32
      %q = arith.addf %c, %p : f32
      linalg.yield %q : f32
  } -> tensor<5x12xf32>
  return %r : tensor<5x12xf32>
}
