// RUN: nncc-opt %s -split-input-file -canonicalize | FileCheck %s

// Identities leave their operand.
// CHECK-LABEL: @identities
// CHECK-SAME: (%[[X:.*]]: tensor<2x3xf32>)
// CHECK-NEXT: return %[[X]]
func.func @identities(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %zero = nn.constant dense<0.0> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<1xf32>
  %0 = nn.add %zero, %x : (tensor<f32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %1 = nn.mul %0, %one : (tensor<2x3xf32>, tensor<1xf32>) -> tensor<2x3xf32>
  %2 = nn.sub %1, %zero : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
  %3 = nn.div %2, %one : (tensor<2x3xf32>, tensor<1xf32>) -> tensor<2x3xf32>
  %4 = nn.cast %3 : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %5 = nn.transpose %4 {perm = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %6 = nn.concat %5 {axis = 0 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %7 = nn.slice %6 {starts = affine_map<() -> (0, 0)>, sizes = affine_map<() -> (2, 3)>, steps = array<i64: 1, 1>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %8 = nn.pad %7 {low = affine_map<() -> (0, 0)>, high = affine_map<() -> (0, 0)>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %9 = nn.broadcast_to %8 : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %10 = nn.tile %9 {repeats = affine_map<() -> (1, 1)>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %11 = nn.reshape %10 : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %11 : tensor<2x3xf32>
}

// -----

// A neutral element that stretches the result is not one.
// CHECK-LABEL: @stretches
// CHECK: nn.add
func.func @stretches(%x: tensor<1xf32>) -> tensor<3xf32> {
  %zero = nn.constant dense<0.0> : tensor<3xf32>
  %0 = nn.add %x, %zero : (tensor<1xf32>, tensor<3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

// CHECK-LABEL: @constants
// CHECK-DAG: nn.constant dense<[5, 7, 9]> : tensor<3xi64>
// CHECK-DAG: nn.constant dense<[true, false, false]> : tensor<3xi1>
// CHECK-DAG: nn.constant dense<[-2, 0, 1]> : tensor<3xi64>
// CHECK-DAG: nn.constant dense<2.500000e-01> : tensor<1000xf32>
// CHECK-DAG: nn.constant dense<[100, 255]> : tensor<2xui8>
// CHECK-NOT: nn.add
func.func @constants() -> (tensor<3xi64>, tensor<3xi1>, tensor<3xi64>, tensor<1000xf32>, tensor<2xui8>) {
  %a = nn.constant dense<[1, 2, 3]> : tensor<3xi64>
  %b = nn.constant dense<[4, 5, 6]> : tensor<3xi64>
  %c = nn.constant dense<2> : tensor<i64>
  %d = nn.constant dense<[-5, 1, 3]> : tensor<3xi64>
  %e = nn.constant dense<0.5> : tensor<1000xf32>
  %f = nn.constant dense<[200, 255]> : tensor<2xui8>
  %g = nn.constant dense<[2, 1]> : tensor<2xui8>
  %0 = nn.add %a, %b : (tensor<3xi64>, tensor<3xi64>) -> tensor<3xi64>
  %1 = nn.less %a, %c : (tensor<3xi64>, tensor<i64>) -> tensor<3xi1>
  %2 = nn.div %d, %c : (tensor<3xi64>, tensor<i64>) -> tensor<3xi64>
  %3 = nn.mul %e, %e : (tensor<1000xf32>, tensor<1000xf32>) -> tensor<1000xf32>
  %4 = nn.div %f, %g : (tensor<2xui8>, tensor<2xui8>) -> tensor<2xui8>
  return %0, %1, %2, %3, %4 : tensor<3xi64>, tensor<3xi1>, tensor<3xi64>, tensor<1000xf32>, tensor<2xui8>
}

// -----

// Ops that move elements fold for any element type.
// CHECK-LABEL: @movement
// CHECK-DAG: nn.constant dense<[1.000000e+00, 2.000000e+00, 4.000000e+00]> : tensor<3xf32>
// CHECK-DAG: nn.constant dense<[4.000000e+00, 2.000000e+00]> : tensor<2xf32>
// CHECK-DAG: nn.constant dense<{{\[}}[2.000000e+00], [1.000000e+00]]> : tensor<2x1xf32>
func.func @movement() -> (tensor<3xf32>, tensor<2xf32>, tensor<2x1xf32>) {
  %a = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %b = nn.constant dense<[4.0]> : tensor<1xf32>
  %i = nn.constant dense<[-1, 0]> : tensor<2xi64>
  %0 = nn.concat %a, %b {axis = 0 : i64} : (tensor<2xf32>, tensor<1xf32>) -> tensor<3xf32>
  %1 = nn.slice %0 {starts = affine_map<() -> (2)>, sizes = affine_map<() -> (2)>, steps = array<i64: -1>} : (tensor<3xf32>) -> tensor<2xf32>
  %2 = nn.gather %a, %i {axis = 0 : i64} : (tensor<2xf32>, tensor<2xi64>) -> tensor<2xf32>
  %3 = nn.reshape %2 : (tensor<2xf32>) -> tensor<2x1xf32>
  return %0, %1, %3 : tensor<3xf32>, tensor<2xf32>, tensor<2x1xf32>
}

// -----

// CHECK-LABEL: @transposes
// CHECK-SAME: (%[[X:.*]]: tensor<2x3x4x5xf32>, %[[Y:.*]]: tensor<1x7x1x9xf32>)
// CHECK: %[[R:.*]] = nn.reshape %[[Y]] : (tensor<1x7x1x9xf32>) -> tensor<1x1x7x9xf32>
// CHECK: return %[[X]], %[[R]]
func.func @transposes(%x: tensor<2x3x4x5xf32>, %y: tensor<1x7x1x9xf32>) -> (tensor<2x3x4x5xf32>, tensor<1x1x7x9xf32>) {
  %0 = nn.transpose %x {perm = array<i64: 0, 2, 3, 1>} : (tensor<2x3x4x5xf32>) -> tensor<2x4x5x3xf32>
  %1 = nn.transpose %0 {perm = array<i64: 0, 3, 1, 2>} : (tensor<2x4x5x3xf32>) -> tensor<2x3x4x5xf32>
  %2 = nn.transpose %y {perm = array<i64: 0, 2, 1, 3>} : (tensor<1x7x1x9xf32>) -> tensor<1x1x7x9xf32>
  return %1, %2 : tensor<2x3x4x5xf32>, tensor<1x1x7x9xf32>
}

// -----

// CHECK-LABEL: @reshapes
// CHECK-SAME: (%[[X:.*]]: tensor<2x3x4xf32>)
// CHECK-NEXT: nn.reshape %[[X]] : (tensor<2x3x4xf32>) -> tensor<4x6xf32>
// CHECK-NEXT: return
func.func @reshapes(%x: tensor<2x3x4xf32>) -> tensor<4x6xf32> {
  %0 = nn.reshape %x : (tensor<2x3x4xf32>) -> tensor<24xf32>
  %1 = nn.reshape %0 : (tensor<24xf32>) -> tensor<4x6xf32>
  return %1 : tensor<4x6xf32>
}
