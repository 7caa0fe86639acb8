// RUN: nncc-opt %s --linalg-to-exec --exec-generate-kernels --canonicalize --cse | FileCheck %s

// A depthwise window in steps of two over planes: 2 rows of a vector of pixels. For
// the filter's three columns, each loads two vectors, of which the even and the
// odd elements are taken, and two more that begin two later.

// CHECK-LABEL: func.func private @kernel(
// CHECK-SAME:    %[[X:arg[0-9]+]]: memref<?xf32>, %{{.*}}: memref<?xf32>,
// CHECK:         %{{.*}}:2 = scf.for
// CHECK-COUNT-8:   vector.load %[[X]]
// CHECK-NOT:       vector.load
// CHECK:           scf.yield
// CHECK-COUNT-2:   vector.store
func.func @main(%x: tensor<32x33x33xf32>, %w: tensor<3x3x32xf32>) -> tensor<32x16x16xf32> {
  %z = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<32x16x16xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<32x16x16xf32>) -> tensor<32x16x16xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(c, h, w, i, j) -> (c, h * 2 + i, w * 2 + j)>, affine_map<(c, h, w, i, j) -> (i, j, c)>, affine_map<(c, h, w, i, j) -> (c, h, w)>],
                       iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%x, %w : tensor<32x33x33xf32>, tensor<3x3x32xf32>) outs(%f : tensor<32x16x16xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %p = arith.mulf %a, %b : f32
      %q = arith.addf %c, %p : f32
      linalg.yield %q : f32
  } -> tensor<32x16x16xf32>
  return %r : tensor<32x16x16xf32>
}
