// RUN: nncc-opt %s -nn-byte-operands -canonicalize | FileCheck %s

// The zero point is subtracted from the sums, by the columns' sums of weights.
// CHECK-LABEL: func @matmul
// CHECK-DAG: %[[Z:.*]] = nn.constant dense<3> : tensor<i32>
// CHECK-DAG: %[[W:.*]] = nn.constant dense<5> : tensor<7x3xi16>
// CHECK-DAG: %[[A:.*]] = nn.cast %arg0 : (tensor<5x7xui8>) -> tensor<5x7xi16>
// CHECK-DAG: %[[P:.*]] = nn.matmul %[[A]], %[[W]]
// CHECK-DAG: %[[S:.*]] = nn.reduce_sum {{.*}} {axes = array<i64: 0>} : (tensor<7x3xi32>) -> tensor<3xi32>
// CHECK-DAG: %[[O:.*]] = nn.mul %[[S]], %[[Z]]
// CHECK: nn.sub %[[P]], %[[O]] : (tensor<5x3xi32>, tensor<3xi32>) -> tensor<5x3xi32>
func.func @matmul(%a: tensor<5x7xui8>) -> tensor<5x3xi32> {
  %w = nn.constant dense<5> : tensor<7x3xi16>
  %z = nn.constant dense<3> : tensor<i16>
  %0 = nn.cast %a : (tensor<5x7xui8>) -> tensor<5x7xi16>
  %1 = nn.sub %0, %z : (tensor<5x7xi16>, tensor<i16>) -> tensor<5x7xi16>
  %2 = nn.matmul %1, %w : (tensor<5x7xi16>, tensor<7x3xi16>) -> tensor<5x3xi32>
  return %2 : tensor<5x3xi32>
}

// A zero point that is known when the network runs, behind a transpose.
// CHECK-LABEL: func @dynamic
// CHECK: %[[T:.*]] = nn.transpose %{{.*}} {perm = array<i64: 0, 2, 3, 1>}
// CHECK: nn.conv %[[T]]
// CHECK: %[[Z:.*]] = nn.cast %arg1 : (tensor<i16>) -> tensor<i32>
// CHECK: nn.mul %{{.*}}, %[[Z]] : (tensor<3xi32>, tensor<i32>) -> tensor<3xi32>
func.func @dynamic(%a: tensor<1x7x2x2xui8>, %z: tensor<i16>) -> tensor<1x2x2x3xi32> {
  %w = nn.constant dense<5> : tensor<1x1x7x3xi16>
  %0 = nn.cast %a : (tensor<1x7x2x2xui8>) -> tensor<1x7x2x2xi16>
  %1 = nn.sub %0, %z : (tensor<1x7x2x2xi16>, tensor<i16>) -> tensor<1x7x2x2xi16>
  %2 = nn.transpose %1 {perm = array<i64: 0, 2, 3, 1>} : (tensor<1x7x2x2xi16>) -> tensor<1x2x2x7xi16>
  %3 = nn.conv %2, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_low = array<i64: 0, 0>, pads_high = array<i64: 0, 0>, groups = 1 : i64} : (tensor<1x2x2x7xi16>, tensor<1x1x7x3xi16>) -> tensor<1x2x2x3xi32>
  return %3 : tensor<1x2x2x3xi32>
}

// The border's zeros stand for the zero point.
// CHECK-LABEL: func @padded
// CHECK: nn.sub
// CHECK-NEXT: nn.conv
// CHECK-NEXT: return
func.func @padded(%a: tensor<1x2x2x7xui8>) -> tensor<1x4x4x3xi32> {
  %w = nn.constant dense<5> : tensor<1x1x7x3xi16>
  %z = nn.constant dense<3> : tensor<i16>
  %0 = nn.cast %a : (tensor<1x2x2x7xui8>) -> tensor<1x2x2x7xi16>
  %1 = nn.sub %0, %z : (tensor<1x2x2x7xi16>, tensor<i16>) -> tensor<1x2x2x7xi16>
  %2 = nn.conv %1, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_low = array<i64: 1, 1>, pads_high = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x2x2x7xi16>, tensor<1x1x7x3xi16>) -> tensor<1x4x4x3xi32>
  return %2 : tensor<1x4x4x3xi32>
}

// Numbers of i8 are no bytes, and sums of weights that change are not known.
// CHECK-LABEL: func @signed
// CHECK: nn.sub
// CHECK-NEXT: nn.matmul
// CHECK-NEXT: return
func.func @signed(%a: tensor<5x7xi8>) -> tensor<5x3xi32> {
  %w = nn.constant dense<5> : tensor<7x3xi16>
  %z = nn.constant dense<3> : tensor<i16>
  %0 = nn.cast %a : (tensor<5x7xi8>) -> tensor<5x7xi16>
  %1 = nn.sub %0, %z : (tensor<5x7xi16>, tensor<i16>) -> tensor<5x7xi16>
  %2 = nn.matmul %1, %w : (tensor<5x7xi16>, tensor<7x3xi16>) -> tensor<5x3xi32>
  return %2 : tensor<5x3xi32>
}

// CHECK-LABEL: func @two_inputs
// CHECK: nn.sub
// CHECK-NEXT: nn.matmul
// CHECK-NEXT: return
func.func @two_inputs(%a: tensor<5x7xui8>, %w: tensor<7x3xi16>) -> tensor<5x3xi32> {
  %z = nn.constant dense<3> : tensor<i16>
  %0 = nn.cast %a : (tensor<5x7xui8>) -> tensor<5x7xi16>
  %1 = nn.sub %0, %z : (tensor<5x7xi16>, tensor<i16>) -> tensor<5x7xi16>
  %2 = nn.matmul %1, %w : (tensor<5x7xi16>, tensor<7x3xi16>) -> tensor<5x3xi32>
  return %2 : tensor<5x3xi32>
}
