// RUN: nncc-opt %s --linalg-to-exec | FileCheck %s

// What a step inserts at a place that the host computes is written there, and a
// loop goes on where the one before it ended: no copies.

// CHECK-LABEL: func.func @nncc_run
// CHECK:         scf.for
// CHECK:           exec.dispatch
// CHECK-NOT:       exec.dispatch
// CHECK:         }
// CHECK-NOT:     exec.dispatch
// CHECK:         scf.for
// CHECK:           exec.dispatch
// CHECK-NOT:       exec.dispatch
// CHECK:         }
// CHECK-NOT:     exec.dispatch
// CHECK:         return
#id = affine_map<(i, j) -> (i, j)>
module attributes {nncc.inputs = [{name = "x", type = tensor<6x8xf32>}]} {
func.func @main(%x: tensor<6x8xf32>) -> tensor<6x8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %c5 = arith.constant 5 : index
  %c6 = arith.constant 6 : index
  %e = tensor.empty() : tensor<6x8xf32>
  %rows = tensor.empty() : tensor<2x8xf32>
  %a = scf.for %i = %c0 to %c4 step %c1 iter_args(%t = %e) -> tensor<6x8xf32> {
    %at = arith.minui %i, %c4 : index
    %s = tensor.extract_slice %x[%at, 0] [2, 8] [1, 1] : tensor<6x8xf32> to tensor<2x8xf32>
    %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%s : tensor<2x8xf32>) outs(%rows : tensor<2x8xf32>) {
      ^bb0(%v: f32, %o: f32):
        %p = arith.addf %v, %v : f32
        linalg.yield %p : f32
    } -> tensor<2x8xf32>
    %j = tensor.insert_slice %r into %t[%at, 0] [2, 8] [1, 1] : tensor<2x8xf32> into tensor<6x8xf32>
    scf.yield %j : tensor<6x8xf32>
  }
  %b = scf.for %i = %c4 to %c5 step %c1 iter_args(%t = %a) -> tensor<6x8xf32> {
    %at = arith.minui %i, %c4 : index
    %s = tensor.extract_slice %x[%at, 0] [2, 8] [1, 1] : tensor<6x8xf32> to tensor<2x8xf32>
    %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%s : tensor<2x8xf32>) outs(%rows : tensor<2x8xf32>) {
      ^bb0(%v: f32, %o: f32):
        %p = arith.mulf %v, %v : f32
        linalg.yield %p : f32
    } -> tensor<2x8xf32>
    %j = tensor.insert_slice %r into %t[%at, 0] [2, 8] [1, 1] : tensor<2x8xf32> into tensor<6x8xf32>
    scf.yield %j : tensor<6x8xf32>
  }
  return %b : tensor<6x8xf32>
}
}
