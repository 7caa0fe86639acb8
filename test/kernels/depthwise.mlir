// RUN: nncc-opt %s --linalg-to-exec --exec-generate-kernels --cse | FileCheck %s

// 8 pixels of 4 channels; the filter's columns are unrolled, and pixels that
// two columns share are loaded once: 8 + 3 - 1 loads of the input, 3 of the
// filter.

// CHECK-LABEL: func.func private @kernel(
// CHECK-SAME:    %[[X:.*]]: memref<?xf32>, %[[W:.*]]: memref<?xf32>, %[[Y:.*]]: memref<?xf32>
// CHECK:         %{{.*}}:8 = scf.for {{.*}} iter_args
// CHECK-COUNT-13:  vector.load
// CHECK-NOT:       vector.load
// CHECK:           scf.yield
// CHECK-COUNT-8:   vector.store
func.func @main(%x: tensor<18x18x32xf32>, %w: tensor<3x3x32xf32>) -> tensor<16x16x32xf32> {
  %z = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<16x16x32xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<16x16x32xf32>) -> tensor<16x16x32xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(h, w, c, i, j) -> (h + i, w + j, c)>, affine_map<(h, w, c, i, j) -> (i, j, c)>, affine_map<(h, w, c, i, j) -> (h, w, c)>],
                       iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%x, %w : tensor<18x18x32xf32>, tensor<3x3x32xf32>) outs(%f : tensor<16x16x32xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %p = arith.mulf %a, %b : f32
      %q = arith.addf %c, %p : f32
      linalg.yield %q : f32
  } -> tensor<16x16x32xf32>
  return %r : tensor<16x16x32xf32>
}
