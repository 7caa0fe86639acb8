// RUN: nncc-opt %s --nn-fold-scale --split-input-file | FileCheck %s

// Batch normalisation after a convolution: its factor goes into the filter, its
// offset joins the bias.

// CHECK-LABEL: func.func @conv_bias_scale_shift
// CHECK-SAME:      %[[X:.*]]: tensor<1x8x8x3xf32>
// CHECK-DAG:     %[[T:.*]] = nn.constant dense<{{\[\[\[\[}}6.000000e+00, 1.000000e+01, 1.600000e+01, 2.800000e+01]]]]>
// CHECK-DAG:     %[[W:.*]] = nn.constant dense<2.000000e+00> : tensor<3x3x3x4xf32>
// CHECK-DAG:     %[[S:.*]] = nn.constant dense<[1.000000e+00, 2.000000e+00, 3.000000e+00, 5.000000e+00]>
// CHECK:         %[[SCALED:.*]] = nn.mul %[[W]], %[[S]]
// CHECK:         %[[Y:.*]] = nn.conv %[[X]], %[[SCALED]]
// CHECK:         %[[Z:.*]] = nn.add %[[Y]], %[[T]]
// CHECK-NEXT:    return %[[Z]]
func.func @conv_bias_scale_shift(%x: tensor<1x8x8x3xf32>) -> tensor<1x6x6x4xf32> {
  %w = nn.constant dense<2.0> : tensor<3x3x3x4xf32>
  %b = nn.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %s = nn.constant dense<[[[[1.0, 2.0, 3.0, 5.0]]]]> : tensor<1x1x1x4xf32>
  %t = nn.constant dense<[[[[5.0, 6.0, 7.0, 8.0]]]]> : tensor<1x1x1x4xf32>
  %y = nn.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_low = array<i64: 0, 0>, pads_high = array<i64: 0, 0>} : (tensor<1x8x8x3xf32>, tensor<3x3x3x4xf32>) -> tensor<1x6x6x4xf32>
  %1 = nn.add %y, %b : (tensor<1x6x6x4xf32>, tensor<4xf32>) -> tensor<1x6x6x4xf32>
  %2 = nn.mul %1, %s : (tensor<1x6x6x4xf32>, tensor<1x1x1x4xf32>) -> tensor<1x6x6x4xf32>
  %3 = nn.add %2, %t : (tensor<1x6x6x4xf32>, tensor<1x1x1x4xf32>) -> tensor<1x6x6x4xf32>
  return %3 : tensor<1x6x6x4xf32>
}

// -----

// A quotient by a constant, after a matrix product.

// CHECK-LABEL: func.func @matmul_div
// CHECK:         %[[W:.*]] = nn.constant dense<0.666666{{.*}}> : tensor<8x4xf32>
// CHECK:         %[[Y:.*]] = nn.matmul %{{.*}}, %[[W]]
// CHECK-NEXT:    return %[[Y]]
func.func @matmul_div(%x: tensor<2x8xf32>) -> tensor<2x4xf32> {
  %w = nn.constant dense<2.0> : tensor<8x4xf32>
  %s = nn.constant dense<3.0> : tensor<f32>
  %y = nn.matmul %x, %w : (tensor<2x8xf32>, tensor<8x4xf32>) -> tensor<2x4xf32>
  %z = nn.div %y, %s : (tensor<2x4xf32>, tensor<f32>) -> tensor<2x4xf32>
  return %z : tensor<2x4xf32>
}

// -----

// Somebody else reads the product: it stays as it is.

// CHECK-LABEL: func.func @two_readers
// CHECK:         nn.matmul
// CHECK:         nn.mul
func.func @two_readers(%x: tensor<2x8xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>) {
  %w = nn.constant dense<2.0> : tensor<8x4xf32>
  %s = nn.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %y = nn.matmul %x, %w : (tensor<2x8xf32>, tensor<8x4xf32>) -> tensor<2x4xf32>
  %z = nn.mul %y, %s : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  return %y, %z : tensor<2x4xf32>, tensor<2x4xf32>
}

// -----

// A factor along another dimension than the channels.

// CHECK-LABEL: func.func @rows
// CHECK:         nn.matmul
// CHECK:         nn.mul
func.func @rows(%x: tensor<2x8xf32>) -> tensor<2x4xf32> {
  %w = nn.constant dense<2.0> : tensor<8x4xf32>
  %s = nn.constant dense<[[1.0], [2.0]]> : tensor<2x1xf32>
  %y = nn.matmul %x, %w : (tensor<2x8xf32>, tensor<8x4xf32>) -> tensor<2x4xf32>
  %z = nn.mul %y, %s : (tensor<2x4xf32>, tensor<2x1xf32>) -> tensor<2x4xf32>
  return %z : tensor<2x4xf32>
}

// -----

// Two normalisations one after the other are one: the factors and the offsets
// join.

// CHECK-LABEL: func.func @scale_shift_twice
// CHECK-SAME:      %[[X:.*]]: tensor<2x4xf32>
// CHECK-DAG:     %[[F:.*]] = nn.constant dense<[1.000000e+01, 4.000000e+01, 9.000000e+01, 1.600000e+02]>
// CHECK-DAG:     %[[T:.*]] = nn.constant dense<[1.010000e+02, 2.010000e+02, 3.010000e+02, 4.010000e+02]>
// CHECK:         %[[Y:.*]] = nn.mul %[[X]], %[[F]]
// CHECK-NEXT:    %[[Z:.*]] = nn.add %[[Y]], %[[T]]
// CHECK-NEXT:    return %[[Z]]
func.func @scale_shift_twice(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %e = nn.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %c = nn.constant dense<10.0> : tensor<f32>
  %f = nn.constant dense<[10.0, 20.0, 30.0, 40.0]> : tensor<4xf32>
  %d = nn.constant dense<1.0> : tensor<f32>
  %1 = nn.mul %x, %e : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  %2 = nn.add %1, %c : (tensor<2x4xf32>, tensor<f32>) -> tensor<2x4xf32>
  %3 = nn.mul %2, %f : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  %4 = nn.add %3, %d : (tensor<2x4xf32>, tensor<f32>) -> tensor<2x4xf32>
  return %4 : tensor<2x4xf32>
}

// -----

// A product that others read stays, and what reads it multiplies it again.

// CHECK-LABEL: func.func @shared_product
// CHECK:         %[[Y:.*]] = nn.mul
// CHECK:         %[[Z:.*]] = nn.mul %[[Y]]
// CHECK:         return %[[Y]], %[[Z]]
func.func @shared_product(%x: tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>) {
  %e = nn.constant dense<2.0> : tensor<f32>
  %f = nn.constant dense<3.0> : tensor<f32>
  %y = nn.mul %x, %e : (tensor<2x4xf32>, tensor<f32>) -> tensor<2x4xf32>
  %z = nn.mul %y, %f : (tensor<2x4xf32>, tensor<f32>) -> tensor<2x4xf32>
  return %y, %z : tensor<2x4xf32>, tensor<2x4xf32>
}
