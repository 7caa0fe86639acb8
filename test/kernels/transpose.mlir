// RUN: nncc-opt %s --linalg-to-exec --exec-generate-kernels --cse | FileCheck %s

// Four by four elements are loaded as columns, turned in registers and stored
// as rows; four such blocks beside each other, so that whole lines are written.

// CHECK-LABEL: func.func private @kernel(
// CHECK-SAME:    %[[X:.*]]: memref<?xf32>, %[[Y:.*]]: memref<?xf32>
// CHECK-COUNT-4: vector.load %[[X]]
// CHECK-COUNT-8: vector.shuffle
// CHECK-COUNT-4: vector.load %[[X]]
// CHECK-COUNT-8: vector.shuffle
// CHECK-COUNT-4: vector.load %[[X]]
// CHECK-COUNT-8: vector.shuffle
// CHECK-COUNT-4: vector.load %[[X]]
// CHECK-COUNT-8: vector.shuffle
// CHECK-COUNT-16: vector.store {{.*}}, %[[Y]]
// CHECK-NOT:     memref.store
func.func @main(%x: tensor<16x8xf32>) -> tensor<8x16xf32> {
  %e = tensor.empty() : tensor<8x16xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(m, n) -> (n, m)>, affine_map<(m, n) -> (m, n)>],
                       iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<16x8xf32>) outs(%e : tensor<8x16xf32>) {
    ^bb0(%a: f32, %c: f32):
      linalg.yield %a : f32
  } -> tensor<8x16xf32>
  return %r : tensor<8x16xf32>
}
