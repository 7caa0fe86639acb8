// RUN: nncc-opt %s -split-input-file -nn-to-linalg | FileCheck %s

// Kept dimensions first, reduced ones last; the body only combines. What
// divides the mean is the number of elements, here symbolic.
// CHECK-DAG: #[[IN:.*]] = affine_map<(d0, d1, d2) -> (d0, d2, d1)>
// CHECK-DAG: #[[OUT:.*]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[B:.*]]: index {nn.symbol = "b"}, %[[S:.*]]: index {nn.symbol = "s"}
// CHECK: %[[FILL:.*]] = linalg.fill ins(%{{.*}} : f32) outs(%{{.*}} : tensor<?x4xf32>)
// CHECK: %[[SUM:.*]] = linalg.generic {indexing_maps = [#[[IN]], #[[OUT]]], iterator_types = ["parallel", "parallel", "reduction"]} {{.*}} outs(%[[FILL]]
// CHECK-NEXT: ^bb0(%[[X:.*]]: f32, %[[ACC:.*]]: f32):
// CHECK-NEXT: arith.addf %[[ACC]], %[[X]]
// CHECK-NEXT: linalg.yield
// CHECK: linalg.generic {{.*}} ins(%[[SUM]]
// CHECK: arith.index_cast %[[S]]
// CHECK: arith.divf
// CHECK: tensor.expand_shape %{{.*}} {{\[\[}}0], [1, 2]] output_shape [%[[B]], 1, 4]
func.func @main(%x: tensor<?x?x4xf32, affine_map<()[s0, s1] -> (s0, s1, 4)>>) -> tensor<?x1x4xf32, affine_map<()[s0] -> (s0, 1, 4)>> attributes {nn.symbols = ["b", "s"]} {
  %0 = nn.reduce_mean %x {axes = array<i64: 1>, keepdims} : (tensor<?x?x4xf32, affine_map<()[s0, s1] -> (s0, s1, 4)>>) -> tensor<?x1x4xf32, affine_map<()[s0] -> (s0, 1, 4)>>
  return %0 : tensor<?x1x4xf32, affine_map<()[s0] -> (s0, 1, 4)>>
}

// -----

// CHECK-LABEL: func.func @main(
// CHECK-DAG: %[[ONE:.*]] = arith.constant 1.0{{.*}} : f32
// CHECK: linalg.fill ins(%[[ONE]]
// CHECK: arith.mulf
// CHECK: %[[LEAST:.*]] = arith.constant -2147483648 : i32
// CHECK: linalg.fill ins(%[[LEAST]]
// CHECK: arith.cmpi slt
// CHECK: arith.select
// CHECK: %[[GREATEST:.*]] = arith.constant -1 : i32
// CHECK: linalg.fill ins(%[[GREATEST]]
// CHECK: arith.cmpi ult
func.func @main(%x: tensor<2x3xf32>, %y: tensor<2x3xi32>, %z: tensor<2x3xui32>) -> (tensor<f32>, tensor<2xi32>, tensor<3xui32>) {
  %0 = nn.reduce_prod %x {axes = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<f32>
  %1 = nn.reduce_max %y {axes = array<i64: 1>} : (tensor<2x3xi32>) -> tensor<2xi32>
  %2 = nn.reduce_min %z {axes = array<i64: 0>} : (tensor<2x3xui32>) -> tensor<3xui32>
  return %0, %1, %2 : tensor<f32>, tensor<2xi32>, tensor<3xui32>
}

// -----

// The extremum first, then the least position that holds it.
// CHECK-LABEL: func.func @main(
// CHECK: %[[BEST:.*]] = linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]} ins(%{{.*}}, %[[BEST]]
// CHECK: linalg.index 1
// CHECK: arith.cmpf oeq
func.func @main(%x: tensor<2x3xf32>) -> tensor<2xi64> {
  %0 = nn.argmax %x {axis = 1 : i64} : (tensor<2x3xf32>) -> tensor<2xi64>
  return %0 : tensor<2xi64>
}

// -----

// CHECK-LABEL: func.func @main(
// CHECK: iterator_types = ["parallel", "reduction"]
// CHECK: arith.cmpf olt
// CHECK: iterator_types = ["parallel", "parallel"]
// CHECK: arith.subf
// CHECK: math.exp
// CHECK: iterator_types = ["parallel", "reduction"]
// CHECK: arith.addf
// CHECK: iterator_types = ["parallel"]
// CHECK: arith.divf
// CHECK: iterator_types = ["parallel", "parallel"]
// CHECK: arith.mulf
func.func @main(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = nn.softmax %x {axis = 1 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

// CHECK-LABEL: func.func @main(
// CHECK: math.exp
// CHECK: math.log
// CHECK: arith.subf
func.func @main(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = nn.log_softmax %x {axis = 1 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

// CHECK-LABEL: func.func @main(
// CHECK: linalg.fill ins(%{{.*}} : i32)
// CHECK: iterator_types = ["parallel", "reduction"]
// CHECK: arith.addi
// CHECK: %[[LEAST:.*]] = linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]
// CHECK: arith.cmpf olt
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]} ins(%{{.*}}, %[[LEAST]]
// CHECK: arith.cmpi slt, %out
func.func @main(%x: tensor<2x3xi32>, %y: tensor<2x3xf32>) -> (tensor<2xi32>, tensor<2xi64>) {
  %0 = nn.reduce_sum %x {axes = array<i64: 1>} : (tensor<2x3xi32>) -> tensor<2xi32>
  %1 = nn.argmin %y {axis = 1 : i64, select_last} : (tensor<2x3xf32>) -> tensor<2xi64>
  return %0, %1 : tensor<2xi32>, tensor<2xi64>
}

// -----

// From the end, and without the element itself.
// CHECK-LABEL: func.func @main(
// CHECK: scf.for %[[I:.*]] = %{{.*}} iter_args(%[[SUM:.*]] = %{{.*}}, %[[OUT:.*]] = %{{.*}})
// CHECK: %[[AT:.*]] = arith.subi %{{.*}}, %[[I]]
// CHECK: tensor.extract_slice %{{.*}}[0, %[[AT]]] [2, 1]
// CHECK: arith.addf
// CHECK: tensor.insert_slice %[[SUM]] into %[[OUT]][0, %[[AT]]]
func.func @main(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = nn.cumsum %x {axis = 1 : i64, exclusive, reverse} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}
