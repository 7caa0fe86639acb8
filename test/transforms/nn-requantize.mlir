// RUN: nncc-opt %s -nn-requantize -canonicalize | FileCheck %s

// One factor, an integer bias, and a Relu that is a bound.
// CHECK-LABEL: func @product
// CHECK-DAG: %[[M:.*]] = nn.constant dense<2.500000e-01> : tensor<f32>
// CHECK-DAG: %[[Z:.*]] = nn.constant dense<3> : tensor<i16>
// CHECK: %[[B:.*]] = nn.add %arg0, %{{.*}} : (tensor<5x80xi32>, tensor<80xi32>)
// CHECK: %[[F:.*]] = nn.cast %[[B]] : (tensor<5x80xi32>) -> tensor<5x80xf32>
// CHECK: %[[Y:.*]] = nn.mul %[[F]], %[[M]]
// CHECK: %[[S:.*]] = nn.saturate %[[Y]] {high = 252 : i64, low = 0 : i64} : (tensor<5x80xf32>) -> tensor<5x80xi16>
// CHECK: %[[Q:.*]] = nn.add %[[S]], %[[Z]]
// CHECK: nn.cast %[[Q]] : (tensor<5x80xi16>) -> tensor<5x80xui8>
func.func @product(%p: tensor<5x80xi32>) -> tensor<5x80xui8> {
  %t = nn.constant dense<0.125> : tensor<f32>
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<3> : tensor<ui8>
  %none = nn.constant dense<0> : tensor<i32>
  %bias = nn.constant dense<7> : tensor<80xi32>
  %0 = nn.cast %p : (tensor<5x80xi32>) -> tensor<5x80xf32>
  %1 = nn.mul %0, %t : (tensor<5x80xf32>, tensor<f32>) -> tensor<5x80xf32>
  %2 = nn.dequantize %bias, %t, %none : (tensor<80xi32>, tensor<f32>, tensor<i32>) -> tensor<80xf32>
  %3 = nn.add %1, %2 : (tensor<5x80xf32>, tensor<80xf32>) -> tensor<5x80xf32>
  %4 = nn.relu %3 : (tensor<5x80xf32>) -> tensor<5x80xf32>
  %5 = nn.quantize %4, %s, %z : (tensor<5x80xf32>, tensor<f32>, tensor<ui8>) -> tensor<5x80xui8>
  return %5 : tensor<5x80xui8>
}

// A bias of another scale stays a number.
// CHECK-LABEL: func @other_bias
// CHECK: %[[Y:.*]] = nn.mul
// CHECK: %[[B:.*]] = nn.add %[[Y]], %{{.*}} : (tensor<5x80xf32>, tensor<80xf32>)
// CHECK: nn.saturate %[[B]] {high = 127 : i64, low = -128 : i64}
func.func @other_bias(%p: tensor<5x80xi32>) -> tensor<5x80xi8> {
  %t = nn.constant dense<0.125> : tensor<f32>
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<0> : tensor<i8>
  %none = nn.constant dense<0> : tensor<i32>
  %bias = nn.constant dense<7> : tensor<80xi32>
  %0 = nn.cast %p : (tensor<5x80xi32>) -> tensor<5x80xf32>
  %1 = nn.mul %0, %t : (tensor<5x80xf32>, tensor<f32>) -> tensor<5x80xf32>
  %2 = nn.dequantize %bias, %s, %none : (tensor<80xi32>, tensor<f32>, tensor<i32>) -> tensor<80xf32>
  %3 = nn.add %1, %2 : (tensor<5x80xf32>, tensor<80xf32>) -> tensor<5x80xf32>
  %4 = nn.quantize %3, %s, %z : (tensor<5x80xf32>, tensor<f32>, tensor<i8>) -> tensor<5x80xi8>
  return %4 : tensor<5x80xi8>
}

// A reader takes the distance from the zero point as it was computed.
// CHECK-LABEL: func @read_again
// CHECK: %[[S:.*]] = nn.saturate %{{.*}} {high = 252 : i64, low = -3 : i64} : (tensor<6xf32>) -> tensor<6xi16>
// CHECK-NEXT: return %[[S]]
func.func @read_again(%x: tensor<6xf32>) -> tensor<6xi16> {
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<3> : tensor<ui8>
  %wide = nn.constant dense<3> : tensor<i16>
  %0 = nn.quantize %x, %s, %z : (tensor<6xf32>, tensor<f32>, tensor<ui8>) -> tensor<6xui8>
  %1 = nn.cast %0 : (tensor<6xui8>) -> tensor<6xi16>
  %2 = nn.sub %1, %wide : (tensor<6xi16>, tensor<i16>) -> tensor<6xi16>
  return %2 : tensor<6xi16>
}

// CHECK-LABEL: func @mean
// CHECK: %[[I:.*]] = nn.cast %arg0 : (tensor<1x4x4x8xi8>) -> tensor<1x4x4x8xi32>
// CHECK: %[[S:.*]] = nn.reduce_sum %[[I]] {{.*}} -> tensor<1x8xi32>
// CHECK: %[[F:.*]] = nn.cast %[[S]]
// CHECK: nn.mul %[[F]], %{{.*}} : (tensor<1x8xf32>, tensor<f32>)
// CHECK: nn.saturate
func.func @mean(%x: tensor<1x4x4x8xi8>) -> tensor<1x8xi8> {
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<0> : tensor<i8>
  %0 = nn.dequantize %x, %s, %z : (tensor<1x4x4x8xi8>, tensor<f32>, tensor<i8>) -> tensor<1x4x4x8xf32>
  %1 = nn.reduce_mean %0 {axes = array<i64: 1, 2>} : (tensor<1x4x4x8xf32>) -> tensor<1x8xf32>
  %2 = nn.quantize %1, %s, %z : (tensor<1x8xf32>, tensor<f32>, tensor<i8>) -> tensor<1x8xi8>
  return %2 : tensor<1x8xi8>
}

// The part that is quantised alike is only moved.
// CHECK-LABEL: func @concat
// CHECK: %[[B:.*]] = nn.cast %{{.*}} : (tensor<3xi16>) -> tensor<3xi8>
// CHECK: nn.concat %arg0, %[[B]]
func.func @concat(%a: tensor<2xi8>, %b: tensor<3xi8>) -> tensor<5xi8> {
  %s = nn.constant dense<0.5> : tensor<f32>
  %t = nn.constant dense<0.25> : tensor<f32>
  %z = nn.constant dense<1> : tensor<i8>
  %0 = nn.dequantize %a, %s, %z : (tensor<2xi8>, tensor<f32>, tensor<i8>) -> tensor<2xf32>
  %1 = nn.dequantize %b, %t, %z : (tensor<3xi8>, tensor<f32>, tensor<i8>) -> tensor<3xf32>
  %2 = nn.concat %0, %1 {axis = 0 : i64} : (tensor<2xf32>, tensor<3xf32>) -> tensor<5xf32>
  %3 = nn.quantize %2, %s, %z : (tensor<5xf32>, tensor<f32>, tensor<i8>) -> tensor<5xi8>
  return %3 : tensor<5xi8>
}

// A product in f32 of integers, and what it reads, stay in f32.
// CHECK-LABEL: func @in_float
// CHECK: %[[A:.*]] = nn.saturate %arg0 {high = 127 : i64, low = -128 : i64} : (tensor<1x4x4x80xf32>) -> tensor<1x4x4x80xf32>
// CHECK: %[[C:.*]] = nn.conv %[[A]]
// CHECK: %[[B:.*]] = nn.add %[[C]], %{{.*}} : (tensor<1x2x2x80xf32>, tensor<80xf32>)
// CHECK: %[[Y:.*]] = nn.mul %[[B]]
// CHECK: nn.saturate %[[Y]]
func.func @in_float(%x: tensor<1x4x4x80xf32>, %w: tensor<3x3x1x80xi16>) -> tensor<1x2x2x80xi8> {
  %t = nn.constant dense<0.125> : tensor<f32>
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<0> : tensor<i8>
  %none = nn.constant dense<0> : tensor<i32>
  %bias = nn.constant dense<7> : tensor<80xi32>
  %0 = nn.saturate %x {low = -128, high = 127} : (tensor<1x4x4x80xf32>) -> tensor<1x4x4x80xi16>
  %1 = nn.cast %0 : (tensor<1x4x4x80xi16>) -> tensor<1x4x4x80xf32>
  %2 = nn.cast %w : (tensor<3x3x1x80xi16>) -> tensor<3x3x1x80xf32>
  %3 = nn.conv %1, %2 {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_low = array<i64: 0, 0>, pads_high = array<i64: 0, 0>, groups = 80 : i64} : (tensor<1x4x4x80xf32>, tensor<3x3x1x80xf32>) -> tensor<1x2x2x80xf32>
  %4 = nn.mul %3, %t : (tensor<1x2x2x80xf32>, tensor<f32>) -> tensor<1x2x2x80xf32>
  %5 = nn.dequantize %bias, %t, %none : (tensor<80xi32>, tensor<f32>, tensor<i32>) -> tensor<80xf32>
  %6 = nn.add %4, %5 : (tensor<1x2x2x80xf32>, tensor<80xf32>) -> tensor<1x2x2x80xf32>
  %7 = nn.quantize %6, %s, %z : (tensor<1x2x2x80xf32>, tensor<f32>, tensor<i8>) -> tensor<1x2x2x80xi8>
  return %7 : tensor<1x2x2x80xi8>
}

// Where a product takes the numbers as they are held, all readers do.
// CHECK-LABEL: func @read_whole
// CHECK: %[[S:.*]] = nn.saturate
// CHECK: %[[Q:.*]] = nn.add %[[S]], %{{.*}} : (tensor<5x7xi16>, tensor<i16>)
// CHECK-DAG: nn.matmul %[[Q]]
// CHECK-DAG: nn.sub %[[Q]]
func.func @read_whole(%x: tensor<5x7xf32>, %w: tensor<7x3xi16>) -> (tensor<5x3xi32>, tensor<5x7xi16>) {
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<3> : tensor<ui8>
  %wide = nn.constant dense<3> : tensor<i16>
  %0 = nn.quantize %x, %s, %z : (tensor<5x7xf32>, tensor<f32>, tensor<ui8>) -> tensor<5x7xui8>
  %1 = nn.cast %0 : (tensor<5x7xui8>) -> tensor<5x7xi16>
  %2 = nn.sub %1, %wide : (tensor<5x7xi16>, tensor<i16>) -> tensor<5x7xi16>
  %3 = nn.matmul %1, %w : (tensor<5x7xi16>, tensor<7x3xi16>) -> tensor<5x3xi32>
  return %3, %2 : tensor<5x3xi32>, tensor<5x7xi16>
}

// What a zero point adds to the sums and the bias are one constant.
// CHECK-LABEL: func @bias_and_offset
// CHECK-DAG: %[[C:.*]] = nn.constant dense<4> : tensor<80xi32>
// CHECK: nn.add %arg0, %[[C]] : (tensor<5x80xi32>, tensor<80xi32>)
// CHECK-NOT: nn.sub
func.func @bias_and_offset(%p: tensor<5x80xi32>) -> tensor<5x80xui8> {
  %t = nn.constant dense<0.125> : tensor<f32>
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<3> : tensor<ui8>
  %none = nn.constant dense<0> : tensor<i32>
  %bias = nn.constant dense<7> : tensor<80xi32>
  %offset = nn.constant dense<3> : tensor<80xi32>
  %moved = nn.sub %p, %offset : (tensor<5x80xi32>, tensor<80xi32>) -> tensor<5x80xi32>
  %0 = nn.cast %moved : (tensor<5x80xi32>) -> tensor<5x80xf32>
  %1 = nn.mul %0, %t : (tensor<5x80xf32>, tensor<f32>) -> tensor<5x80xf32>
  %2 = nn.dequantize %bias, %t, %none : (tensor<80xi32>, tensor<f32>, tensor<i32>) -> tensor<80xf32>
  %3 = nn.add %1, %2 : (tensor<5x80xf32>, tensor<80xf32>) -> tensor<5x80xf32>
  %4 = nn.quantize %3, %s, %z : (tensor<5x80xf32>, tensor<f32>, tensor<ui8>) -> tensor<5x80xui8>
  return %4 : tensor<5x80xui8>
}
