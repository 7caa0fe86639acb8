// RUN: nncc-opt %s --linalg-to-exec --exec-generate-kernels --canonicalize --cse | FileCheck %s

// Rows of 7 pixels in a padded image are walked as one: tiles of 4 of the 49
// pixels, whose addresses are computed once a tile, and one tile of the last.

// CHECK-LABEL: func.func private @kernel(
// CHECK-DAG:     %[[WIDTH:.*]] = arith.constant 7 : index
// CHECK-DAG:     %[[LAST:.*]] = arith.constant 48 : index
// CHECK:         %[[END:.*]] = arith.minui %{{.*}}, %[[LAST]]
// CHECK:         scf.for %{{.*}} to %[[END]]
// CHECK-COUNT-4:   arith.remui %{{.*}}, %[[WIDTH]]
// CHECK:           %{{.*}}:8 = scf.for
// CHECK-NOT:     %{{.*}}:4 = scf.for
// CHECK:         %{{.*}}:2 = scf.for
func.func @main(%x: tensor<1x9x9x16xf32>, %w: tensor<3x3x16x8xf32>) -> tensor<1x7x7x8xf32> {
  %z = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<1x7x7x8xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<1x7x7x8xf32>) -> tensor<1x7x7x8xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(n, h, w, o, i, j, c) -> (n, h + i, w + j, c)>, affine_map<(n, h, w, o, i, j, c) -> (i, j, c, o)>, affine_map<(n, h, w, o, i, j, c) -> (n, h, w, o)>],
                       iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%x, %w : tensor<1x9x9x16xf32>, tensor<3x3x16x8xf32>) outs(%f : tensor<1x7x7x8xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %p = arith.mulf %a, %b : f32
      %q = arith.addf %c, %p : f32
      linalg.yield %q : f32
  } -> tensor<1x7x7x8xf32>
  return %r : tensor<1x7x7x8xf32>
}
