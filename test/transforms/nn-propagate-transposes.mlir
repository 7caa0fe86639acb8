// RUN: nncc-opt %s --nn-propagate-transposes --split-input-file | FileCheck %s

// A bias and an activation between two channels-last ops: the transposes cancel,
// the bias is transposed as a constant.

// CHECK-LABEL: func.func @elementwise
// CHECK-SAME:      %[[X:.*]]: tensor<1x8x8x4xf32>
// CHECK:         %[[B:.*]] = nn.constant
// CHECK:         %[[R:.*]] = nn.reshape %[[B]] : (tensor<4x1x1xf32>) -> tensor<1x4x1x1xf32>
// CHECK:         %[[T:.*]] = nn.transpose %[[R]] {perm = array<i64: 0, 2, 3, 1>}
// CHECK:         %[[S:.*]] = nn.add %[[X]], %[[T]]
// CHECK:         %[[Y:.*]] = nn.relu %[[S]]
// CHECK-NEXT:    return %[[Y]]
func.func @elementwise(%x: tensor<1x8x8x4xf32>) -> tensor<1x8x8x4xf32> {
  %b = nn.constant dense<[[[1.0]], [[2.0]], [[3.0]], [[4.0]]]> : tensor<4x1x1xf32>
  %0 = nn.transpose %x {perm = array<i64: 0, 3, 1, 2>} : (tensor<1x8x8x4xf32>) -> tensor<1x4x8x8xf32>
  %1 = nn.add %0, %b : (tensor<1x4x8x8xf32>, tensor<4x1x1xf32>) -> tensor<1x4x8x8xf32>
  %2 = nn.relu %1 : (tensor<1x4x8x8xf32>) -> tensor<1x4x8x8xf32>
  %3 = nn.transpose %2 {perm = array<i64: 0, 2, 3, 1>} : (tensor<1x4x8x8xf32>) -> tensor<1x8x8x4xf32>
  return %3 : tensor<1x8x8x4xf32>
}

// -----

// Axes and attributes follow the dimensions.

// CHECK-LABEL: func.func @axes
// CHECK:         %[[C:.*]] = nn.concat %{{.*}}, %{{.*}} {axis = 3 : i64}
// CHECK:         %[[S:.*]] = nn.softmax %[[C]] {axis = 3 : i64}
// CHECK:         nn.reduce_mean %[[S]] {axes = array<i64: 1, 2>}
// CHECK-SAME:      -> tensor<1x6xf32>
// CHECK-NOT:     nn.transpose
func.func @axes(%x: tensor<1x8x8x4xf32>, %y: tensor<1x8x8x2xf32>) -> tensor<1x6xf32> {
  %0 = nn.transpose %x {perm = array<i64: 0, 3, 1, 2>} : (tensor<1x8x8x4xf32>) -> tensor<1x4x8x8xf32>
  %1 = nn.transpose %y {perm = array<i64: 0, 3, 1, 2>} : (tensor<1x8x8x2xf32>) -> tensor<1x2x8x8xf32>
  %2 = nn.concat %0, %1 {axis = 1 : i64} : (tensor<1x4x8x8xf32>, tensor<1x2x8x8xf32>) -> tensor<1x6x8x8xf32>
  %3 = nn.softmax %2 {axis = 1 : i64} : (tensor<1x6x8x8xf32>) -> tensor<1x6x8x8xf32>
  %4 = nn.reduce_mean %3 {axes = array<i64: 2, 3>} : (tensor<1x6x8x8xf32>) -> tensor<1x6xf32>
  return %4 : tensor<1x6xf32>
}

// -----

// A detector's head: the pixels become rows, the channels stay last.

// CHECK-LABEL: func.func @head
// CHECK-SAME:      %[[X:.*]]: tensor<?x4x5x12xf32
// CHECK-NEXT:    %[[Y:.*]] = nn.reshape %[[X]]
// CHECK-SAME:      -> tensor<?x20x12xf32
// CHECK-NEXT:    return %[[Y]]
func.func @head(%x: tensor<?x4x5x12xf32, affine_map<()[s0] -> (s0, 4, 5, 12)>>) -> tensor<?x20x12xf32, affine_map<()[s0] -> (s0, 20, 12)>> {
  %0 = nn.transpose %x {perm = array<i64: 0, 3, 1, 2>} : (tensor<?x4x5x12xf32, affine_map<()[s0] -> (s0, 4, 5, 12)>>) -> tensor<?x12x4x5xf32, affine_map<()[s0] -> (s0, 12, 4, 5)>>
  %1 = nn.reshape %0 : (tensor<?x12x4x5xf32, affine_map<()[s0] -> (s0, 12, 4, 5)>>) -> tensor<?x12x20xf32, affine_map<()[s0] -> (s0, 12, 20)>>
  %2 = nn.transpose %1 {perm = array<i64: 0, 2, 1>} : (tensor<?x12x20xf32, affine_map<()[s0] -> (s0, 12, 20)>>) -> tensor<?x20x12xf32, affine_map<()[s0] -> (s0, 20, 12)>>
  return %2 : tensor<?x20x12xf32, affine_map<()[s0] -> (s0, 20, 12)>>
}

// -----

// The channels of all pixels in a row: no order of the pixels' channels gives
// that without moving elements.

// CHECK-LABEL: func.func @flatten
// CHECK:         nn.transpose
// CHECK:         nn.reshape
func.func @flatten(%x: tensor<1x4x5x12xf32>) -> tensor<1x240xf32> {
  %0 = nn.transpose %x {perm = array<i64: 0, 3, 1, 2>} : (tensor<1x4x5x12xf32>) -> tensor<1x12x4x5xf32>
  %1 = nn.reshape %0 : (tensor<1x12x4x5xf32>) -> tensor<1x240xf32>
  return %1 : tensor<1x240xf32>
}

// -----

// One operand has no transpose to cancel: it gets one, since the result needs
// none then.

// CHECK-LABEL: func.func @rise
// CHECK-SAME:      %[[X:.*]]: tensor<1x8x8x4xf32>, %[[Y:.*]]: tensor<1x4x8x8xf32>
// CHECK:         %[[T:.*]] = nn.transpose %[[Y]] {perm = array<i64: 0, 2, 3, 1>}
// CHECK:         %[[A:.*]] = nn.add %[[X]], %[[T]]
// CHECK:         %[[R:.*]] = nn.relu %[[A]]
// CHECK-NEXT:    return %[[R]]
func.func @rise(%x: tensor<1x8x8x4xf32>, %y: tensor<1x4x8x8xf32>) -> tensor<1x8x8x4xf32> {
  %0 = nn.transpose %x {perm = array<i64: 0, 3, 1, 2>} : (tensor<1x8x8x4xf32>) -> tensor<1x4x8x8xf32>
  %1 = nn.add %0, %y : (tensor<1x4x8x8xf32>, tensor<1x4x8x8xf32>) -> tensor<1x4x8x8xf32>
  %2 = nn.relu %1 : (tensor<1x4x8x8xf32>) -> tensor<1x4x8x8xf32>
  %3 = nn.transpose %2 {perm = array<i64: 0, 2, 3, 1>} : (tensor<1x4x8x8xf32>) -> tensor<1x8x8x4xf32>
  return %3 : tensor<1x8x8x4xf32>
}

// -----

// Squeeze and excitation: the reshapes that move only ones cancel too.

// CHECK-LABEL: func.func @excitation
// CHECK-NOT:     nn.transpose
// CHECK:         %[[M:.*]] = nn.reduce_mean %{{.*}} {axes = array<i64: 1, 2>, keepdims} : (tensor<1x8x8x4xf32>) -> tensor<1x1x1x4xf32>
// CHECK-NEXT:    %[[S:.*]] = nn.sigmoid %[[M]]
// CHECK-NEXT:    %[[Y:.*]] = nn.mul %{{.*}}, %[[S]]
// CHECK-NEXT:    return %[[Y]]
func.func @excitation(%x: tensor<1x8x8x4xf32>) -> tensor<1x8x8x4xf32> {
  %0 = nn.transpose %x {perm = array<i64: 0, 3, 1, 2>} : (tensor<1x8x8x4xf32>) -> tensor<1x4x8x8xf32>
  %1 = nn.reduce_mean %0 {axes = array<i64: 2, 3>, keepdims} : (tensor<1x4x8x8xf32>) -> tensor<1x4x1x1xf32>
  %2 = nn.reshape %1 : (tensor<1x4x1x1xf32>) -> tensor<1x1x1x4xf32>
  %3 = nn.sigmoid %2 : (tensor<1x1x1x4xf32>) -> tensor<1x1x1x4xf32>
  %4 = nn.reshape %3 : (tensor<1x1x1x4xf32>) -> tensor<1x4x1x1xf32>
  %5 = nn.mul %0, %4 : (tensor<1x4x8x8xf32>, tensor<1x4x1x1xf32>) -> tensor<1x4x8x8xf32>
  %6 = nn.transpose %5 {perm = array<i64: 0, 2, 3, 1>} : (tensor<1x4x8x8xf32>) -> tensor<1x8x8x4xf32>
  return %6 : tensor<1x8x8x4xf32>
}

// -----

// A channel shuffle: one transpose of the last two dimensions is left.

// CHECK-LABEL: func.func @shuffle
// CHECK-SAME:      %[[X:.*]]: tensor<1x8x8x6xf32>
// CHECK-NEXT:    %[[S:.*]] = nn.reshape %[[X]] : (tensor<1x8x8x6xf32>) -> tensor<1x8x8x2x3xf32>
// CHECK-NEXT:    %[[T:.*]] = nn.transpose %[[S]] {perm = array<i64: 0, 1, 2, 4, 3>}
// CHECK-NEXT:    %[[Y:.*]] = nn.reshape %[[T]]
// CHECK-NEXT:    return %[[Y]]
func.func @shuffle(%x: tensor<1x8x8x6xf32>) -> tensor<1x8x8x6xf32> {
  %0 = nn.transpose %x {perm = array<i64: 0, 3, 1, 2>} : (tensor<1x8x8x6xf32>) -> tensor<1x6x8x8xf32>
  %1 = nn.reshape %0 : (tensor<1x6x8x8xf32>) -> tensor<1x2x3x8x8xf32>
  %2 = nn.transpose %1 {perm = array<i64: 0, 2, 1, 3, 4>} : (tensor<1x2x3x8x8xf32>) -> tensor<1x3x2x8x8xf32>
  %3 = nn.reshape %2 : (tensor<1x3x2x8x8xf32>) -> tensor<1x6x8x8xf32>
  %4 = nn.transpose %3 {perm = array<i64: 0, 2, 3, 1>} : (tensor<1x6x8x8xf32>) -> tensor<1x8x8x6xf32>
  return %4 : tensor<1x8x8x6xf32>
}
