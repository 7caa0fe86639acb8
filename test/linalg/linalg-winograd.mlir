// RUN: nncc-opt %s --linalg-winograd | FileCheck %s
// RUN: nncc-opt %s --linalg-winograd=largest-tile=4 | FileCheck %s --check-prefix=FOUR
// RUN: nncc-opt %s --linalg-winograd=largest-tile=0 | FileCheck %s --check-prefix=NONE

// 15 x 14 outputs of an unknown number of images: 8 x 7 tiles, the last row of
// which overlaps the one before it. The epilogue moves into the transform of the
// output.

// CHECK-LABEL: func.func @main
// The filter at 16 points, before the loop.
// CHECK:         linalg.generic {{.*}} ins({{.*}} : tensor<16x3x3xf32>, tensor<3x3x64x64xf32>) outs({{.*}} : tensor<16x64x64xf32>)
// CHECK:         scf.for
// CHECK:           tensor.extract_slice {{.*}} [1, 17, 16, 64] [1, 1, 1, 1] : tensor<?x17x16x64xf32> to tensor<1x17x16x64xf32>
// The inputs' transform, for 7 rows of tiles and for the last one.
// CHECK:           } -> (tensor<1x7x7x64xf32>
// CHECK:           } -> (tensor<1x1x7x64xf32>
// CHECK:           linalg.generic {{.*}} ins({{.*}} : tensor<16x1x8x7x64xf32>, tensor<16x64x64xf32>)
// CHECK:           linalg.generic
// CHECK:             arith.maximumf
// CHECK:           tensor.insert_slice {{.*}} [1, 15, 14, 64]
// CHECK-NOT:     arith.maximumf
// CHECK:         return

// Larger tiles would be too few here.
// FOUR-NOT:      tensor<36x64x64xf32>
// NONE-NOT:      tensor.insert_slice
func.func @main(%n: index, %x: tensor<?x17x16x64xf32>, %b: tensor<64xf32>) -> tensor<?x15x14x64xf32> {
  %w = arith.constant dense<1.0> : tensor<3x3x64x64xf32>
  %z = arith.constant 0.0 : f32
  %e = tensor.empty(%n) : tensor<?x15x14x64xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<?x15x14x64xf32>) -> tensor<?x15x14x64xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(n, h, w, o, i, j, c) -> (n, h + i, w + j, c)>, affine_map<(n, h, w, o, i, j, c) -> (i, j, c, o)>, affine_map<(n, h, w, o, i, j, c) -> (n, h, w, o)>],
                       iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%x, %w : tensor<?x17x16x64xf32>, tensor<3x3x64x64xf32>) outs(%f : tensor<?x15x14x64xf32>) {
    ^bb0(%i: f32, %j: f32, %c: f32):
      %p = arith.mulf %i, %j : f32
      %q = arith.addf %c, %p : f32
      linalg.yield %q : f32
  } -> tensor<?x15x14x64xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(n, h, w, o) -> (n, h, w, o)>, affine_map<(n, h, w, o) -> (o)>, affine_map<(n, h, w, o) -> (n, h, w, o)>],
                       iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%r, %b : tensor<?x15x14x64xf32>, tensor<64xf32>) outs(%e : tensor<?x15x14x64xf32>) {
    ^bb0(%i: f32, %j: f32, %c: f32):
      %p = arith.addf %i, %j : f32
      %q = arith.maximumf %p, %z : f32
      linalg.yield %q : f32
  } -> tensor<?x15x14x64xf32>
  return %y : tensor<?x15x14x64xf32>
}
