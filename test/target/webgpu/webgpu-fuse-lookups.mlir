// RUN: nncc-opt %s --webgpu-fuse-lookups --split-input-file | FileCheck %s

// An interpolation along two axes: both are one op, which looks up four elements.

// CHECK-LABEL: func.func @main
// CHECK-COUNT-1: linalg.generic
// CHECK:           %[[ROW:.+]] = linalg.index 0
// CHECK:           %[[AT:.+]] = arith.index_cast
// CHECK:           tensor.extract %arg1[%[[ROW]], %{{.+}}] : tensor<4x2xi32>
// CHECK:           tensor.extract %arg1[%[[ROW]], %{{.+}}] : tensor<4x2xi32>
// CHECK:           %[[UP:.+]] = arith.index_cast
// CHECK:           tensor.extract %arg0[%[[UP]], %[[AT]]]
// CHECK-COUNT-3:   tensor.extract %arg0
// CHECK-NOT:     linalg.generic
// CHECK:         return
func.func @main(%x: tensor<3x3xf32>, %rows: tensor<4x2xi32>, %columns: tensor<5x2xi32>) -> tensor<4x5xf32> {
  %e = tensor.empty() : tensor<4x3xf32>
  %a = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, 0)>, affine_map<(i, j) -> (i, 1)>, affine_map<(i, j) -> (i, j)>],
                       iterator_types = ["parallel", "parallel"]}
      ins(%rows, %rows : tensor<4x2xi32>, tensor<4x2xi32>) outs(%e : tensor<4x3xf32>) {
    ^bb0(%r: i32, %s: i32, %o: f32):
      %i = arith.index_cast %r : i32 to index
      %k = arith.index_cast %s : i32 to index
      %j = linalg.index 1 : index
      %p = tensor.extract %x[%i, %j] : tensor<3x3xf32>
      %q = tensor.extract %x[%k, %j] : tensor<3x3xf32>
      %m = arith.addf %p, %q : f32
      linalg.yield %m : f32
  } -> tensor<4x3xf32>
  %f = tensor.empty() : tensor<4x5xf32>
  %b = linalg.generic {indexing_maps = [affine_map<(i, j) -> (j, 0)>, affine_map<(i, j) -> (j, 1)>, affine_map<(i, j) -> (i, j)>],
                       iterator_types = ["parallel", "parallel"]}
      ins(%columns, %columns : tensor<5x2xi32>, tensor<5x2xi32>) outs(%f : tensor<4x5xf32>) {
    ^bb0(%r: i32, %s: i32, %o: f32):
      %i = linalg.index 0 : index
      %j = arith.index_cast %r : i32 to index
      %k = arith.index_cast %s : i32 to index
      %p = tensor.extract %a[%i, %j] : tensor<4x3xf32>
      %q = tensor.extract %a[%i, %k] : tensor<4x3xf32>
      %m = arith.addf %p, %q : f32
      linalg.yield %m : f32
  } -> tensor<4x5xf32>
  return %b : tensor<4x5xf32>
}

// -----

// Not what another op reads, too.

// CHECK-LABEL: func.func @main
// CHECK-COUNT-2: linalg.generic
func.func @main(%x: tensor<3xf32>, %rows: tensor<4xi32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %e = tensor.empty() : tensor<4xf32>
  %a = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%rows : tensor<4xi32>) outs(%e : tensor<4xf32>) {
    ^bb0(%r: i32, %o: f32):
      %i = arith.index_cast %r : i32 to index
      %p = tensor.extract %x[%i] : tensor<3xf32>
      linalg.yield %p : f32
  } -> tensor<4xf32>
  %b = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%rows : tensor<4xi32>) outs(%e : tensor<4xf32>) {
    ^bb0(%r: i32, %o: f32):
      %i = arith.index_cast %r : i32 to index
      %p = tensor.extract %a[%i] : tensor<4xf32>
      linalg.yield %p : f32
  } -> tensor<4xf32>
  return %a, %b : tensor<4xf32>, tensor<4xf32>
}
