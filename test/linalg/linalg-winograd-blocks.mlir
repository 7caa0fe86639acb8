// RUN: nncc-opt %s --linalg-winograd | FileCheck %s

// 16 MB of factors that every block reads again: blocks of 7 rows of tiles,
// though one would fill the cache; two of them make 14 rows without overlap.

// CHECK-LABEL: func.func @main
// CHECK:         scf.for
// CHECK:           tensor.extract_slice {{.*}} [1, 16, 30, 512] [1, 1, 1, 1]
// CHECK:           linalg.generic {{.*}} ins({{.*}} : tensor<16x1x7x14x512xf32>, tensor<16x512x512xf32>)
func.func @main(%x: tensor<1x30x30x512xf32>) -> tensor<1x28x28x512xf32> {
  %w = arith.constant dense<1.0> : tensor<3x3x512x512xf32>
  %z = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<1x28x28x512xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<1x28x28x512xf32>) -> tensor<1x28x28x512xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(n, h, w, o, i, j, c) -> (n, h + i, w + j, c)>, affine_map<(n, h, w, o, i, j, c) -> (i, j, c, o)>, affine_map<(n, h, w, o, i, j, c) -> (n, h, w, o)>],
                       iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%x, %w : tensor<1x30x30x512xf32>, tensor<3x3x512x512xf32>) outs(%f : tensor<1x28x28x512xf32>) {
    ^bb0(%i: f32, %j: f32, %c: f32):
      %p = arith.mulf %i, %j : f32
      %q = arith.addf %c, %p : f32
      linalg.yield %q : f32
  } -> tensor<1x28x28x512xf32>
  return %r : tensor<1x28x28x512xf32>
}
