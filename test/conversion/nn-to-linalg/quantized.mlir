// RUN: nncc-opt %s --nn-to-linalg --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @main
// CHECK:         %[[Q:.*]] = arith.divf
// A NaN is not greater.
// CHECK:         arith.cmpf ogt, %[[Q]]
// CHECK:         %[[M:.*]] = arith.addf %{{.*}}, %{{.*}} : f32
// CHECK:         %[[I:.*]] = arith.bitcast %[[M]] : f32 to i32
// CHECK:         arith.trunci %{{.*}} : i32 to i8
func.func @main(%x: tensor<5xf32>, %s: tensor<f32>, %z: tensor<ui8>) -> tensor<5xui8> {
  %y = nn.quantize %x, %s, %z : (tensor<5xf32>, tensor<f32>, tensor<ui8>) -> tensor<5xui8>
  return %y : tensor<5xui8>
}

// -----

// CHECK-LABEL: func.func @main
// CHECK-DAG:     %[[X:.*]] = arith.extui %{{.*}} : i8 to i32
// CHECK-DAG:     %[[Z:.*]] = arith.extui %{{.*}} : i8 to i32
// CHECK:         %[[D:.*]] = arith.subi
// CHECK:         %[[F:.*]] = arith.sitofp %[[D]] : i32 to f32
// CHECK:         arith.mulf %[[F]]
func.func @main(%x: tensor<5xui8>, %s: tensor<f32>, %z: tensor<ui8>) -> tensor<5xf32> {
  %y = nn.dequantize %x, %s, %z : (tensor<5xui8>, tensor<f32>, tensor<ui8>) -> tensor<5xf32>
  return %y : tensor<5xf32>
}

// -----

// An odd number of products: the last one's partner is zero.
// CHECK-LABEL: func.func @main
// CHECK:         tensor.pad %{{.*}} low[0, 0] high[0, 1]
// CHECK:         linalg.generic {{.*}} ins({{.*}} : tensor<2x8xi16>, tensor<2x8xi16>, tensor<4x3xi32>)
// CHECK:         %[[P:.*]] = arith.ori
// CHECK:         %[[D:.*]] = exec.dot %[[P]], %{{.*}} : i32
// CHECK:         arith.addi %{{.*}}, %[[D]]
func.func @main(%a: tensor<2x7xi16>, %b: tensor<7x3xi16>) -> tensor<2x3xi32> {
  %y = nn.matmul %a, %b : (tensor<2x7xi16>, tensor<7x3xi16>) -> tensor<2x3xi32>
  return %y : tensor<2x3xi32>
}

// -----

// Both operands are computed, for an open number of heads.
// CHECK-LABEL: func.func @main
// CHECK:         linalg.generic {{.*}} ins({{.*}} : tensor<?x6x3xi16>, tensor<?x6x3xi16>) outs(%{{.*}} : tensor<?x3x3xi32>)
// CHECK:         exec.dot
func.func @main(%a: tensor<?x2x5xi16, affine_map<()[s0] -> (s0, 2, 5)>> {nn.name = "a"}, %b: tensor<?x5x3xi16, affine_map<()[s0] -> (s0, 5, 3)>> {nn.name = "b"}) -> (tensor<?x2x3xi32, affine_map<()[s0] -> (s0, 2, 3)>> {nn.name = "y"}) attributes {nn.symbols = ["heads"]} {
  %y = nn.matmul %a, %b : (tensor<?x2x5xi16, affine_map<()[s0] -> (s0, 2, 5)>>, tensor<?x5x3xi16, affine_map<()[s0] -> (s0, 5, 3)>>) -> tensor<?x2x3xi32, affine_map<()[s0] -> (s0, 2, 3)>>
  return %y : tensor<?x2x3xi32, affine_map<()[s0] -> (s0, 2, 3)>>
}

// -----

// An open number of products: a zero behind them, which counts if it is odd.
// CHECK-DAG:   #[[PAIRS:.*]] = affine_map<()[s0] -> ((s0 + 1) floordiv 2)>
// CHECK-LABEL: func.func @main
// CHECK-DAG:     tensor.pad %{{.*}} low[0, 0] high[0, 1]
// CHECK-DAG:     tensor.pad %{{.*}} low[0, 0] high[1, 0]
// CHECK-DAG:     affine.apply #[[PAIRS]]()
// CHECK:         exec.dot
func.func @main(%a: tensor<2x?xi16, affine_map<()[s0] -> (2, s0)>> {nn.name = "a"}, %b: tensor<?x3xi16, affine_map<()[s0] -> (s0, 3)>> {nn.name = "b"}) -> (tensor<2x3xi32> {nn.name = "y"}) attributes {nn.symbols = ["steps"]} {
  %y = nn.matmul %a, %b : (tensor<2x?xi16, affine_map<()[s0] -> (2, s0)>>, tensor<?x3xi16, affine_map<()[s0] -> (s0, 3)>>) -> tensor<2x3xi32>
  return %y : tensor<2x3xi32>
}

// -----

// Of numbers that are known to be bytes.
// CHECK-LABEL: func.func @main
// CHECK:         exec.dot %{{.*}}, %{{.*}} {bytes} : i32
func.func @main(%x: tensor<2x8xf32>, %b: tensor<8x3xi16>) -> tensor<2x3xi32> {
  %three = nn.constant dense<3> : tensor<i16>
  %s = nn.saturate %x {low = -3 : i64, high = 252 : i64} : (tensor<2x8xf32>) -> tensor<2x8xi16>
  %a = nn.add %s, %three : (tensor<2x8xi16>, tensor<i16>) -> tensor<2x8xi16>
  %y = nn.matmul %a, %b : (tensor<2x8xi16>, tensor<8x3xi16>) -> tensor<2x3xi32>
  return %y : tensor<2x3xi32>
}

// -----

// Bytes that the larger of two tensors, and a joined one, are made of.
// CHECK-LABEL: func.func @main
// CHECK:         exec.dot %{{.*}}, %{{.*}} {bytes} : i32
func.func @main(%x: tensor<2x4xf32>, %u: tensor<2x4xi16>, %b: tensor<8x3xi16>) -> tensor<2x3xi32> {
  %zero = nn.constant dense<0> : tensor<i16>
  %all = nn.constant dense<255> : tensor<i16>
  %s = nn.saturate %x {low = 0 : i64, high = 255 : i64} : (tensor<2x4xf32>) -> tensor<2x4xi16>
  %l = nn.max %u, %zero : (tensor<2x4xi16>, tensor<i16>) -> tensor<2x4xi16>
  %m = nn.min %l, %all : (tensor<2x4xi16>, tensor<i16>) -> tensor<2x4xi16>
  %a = nn.concat %s, %m {axis = 1 : i64} : (tensor<2x4xi16>, tensor<2x4xi16>) -> tensor<2x8xi16>
  %y = nn.matmul %a, %b : (tensor<2x8xi16>, tensor<8x3xi16>) -> tensor<2x3xi32>
  return %y : tensor<2x3xi32>
}

// -----

// Not of numbers of which some may be negative.
// CHECK-LABEL: func.func @main
// CHECK:         exec.dot %{{[^ ]*}}, %{{[^ ]*}} : i32
func.func @main(%x: tensor<2x8xf32>, %b: tensor<8x3xi16>) -> tensor<2x3xi32> {
  %s = nn.saturate %x {low = -114 : i64, high = 141 : i64} : (tensor<2x8xf32>) -> tensor<2x8xi16>
  %y = nn.matmul %s, %b : (tensor<2x8xi16>, tensor<8x3xi16>) -> tensor<2x3xi32>
  return %y : tensor<2x3xi32>
}

// -----

// CHECK-LABEL: func.func @main
// CHECK-DAG:     arith.constant -3.000000e+00 : f32
// CHECK-DAG:     arith.constant 2.520000e+02 : f32
// CHECK:         %[[M:.*]] = arith.addf
// CHECK:         %[[B:.*]] = arith.bitcast %[[M]] : f32 to i32
// CHECK:         %[[I:.*]] = arith.subi %[[B]]
// CHECK:         arith.trunci %[[I]] : i32 to i16
func.func @main(%x: tensor<5xf32>) -> tensor<5xi16> {
  %y = nn.saturate %x {low = -3, high = 252} : (tensor<5xf32>) -> tensor<5xi16>
  return %y : tensor<5xi16>
}
