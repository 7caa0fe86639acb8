// RUN: nncc-opt %s --linalg-to-exec --exec-generate-kernels --cse | FileCheck %s

// A dilation of two: the columns of a filter lie two pixels apart, so that 8
// pixels share them as well: 8 + 2 * (3 - 1) loads of the input, 3 of the
// filter.

// CHECK-LABEL: func.func private @kernel(
// CHECK:         %{{.*}}:8 = scf.for {{.*}} iter_args
// CHECK-COUNT-15:  vector.load
// CHECK-NOT:       vector.load
// CHECK:           scf.yield
// CHECK-COUNT-8:   vector.store
func.func @main(%x: tensor<20x20x32xf32>, %w: tensor<3x3x32xf32>) -> tensor<16x16x32xf32> {
  %z = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<16x16x32xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<16x16x32xf32>) -> tensor<16x16x32xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(h, w, c, i, j) -> (h + 2 * i, w + 2 * j, c)>, affine_map<(h, w, c, i, j) -> (i, j, c)>, affine_map<(h, w, c, i, j) -> (h, w, c)>],
                       iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%x, %w : tensor<20x20x32xf32>, tensor<3x3x32xf32>) outs(%f : tensor<16x16x32xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %p = arith.mulf %a, %b : f32
      %q = arith.addf %c, %p : f32
      linalg.yield %q : f32
  } -> tensor<16x16x32xf32>
  return %r : tensor<16x16x32xf32>
}
