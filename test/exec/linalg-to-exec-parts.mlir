// RUN: nncc-opt %s --linalg-to-exec --split-input-file | FileCheck %s

// What becomes a part of a tensor, and is read beside that, is computed there:
// the second op reads it in rows of twelve, and no kernel copies it.

// CHECK-LABEL: func.func @nncc_run
// CHECK-NOT:     exec.alloc
// CHECK:         %[[WHOLE:.+]] = exec.alloc
// CHECK:         memref.view %[[WHOLE]]
// CHECK:         exec.dispatch @{{.+}} grid
// CHECK-NOT:     exec.alloc
// CHECK:         exec.dispatch @[[SECOND:[^ ]+]] grid
// CHECK-NOT:     exec.dispatch
// CHECK:         return
// CHECK:       func.func private @[[SECOND]]
// CHECK:         memref.reinterpret_cast %{{.+}} to offset: [0], sizes: [3, 8], strides: [12, 1]
#id = affine_map<(i, j) -> (i, j)>
module attributes {nncc.inputs = [{name = "x", type = tensor<3x8xf32>}]} {
func.func @main(%x: tensor<3x8xf32>) -> tensor<3x12xf32> {
  %e = tensor.empty() : tensor<3x8xf32>
  %a = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<3x8xf32>) outs(%e : tensor<3x8xf32>) {
    ^bb0(%v: f32, %o: f32):
      %s = arith.addf %v, %v : f32
      linalg.yield %s : f32
  } -> tensor<3x8xf32>
  %f = tensor.empty() : tensor<3x4xf32>
  %b = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j * 2)>, affine_map<(i, j) -> (i, j)>],
                       iterator_types = ["parallel", "parallel"]}
      ins(%a : tensor<3x8xf32>) outs(%f : tensor<3x4xf32>) {
    ^bb0(%v: f32, %o: f32):
      %s = arith.mulf %v, %v : f32
      linalg.yield %s : f32
  } -> tensor<3x4xf32>
  %g = tensor.empty() : tensor<3x12xf32>
  %h = tensor.insert_slice %a into %g[0, 0] [3, 8] [1, 1] : tensor<3x8xf32> into tensor<3x12xf32>
  %r = tensor.insert_slice %b into %h[0, 8] [3, 4] [1, 1] : tensor<3x4xf32> into tensor<3x12xf32>
  return %r : tensor<3x12xf32>
}
}

// -----

// Not where a later insertion overwrites a bit of it, or rows would begin within a
// vector: kernels copy both, twice.

// CHECK-LABEL: func.func @nncc_run
// CHECK-COUNT-6: exec.dispatch
// CHECK-NOT:     exec.dispatch
// CHECK:         return
#id = affine_map<(i, j) -> (i, j)>
module attributes {nncc.inputs = [{name = "x", type = tensor<3x8xf32>}]} {
func.func @main(%x: tensor<3x8xf32>) -> (tensor<3x8xf32>, tensor<3x9xf32>) {
  %e = tensor.empty() : tensor<3x8xf32>
  %a = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<3x8xf32>) outs(%e : tensor<3x8xf32>) {
    ^bb0(%v: f32, %o: f32):
      %s = arith.addf %v, %v : f32
      linalg.yield %s : f32
  } -> tensor<3x8xf32>
  %f = tensor.empty() : tensor<3x1xf32>
  %b = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j * 2)>, affine_map<(i, j) -> (i, j)>],
                       iterator_types = ["parallel", "parallel"]}
      ins(%a : tensor<3x8xf32>) outs(%f : tensor<3x1xf32>) {
    ^bb0(%v: f32, %o: f32):
      %s = arith.mulf %v, %v : f32
      linalg.yield %s : f32
  } -> tensor<3x1xf32>
  %g = tensor.empty() : tensor<3x8xf32>
  %h = tensor.insert_slice %a into %g[0, 0] [3, 8] [1, 1] : tensor<3x8xf32> into tensor<3x8xf32>
  %r = tensor.insert_slice %b into %h[0, 3] [3, 1] [1, 1] : tensor<3x1xf32> into tensor<3x8xf32>
  %k = tensor.empty() : tensor<3x9xf32>
  %l = tensor.insert_slice %a into %k[0, 0] [3, 8] [1, 1] : tensor<3x8xf32> into tensor<3x9xf32>
  %m = tensor.insert_slice %b into %l[0, 8] [3, 1] [1, 1] : tensor<3x1xf32> into tensor<3x9xf32>
  return %r, %m : tensor<3x8xf32>, tensor<3x9xf32>
}
}

// -----

// Through a reshape, too; of the dimension of one element only the size counts.

// CHECK-LABEL: func.func @nncc_run
// CHECK-COUNT-1: exec.dispatch
// CHECK-NOT:     exec.dispatch
// CHECK:         return
#id = affine_map<(i, j, k) -> (i, j, k)>
module attributes {nncc.inputs = [{name = "x", type = tensor<1x2x8xf32>}]} {
func.func @main(%x: tensor<1x2x8xf32>) -> tensor<1x20xf32> {
  %e = tensor.empty() : tensor<1x2x8xf32>
  %a = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : tensor<1x2x8xf32>) outs(%e : tensor<1x2x8xf32>) {
    ^bb0(%v: f32, %o: f32):
      %s = arith.addf %v, %v : f32
      linalg.yield %s : f32
  } -> tensor<1x2x8xf32>
  %c = tensor.collapse_shape %a [[0], [1, 2]] : tensor<1x2x8xf32> into tensor<1x16xf32>
  %g = tensor.empty() : tensor<1x20xf32>
  %r = tensor.insert_slice %c into %g[0, 4] [1, 16] [1, 1] : tensor<1x16xf32> into tensor<1x20xf32>
  return %r : tensor<1x20xf32>
}
}
