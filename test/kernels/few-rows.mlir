// RUN: nncc-opt %s --linalg-to-exec --exec-generate-kernels --canonicalize --cse | FileCheck %s

// Three filters over a row of pixels: a tile has all three rows, of two vectors
// each, and a load of the pixels serves all of them.

// CHECK-LABEL: func.func private @kernel(
// CHECK-SAME:    %[[X:arg[0-9]+]]: memref<?xf32>, %{{.*}}: memref<?xf32>,
// CHECK:         %{{.*}}:6 = scf.for
// CHECK-DAG:       vector.load %[[X]]
// CHECK-DAG:       vector.load %[[X]]
// CHECK-NOT:       vector.load
// CHECK:           scf.yield
// CHECK-COUNT-6:   vector.store
func.func @main(%x: tensor<18xf32>, %w: tensor<3x3xf32>) -> tensor<3x16xf32> {
  %z = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<3x16xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<3x16xf32>) -> tensor<3x16xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(o, w, k) -> (w + k)>, affine_map<(o, w, k) -> (o, k)>, affine_map<(o, w, k) -> (o, w)>],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<18xf32>, tensor<3x3xf32>) outs(%f : tensor<3x16xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %p = arith.mulf %a, %b : f32
      %q = arith.addf %c, %p : f32
      linalg.yield %q : f32
  } -> tensor<3x16xf32>
  return %r : tensor<3x16xf32>
}
