// RUN: nncc-opt %s -split-input-file -nn-to-linalg | FileCheck %s

// Runs of dimensions of equal size are found for symbolic sizes.
// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[B:.*]]: index {nn.symbol = "b"}, %[[S:.*]]: index {nn.symbol = "s"}, %[[X:.*]]: tensor
// CHECK-NEXT: tensor.expand_shape %[[X]] {{\[\[}}0], [1], [2, 3]] output_shape [%[[B]], %[[S]], 3, 4]
// CHECK-NEXT: tensor.collapse_shape %[[X]] {{\[\[}}0, 1], [2]]
// CHECK-NEXT: tensor.collapse_shape %[[X]] {{\[\[}}0], [1, 2]]
func.func @main(%x: tensor<?x?x12xf32, affine_map<()[s0, s1] -> (s0, s1, 12)>>)
    -> (tensor<?x?x3x4xf32, affine_map<()[s0, s1] -> (s0, s1, 3, 4)>>, tensor<?x12xf32, affine_map<()[s0, s1] -> (s0 * s1, 12)>>, tensor<?x?xf32, affine_map<()[s0, s1] -> (s0, s1 * 12)>>)
    attributes {nn.symbols = ["b", "s"]} {
  %0 = nn.reshape %x : (tensor<?x?x12xf32, affine_map<()[s0, s1] -> (s0, s1, 12)>>) -> tensor<?x?x3x4xf32, affine_map<()[s0, s1] -> (s0, s1, 3, 4)>>
  %1 = nn.reshape %x : (tensor<?x?x12xf32, affine_map<()[s0, s1] -> (s0, s1, 12)>>) -> tensor<?x12xf32, affine_map<()[s0, s1] -> (s0 * s1, 12)>>
  %2 = nn.reshape %x : (tensor<?x?x12xf32, affine_map<()[s0, s1] -> (s0, s1, 12)>>) -> tensor<?x?xf32, affine_map<()[s0, s1] -> (s0, s1 * 12)>>
  return %0, %1, %2 : tensor<?x?x3x4xf32, affine_map<()[s0, s1] -> (s0, s1, 3, 4)>>, tensor<?x12xf32, affine_map<()[s0, s1] -> (s0 * s1, 12)>>, tensor<?x?xf32, affine_map<()[s0, s1] -> (s0, s1 * 12)>>
}

// -----

// A size of 1 joins the next one, also one that could be less than 1.
// CHECK-LABEL: func.func @main(
// CHECK: tensor.collapse_shape %{{.*}} {{\[\[}}0, 1], [2]] : tensor<1x?x5xf32> into tensor<?x5xf32>
// CHECK-NEXT: tensor.expand_shape %{{.*}} {{\[\[}}0], [1, 2]]
func.func @main(%x: tensor<1x?x5xf32, affine_map<()[s0] -> (1, s0 - 4, 5)>>) -> tensor<?x1x5xf32, affine_map<()[s0] -> (s0 - 4, 1, 5)>>
    attributes {nn.symbols = ["t"]} {
  %0 = nn.reshape %x : (tensor<1x?x5xf32, affine_map<()[s0] -> (1, s0 - 4, 5)>>) -> tensor<?x1x5xf32, affine_map<()[s0] -> (s0 - 4, 1, 5)>>
  return %0 : tensor<?x1x5xf32, affine_map<()[s0] -> (s0 - 4, 1, 5)>>
}

// -----

// Where sizes do not nest, through one dimension; ranks of 0 and sizes of 1.
// CHECK-LABEL: func.func @main(
// CHECK: tensor.collapse_shape %{{.*}} {{\[\[}}0, 1]] : tensor<6x4xf32> into tensor<24xf32>
// CHECK-NEXT: tensor.expand_shape %{{.*}} {{\[\[}}0, 1]] output_shape [8, 3]
// CHECK: tensor.collapse_shape %{{.*}} [] : tensor<1x1xf32> into tensor<f32>
// CHECK-NEXT: tensor.expand_shape %{{.*}} [] output_shape [1]
func.func @main(%x: tensor<6x4xf32>, %y: tensor<1x1xf32>) -> (tensor<8x3xf32>, tensor<f32>, tensor<1xf32>) {
  %0 = nn.reshape %x : (tensor<6x4xf32>) -> tensor<8x3xf32>
  %1 = nn.reshape %y : (tensor<1x1xf32>) -> tensor<f32>
  %2 = nn.reshape %1 : (tensor<f32>) -> tensor<1xf32>
  return %0, %1, %2 : tensor<8x3xf32>, tensor<f32>, tensor<1xf32>
}

// -----

// CHECK-DAG: #[[MOVED:.*]] = affine_map<(d0, d1, d2) -> (d1, d2, d0)>
// CHECK-DAG: #[[STRETCHED:.*]] = affine_map<(d0, d1, d2) -> (0, d2)>
// CHECK-LABEL: func.func @main(
// CHECK: linalg.generic {indexing_maps = [#[[MOVED]], #{{.*}}]
// CHECK: linalg.generic {indexing_maps = [#[[STRETCHED]], #{{.*}}]
func.func @main(%x: tensor<2x3x4xf32>, %y: tensor<1x4xf32>) -> (tensor<4x2x3xf32>, tensor<2x3x4xf32>) {
  %0 = nn.transpose %x {perm = array<i64: 2, 0, 1>} : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
  %1 = nn.broadcast_to %y : (tensor<1x4xf32>) -> tensor<2x3x4xf32>
  return %0, %1 : tensor<4x2x3xf32>, tensor<2x3x4xf32>
}

// -----

// Shape arithmetic becomes the sizes themselves.
// CHECK-DAG: #[[SIZE:.*]] = affine_map<()[s0] -> (s0 * 4)>
// CHECK-LABEL: func.func @main(
// CHECK: %[[PRODUCT:.*]] = affine.apply #[[SIZE]]
// CHECK-NOT: linalg
// CHECK: %[[COUNT:.*]] = arith.index_cast %[[PRODUCT]] : index to i64
// CHECK: %[[RESULT:.*]] = tensor.from_elements %[[COUNT]] : tensor<i64>
// CHECK: return %[[RESULT]]
func.func @main(%x: tensor<?x4xf32, affine_map<()[s0] -> (s0, 4)>>) -> tensor<i64> attributes {nn.symbols = ["b"]} {
  %zero = nn.constant dense<0> : tensor<i64>
  %one = nn.constant dense<-1> : tensor<i64>
  %0 = nn.shape_of %x : (tensor<?x4xf32, affine_map<()[s0] -> (s0, 4)>>) -> tensor<2xi64>
  %1 = nn.gather %0, %zero {axis = 0 : i64} : (tensor<2xi64>, tensor<i64>) -> tensor<i64>
  %2 = nn.gather %0, %one {axis = 0 : i64} : (tensor<2xi64>, tensor<i64>) -> tensor<i64>
  %3 = nn.mul %1, %2 : (tensor<i64>, tensor<i64>) -> tensor<i64>
  return %3 : tensor<i64>
}

// -----

// CHECK-DAG: #[[SUM:.*]] = affine_map<()[s0] -> (s0 + 3)>
// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[S:.*]]: index {nn.symbol = "s"}, %[[X:.*]]: tensor<?xf32>, %[[Y:.*]]: tensor<3xf32>)
// CHECK: %[[SIZE:.*]] = affine.apply #[[SUM]]
// CHECK: %[[INIT:.*]] = tensor.empty(%[[SIZE]])
// CHECK: %[[FIRST:.*]] = tensor.insert_slice %[[X]] into %[[INIT]][0] [%[[S]]] [1]
// CHECK: tensor.insert_slice %[[Y]] into %[[FIRST]][%[[S]]] [3] [1]
func.func @main(%x: tensor<?xf32, affine_map<()[s0] -> (s0)>>, %y: tensor<3xf32>) -> tensor<?xf32, affine_map<()[s0] -> (s0 + 3)>> attributes {nn.symbols = ["s"]} {
  %0 = nn.concat %x, %y {axis = 0 : i64} : (tensor<?xf32, affine_map<()[s0] -> (s0)>>, tensor<3xf32>) -> tensor<?xf32, affine_map<()[s0] -> (s0 + 3)>>
  return %0 : tensor<?xf32, affine_map<()[s0] -> (s0 + 3)>>
}

// -----

// CHECK-DAG: #[[REVERSED:.*]] = affine_map<(d0) -> (-d0 + 2)>
// CHECK-LABEL: func.func @main(
// CHECK: tensor.extract_slice %{{.*}}[1] [3] [2] : tensor<7xf32> to tensor<3xf32>
// CHECK: tensor.extract_slice %{{.*}}[0] [3] [3] : tensor<7xf32> to tensor<3xf32>
// CHECK: linalg.generic {indexing_maps = [#[[REVERSED]], #{{.*}}]
func.func @main(%x: tensor<7xf32>) -> (tensor<3xf32>, tensor<3xf32>) {
  %0 = nn.slice %x {starts = affine_map<() -> (1)>, sizes = affine_map<() -> (3)>, steps = array<i64: 2>} : (tensor<7xf32>) -> tensor<3xf32>
  %1 = nn.slice %x {starts = affine_map<() -> (6)>, sizes = affine_map<() -> (3)>, steps = array<i64: -3>} : (tensor<7xf32>) -> tensor<3xf32>
  return %0, %1 : tensor<3xf32>, tensor<3xf32>
}

// -----

// CHECK-LABEL: func.func @main(
// CHECK: %[[CUT:.*]] = tensor.extract_slice %{{.*}}[1] [6] [1]
// CHECK: %[[VALUE:.*]] = arith.constant 7.0
// CHECK: tensor.pad %[[CUT]] low[0] high[2]
// CHECK: linalg.generic
// CHECK: linalg.index 0
// CHECK: arith.maxsi
// CHECK: arith.minsi
// CHECK: tensor.extract
func.func @main(%x: tensor<7xf32>) -> (tensor<8xf32>, tensor<11xf32>) {
  %0 = nn.pad %x {low = affine_map<() -> (-1)>, high = affine_map<() -> (2)>, value = 7.0 : f32} : (tensor<7xf32>) -> tensor<8xf32>
  %1 = nn.pad %x {low = affine_map<() -> (2)>, high = affine_map<() -> (2)>, mode = "reflect"} : (tensor<7xf32>) -> tensor<11xf32>
  return %0, %1 : tensor<8xf32>, tensor<11xf32>
}

// -----

// CHECK-DAG: #[[ELEMENT:.*]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK-LABEL: func.func @main(
// CHECK: linalg.generic {indexing_maps = [#[[ELEMENT]], #{{.*}}]
// CHECK: tensor.collapse_shape %{{.*}} {{\[\[}}0], [1, 2]] : tensor<2x3x4xf32> into tensor<2x12xf32>
// CHECK: linalg.index 0
// CHECK: arith.sitofp
func.func @main(%x: tensor<2x4xf32>) -> (tensor<2x12xf32>, tensor<100xf32>) {
  %0 = nn.tile %x {repeats = affine_map<() -> (1, 3)>} : (tensor<2x4xf32>) -> tensor<2x12xf32>
  %1 = "nn.iota"() : () -> tensor<100xf32>
  return %0, %1 : tensor<2x12xf32>, tensor<100xf32>
}
