// RUN: nncc-opt %s --linalg-to-exec --exec-generate-kernels --cse | FileCheck %s

// The dimensions are one loop over 35 elements: two tiles of four vectors would
// be 32; what is left is stored lane by lane.

// CHECK-LABEL: func.func private @kernel(
// CHECK-SAME:    %[[X:.*]]: memref<?xf32>, %[[Y:.*]]: memref<?xf32>
// CHECK:         scf.for
// CHECK-COUNT-4:   vector.store {{.*}}, %[[Y]]
// CHECK:         scf.if
// CHECK:           vector.load %[[X]]
// CHECK-COUNT-3:   memref.store {{.*}}, %[[Y]]
// CHECK-NOT:     memref.store
func.func @main(%x: tensor<5x7xf32>) -> tensor<5x7xf32> {
  %e = tensor.empty() : tensor<5x7xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m, n)>],
                       iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<5x7xf32>) outs(%e : tensor<5x7xf32>) {
    ^bb0(%a: f32, %c: f32):
      %q = arith.negf %a : f32
      linalg.yield %q : f32
  } -> tensor<5x7xf32>
  return %r : tensor<5x7xf32>
}
