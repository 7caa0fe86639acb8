// RUN: nncc-opt %s --nn-to-linalg --split-input-file | FileCheck %s

// Kernel = stride: all phases are loops of one contraction, no zero is inserted.

// CHECK-LABEL: func.func @main
// CHECK-NOT:     tensor.pad
// CHECK:         linalg.generic {{.*}} outs(%{{.*}} : tensor<1x5x2x4x8xf32>)
// CHECK:         tensor.collapse_shape %{{.*}} into tensor<1x10x8x4xf32>
// CHECK-NOT:     tensor.extract_slice
func.func @main(%x: tensor<1x5x4x3xf32> {nn.name = "x"}, %w: tensor<2x2x3x4xf32> {nn.name = "w"}) -> (tensor<1x10x8x4xf32> {nn.name = "y"}) {
  %y = nn.conv_transpose %x, %w {strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads_low = array<i64: 0, 0>, pads_high = array<i64: 0, 0>, output_padding = array<i64: 0, 0>} : (tensor<1x5x4x3xf32>, tensor<2x2x3x4xf32>) -> tensor<1x10x8x4xf32>
  return %y : tensor<1x10x8x4xf32>
}

// -----

// 3 taps at stride 2: even elements meet one tap, odd ones two. Four
// convolutions are interleaved.

// CHECK-LABEL: func.func @main
// CHECK-COUNT-4: tensor.insert_slice {{.*}} [1, 2, 2, 1]
// CHECK-NOT:     tensor.insert_slice
func.func @main(%x: tensor<1x5x4x3xf32> {nn.name = "x"}, %w: tensor<3x3x3x4xf32> {nn.name = "w"}) -> (tensor<1x10x8x4xf32> {nn.name = "y"}) {
  %y = nn.conv_transpose %x, %w {strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads_low = array<i64: 1, 1>, pads_high = array<i64: 1, 1>, output_padding = array<i64: 1, 1>} : (tensor<1x5x4x3xf32>, tensor<3x3x3x4xf32>) -> tensor<1x10x8x4xf32>
  return %y : tensor<1x10x8x4xf32>
}
