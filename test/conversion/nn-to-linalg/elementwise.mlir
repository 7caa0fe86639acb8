// RUN: nncc-opt %s -split-input-file -nn-to-linalg | FileCheck %s

// Dimensions of size 1 stretch, missing ones are dropped, symbols come first.
// CHECK-DAG: #[[ID:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG: #[[COLUMN:.*]] = affine_map<(d0, d1) -> (d0, 0)>
// CHECK-DAG: #[[ROW:.*]] = affine_map<(d0, d1) -> (d1)>
// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[N:.*]]: index {nn.symbol = "batch"}, %[[X:.*]]: tensor<?x4xf32> {nn.name = "x"}, %[[C:.*]]: tensor<?x1xf32>, %[[R:.*]]: tensor<4xf32>) -> (tensor<?x4xf32> {nn.name = "y"})
// CHECK: %[[INIT:.*]] = tensor.empty(%[[N]]) : tensor<?x4xf32>
// CHECK: linalg.generic {indexing_maps = [#[[ID]], #[[COLUMN]], #[[ID]]]
// CHECK-SAME: ins(%[[X]], %[[C]] : tensor<?x4xf32>, tensor<?x1xf32>) outs(%[[INIT]]
// CHECK: arith.addf
// CHECK: linalg.generic {indexing_maps = [#[[ID]], #[[ROW]], #[[ID]]]
// CHECK: arith.mulf
func.func @main(%x: tensor<?x4xf32, affine_map<()[s0] -> (s0, 4)>> {nn.name = "x"},
                %c: tensor<?x1xf32, affine_map<()[s0] -> (s0, 1)>>, %r: tensor<4xf32>)
    -> (tensor<?x4xf32, affine_map<()[s0] -> (s0, 4)>> {nn.name = "y"})
    attributes {nn.symbols = ["batch"]} {
  %0 = nn.add %x, %c : (tensor<?x4xf32, affine_map<()[s0] -> (s0, 4)>>, tensor<?x1xf32, affine_map<()[s0] -> (s0, 1)>>) -> tensor<?x4xf32, affine_map<()[s0] -> (s0, 4)>>
  %1 = nn.mul %0, %r : (tensor<?x4xf32, affine_map<()[s0] -> (s0, 4)>>, tensor<4xf32>) -> tensor<?x4xf32, affine_map<()[s0] -> (s0, 4)>>
  return %1 : tensor<?x4xf32, affine_map<()[s0] -> (s0, 4)>>
}

// -----

// A constant number stands in the body; an operand that is read twice is one
// input.
// CHECK-LABEL: func.func @main(
// CHECK: linalg.generic {{.*}} ins(%{{[a-z0-9]+}} : tensor<3xf32>)
// CHECK: arith.mulf %[[IN:.*]], %[[IN]]
// CHECK: linalg.generic {{.*}} ins(%{{[a-z0-9]+}} : tensor<3xf32>)
// CHECK: %[[HALF:.*]] = arith.constant 5.000000e-01
// CHECK: arith.mulf %{{.*}}, %[[HALF]]
func.func @main(%x: tensor<3xf32>) -> tensor<3xf32> {
  %half = nn.constant dense<0.5> : tensor<1xf32>
  %0 = nn.mul %x, %x : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %1 = nn.mul %0, %half : (tensor<3xf32>, tensor<1xf32>) -> tensor<3xf32>
  return %1 : tensor<3xf32>
}

// -----

// One comparison and one selection; the NaN of the input stays.
// CHECK-LABEL: func.func @main(
// CHECK: ^bb0(%[[X:.*]]: f32, %{{.*}}: f32):
// CHECK: %[[ZERO:.*]] = arith.constant 0.0
// CHECK: %[[LESS:.*]] = arith.cmpf olt, %[[X]], %[[ZERO]]
// CHECK: arith.select %[[LESS]], %[[ZERO]], %[[X]]
// CHECK: arith.cmpf olt
// CHECK: arith.select
// CHECK: arith.cmpf olt
// CHECK: arith.select
// CHECK-NOT: maximumf
func.func @main(%x: tensor<3xf32>) -> tensor<3xf32> {
  %low = nn.constant dense<0.0> : tensor<f32>
  %high = nn.constant dense<6.0> : tensor<f32>
  %0 = nn.relu %x : (tensor<3xf32>) -> tensor<3xf32>
  %1 = nn.clamp %0, %low, %high : (tensor<3xf32>, tensor<f32>, tensor<f32>) -> tensor<3xf32>
  return %1 : tensor<3xf32>
}

// -----

// Signs choose the ops and are gone from the types.
// CHECK-LABEL: func.func @main(
// CHECK-SAME: tensor<3xi8>, %{{.*}}: tensor<3xi8>
// CHECK: arith.divui
// CHECK: arith.divsi
// CHECK: arith.extui %{{.*}} : i8 to i32
// CHECK: arith.sitofp %{{.*}} : i8 to f32
func.func @main(%x: tensor<3xui8>, %y: tensor<3xi8>) -> (tensor<3xui8>, tensor<3xi8>, tensor<3xi32>, tensor<3xf32>) {
  %0 = nn.div %x, %x : (tensor<3xui8>, tensor<3xui8>) -> tensor<3xui8>
  %1 = nn.div %y, %y : (tensor<3xi8>, tensor<3xi8>) -> tensor<3xi8>
  %2 = nn.cast %x : (tensor<3xui8>) -> tensor<3xi32>
  %3 = nn.cast %y : (tensor<3xi8>) -> tensor<3xf32>
  return %0, %1, %2, %3 : tensor<3xui8>, tensor<3xi8>, tensor<3xi32>, tensor<3xf32>
}

// -----

// Powers by constants need no power function.
// CHECK-LABEL: func.func @main(
// CHECK: math.sqrt
// CHECK: arith.mulf
// CHECK: math.powf
// CHECK-COUNT-2: math.sqrt
// CHECK-NOT: math.powf
func.func @main(%x: tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) {
  %quarters = nn.constant dense<0.75> : tensor<f32>
  %half = nn.constant dense<0.5> : tensor<f32>
  %two = nn.constant dense<2> : tensor<i64>
  %0 = nn.pow %x, %half : (tensor<3xf32>, tensor<f32>) -> tensor<3xf32>
  %1 = nn.pow %x, %two : (tensor<3xf32>, tensor<i64>) -> tensor<3xf32>
  %2 = nn.pow %x, %x : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %3 = nn.pow %x, %quarters : (tensor<3xf32>, tensor<f32>) -> tensor<3xf32>
  return %0, %1, %2, %3 : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>
}

// -----

// Signs are none of the bits'.
// CHECK-LABEL: func.func @main(
// CHECK: arith.bitcast %{{.*}} : f32 to i32
// CHECK-NOT: arith.bitcast
func.func @main(%x: tensor<3xf32>) -> tensor<3xui32> {
  %0 = nn.bitcast %x : (tensor<3xf32>) -> tensor<3xi32>
  %1 = nn.bitcast %0 : (tensor<3xi32>) -> tensor<3xui32>
  return %1 : tensor<3xui32>
}
