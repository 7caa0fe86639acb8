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

// -----

// An open height in a network of many open sizes.

#in = affine_map<()[s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, s13, s14, s15, s16, s17, s18, s19, s20, s21, s22, s23] -> (1, s23, 4, 3)>
#out = affine_map<()[s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, s13, s14, s15, s16, s17, s18, s19, s20, s21, s22, s23] -> (1, s23 * 2, 8, 4)>

// CHECK-LABEL: func.func @main
// CHECK:         tensor.extract_slice %{{.*}} : tensor<1x?x10x4xf32> to tensor<1x?x8x4xf32>
func.func @main(%x: tensor<1x?x4x3xf32, #in> {nn.name = "x"}, %w: tensor<4x4x3x4xf32> {nn.name = "w"}) -> (tensor<1x?x8x4xf32, #out> {nn.name = "y"})
    attributes {nn.symbols = ["d0", "d1", "d2", "d3", "d4", "d5", "d6", "d7", "d8", "d9", "d10", "d11", "d12", "d13", "d14", "d15", "d16", "d17", "d18", "d19", "d20", "d21", "d22", "d23"]} {
  %y = nn.conv_transpose %x, %w {strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads_low = array<i64: 1, 1>, pads_high = array<i64: 1, 1>, output_padding = array<i64: 0, 0>} : (tensor<1x?x4x3xf32, #in>, tensor<4x4x3x4xf32>) -> tensor<1x?x8x4xf32, #out>
  return %y : tensor<1x?x8x4xf32, #out>
}
