// RUN: nncc-opt %s -nn-integer-products -canonicalize | FileCheck %s

// CHECK-LABEL: func @matmul
// CHECK-DAG: %[[A:.*]] = nn.cast %arg0 : (tensor<5x7xui8>) -> tensor<5x7xi16>
// CHECK: %[[SUM:.*]] = nn.matmul %{{.*}}, %{{.*}} : (tensor<5x7xi16>, tensor<7x3xi16>) -> tensor<5x3xi32>
// CHECK: %[[F:.*]] = nn.cast %[[SUM]] : (tensor<5x3xi32>) -> tensor<5x3xf32>
// CHECK: %[[Y:.*]] = nn.mul %[[F]], %{{.*}} : (tensor<5x3xf32>, tensor<3xf32>)
// CHECK: nn.quantize %[[Y]]
func.func @matmul(%a: tensor<5x7xui8>, %w: tensor<7x3xi8>, %t: tensor<1x3xf32>) -> tensor<5x3xui8> {
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<3> : tensor<ui8>
  %y = nn.constant dense<0> : tensor<i8>
  %0 = nn.dequantize %a, %s, %z : (tensor<5x7xui8>, tensor<f32>, tensor<ui8>) -> tensor<5x7xf32>
  %1 = nn.dequantize %w, %t, %y : (tensor<7x3xi8>, tensor<1x3xf32>, tensor<i8>) -> tensor<7x3xf32>
  %2 = nn.matmul %0, %1 : (tensor<5x7xf32>, tensor<7x3xf32>) -> tensor<5x3xf32>
  %3 = nn.quantize %2, %s, %z : (tensor<5x3xf32>, tensor<f32>, tensor<ui8>) -> tensor<5x3xui8>
  return %3 : tensor<5x3xui8>
}

// What is quantised again as it was stays as it is.
// CHECK-LABEL: func @moved
// CHECK: %[[R:.*]] = nn.reshape %arg0 : (tensor<2x6xi8>) -> tensor<12xi8>
// CHECK-NEXT: return %[[R]]
func.func @moved(%a: tensor<2x6xi8>) -> tensor<12xi8> {
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<3> : tensor<i8>
  %0 = nn.dequantize %a, %s, %z : (tensor<2x6xi8>, tensor<f32>, tensor<i8>) -> tensor<2x6xf32>
  %1 = nn.reshape %0 : (tensor<2x6xf32>) -> tensor<12xf32>
  %2 = nn.quantize %1, %s, %z : (tensor<12xf32>, tensor<f32>, tensor<i8>) -> tensor<12xi8>
  return %2 : tensor<12xi8>
}

// Scales that differ along the reduction can't be applied after it.
// CHECK-LABEL: func @rows
// CHECK: nn.matmul {{.*}} -> tensor<5x3xf32>
func.func @rows(%a: tensor<5x7xui8>, %w: tensor<7x3xi8>, %t: tensor<7x1xf32>) -> tensor<5x3xf32> {
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<3> : tensor<ui8>
  %y = nn.constant dense<0> : tensor<i8>
  %0 = nn.dequantize %a, %s, %z : (tensor<5x7xui8>, tensor<f32>, tensor<ui8>) -> tensor<5x7xf32>
  %1 = nn.dequantize %w, %t, %y : (tensor<7x3xi8>, tensor<7x1xf32>, tensor<i8>) -> tensor<7x3xf32>
  %2 = nn.matmul %0, %1 : (tensor<5x7xf32>, tensor<7x3xf32>) -> tensor<5x3xf32>
  return %2 : tensor<5x3xf32>
}

// Sums of few products are exact in f32, which depthwise kernels are faster in.
// CHECK-LABEL: func @depthwise
// CHECK: %[[A:.*]] = nn.cast %{{.*}} : (tensor<1x4x4x80xi16>) -> tensor<1x4x4x80xf32>
// CHECK: %[[W:.*]] = nn.cast %{{.*}} : (tensor<3x3x1x80xi16>) -> tensor<3x3x1x80xf32>
// CHECK: %[[C:.*]] = nn.conv %[[A]], %[[W]] {{.*}} -> tensor<1x2x2x80xf32>
// CHECK: nn.mul %[[C]]
func.func @depthwise(%a: tensor<1x4x4x80xui8>, %w: tensor<3x3x1x80xi8>) -> tensor<1x2x2x80xf32> {
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<3> : tensor<ui8>
  %y = nn.constant dense<0> : tensor<i8>
  %0 = nn.dequantize %a, %s, %z : (tensor<1x4x4x80xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x4x4x80xf32>
  %1 = nn.dequantize %w, %s, %y : (tensor<3x3x1x80xi8>, tensor<f32>, tensor<i8>) -> tensor<3x3x1x80xf32>
  %2 = nn.conv %0, %1 {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_low = array<i64: 0, 0>, pads_high = array<i64: 0, 0>, groups = 80 : i64} : (tensor<1x4x4x80xf32>, tensor<3x3x1x80xf32>) -> tensor<1x2x2x80xf32>
  return %2 : tensor<1x2x2x80xf32>
}

// Numbers of i8 that are only dequantised are held without their sign.
// CHECK-LABEL: func @held_unsigned
// CHECK-DAG: %[[Z:.*]] = nn.constant dense<133> : tensor<ui8>
// CHECK: %[[Q:.*]] = nn.quantize %arg0, %{{.*}}, %[[Z]] : {{.*}} -> tensor<6xui8>
// CHECK: nn.dequantize %[[Q]], %{{.*}}, %[[Z]]
func.func @held_unsigned(%x: tensor<6xf32>) -> tensor<6xf32> {
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<5> : tensor<i8>
  %0 = nn.quantize %x, %s, %z : (tensor<6xf32>, tensor<f32>, tensor<i8>) -> tensor<6xi8>
  %1 = nn.dequantize %0, %s, %z : (tensor<6xi8>, tensor<f32>, tensor<i8>) -> tensor<6xf32>
  return %1 : tensor<6xf32>
}

// What leaves the network keeps it.
// CHECK-LABEL: func @result_of_i8
// CHECK: nn.quantize {{.*}} -> tensor<6xi8>
func.func @result_of_i8(%x: tensor<6xf32>) -> (tensor<6xi8>, tensor<6xf32>) {
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<5> : tensor<i8>
  %0 = nn.quantize %x, %s, %z : (tensor<6xf32>, tensor<f32>, tensor<i8>) -> tensor<6xi8>
  %1 = nn.dequantize %0, %s, %z : (tensor<6xi8>, tensor<f32>, tensor<i8>) -> tensor<6xf32>
  return %0, %1 : tensor<6xi8>, tensor<6xf32>
}
