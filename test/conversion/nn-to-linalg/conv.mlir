// RUN: nncc-opt %s --nn-to-linalg --split-input-file | FileCheck %s

// CHECK-DAG: #[[IN:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d1 * 2 + d4, d2 + d5 * 3, d6)>
// CHECK-DAG: #[[W:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d4, d5, d6, d3)>
// CHECK-LABEL: func.func @main
// CHECK:         %[[P:.*]] = tensor.pad %{{.*}} low[0, 1, 0, 0] high[0, 1, 0, 0]
// CHECK:         %[[Z:.*]] = linalg.fill
// CHECK:         linalg.generic {indexing_maps = [#[[IN]], #[[W]], #{{.*}}], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]} ins(%[[P]], %{{.*}}) outs(%[[Z]]
// CHECK:           arith.mulf
// CHECK-NEXT:      arith.addf
func.func @main(%x: tensor<1x9x12x4xf32> {nn.name = "x"}, %w: tensor<3x2x4x8xf32> {nn.name = "w"}) -> (tensor<1x5x9x8xf32> {nn.name = "y"}) {
  %y = nn.conv %x, %w {strides = array<i64: 2, 1>, dilations = array<i64: 1, 3>, pads_low = array<i64: 1, 0>, pads_high = array<i64: 1, 0>} : (tensor<1x9x12x4xf32>, tensor<3x2x4x8xf32>) -> tensor<1x5x9x8xf32>
  return %y : tensor<1x5x9x8xf32>
}

// -----

// A 1x1 convolution keeps its pixels' dimensions: kernels join them.

// CHECK-LABEL: func.func @main
// CHECK-NOT:     tensor.collapse_shape
// CHECK:         linalg.generic {{.*}} ins(%{{.*}}, %{{.*}} : tensor<2x5x4x3xf32>, tensor<1x1x3x6xf32>) outs(%{{.*}} : tensor<2x5x4x6xf32>)
func.func @main(%x: tensor<2x5x4x3xf32> {nn.name = "x"}, %w: tensor<1x1x3x6xf32> {nn.name = "w"}) -> (tensor<2x5x4x6xf32> {nn.name = "y"}) {
  %y = nn.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_low = array<i64: 0, 0>, pads_high = array<i64: 0, 0>} : (tensor<2x5x4x3xf32>, tensor<1x1x3x6xf32>) -> tensor<2x5x4x6xf32>
  return %y : tensor<2x5x4x6xf32>
}

// -----

// Depthwise: channels are a parallel loop of both operands.

// CHECK-DAG: #[[IN:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1 + d4, d2 + d5, d3)>
// CHECK-DAG: #[[W:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d4, d5, d3)>
// CHECK-LABEL: func.func @main
// CHECK:         linalg.generic {indexing_maps = [#[[IN]], #[[W]]
func.func @main(%x: tensor<1x8x8x6xf32> {nn.name = "x"}, %w: tensor<3x3x1x6xf32> {nn.name = "w"}) -> (tensor<1x6x6x6xf32> {nn.name = "y"}) {
  %y = nn.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_low = array<i64: 0, 0>, pads_high = array<i64: 0, 0>, groups = 6 : i64} : (tensor<1x8x8x6xf32>, tensor<3x3x1x6xf32>) -> tensor<1x6x6x6xf32>
  return %y : tensor<1x6x6x6xf32>
}

// -----

// Groups are one more parallel loop.

// CHECK-LABEL: func.func @main
// CHECK-DAG:     tensor.expand_shape %{{.*}} : tensor<3x3x2x9xf32> into tensor<3x3x2x3x3xf32>
// CHECK-DAG:     tensor.expand_shape %{{.*}} : tensor<1x8x8x6xf32> into tensor<1x8x8x3x2xf32>
// CHECK:         linalg.generic
// CHECK:         tensor.collapse_shape %{{.*}} into tensor<1x6x6x9xf32>
func.func @main(%x: tensor<1x8x8x6xf32> {nn.name = "x"}, %w: tensor<3x3x2x9xf32> {nn.name = "w"}) -> (tensor<1x6x6x9xf32> {nn.name = "y"}) {
  %y = nn.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_low = array<i64: 0, 0>, pads_high = array<i64: 0, 0>, groups = 3 : i64} : (tensor<1x8x8x6xf32>, tensor<3x3x2x9xf32>) -> tensor<1x6x6x9xf32>
  return %y : tensor<1x6x6x9xf32>
}

// -----

// Few outputs: pixels become the lanes, so channels come in front of them. The
// copies there and back cancel against a neighbour's.

// CHECK-DAG: #[[FIRST:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d2, d3, d1)>
// CHECK-DAG: #[[LAST:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d3, d1, d2)>
// CHECK-DAG: #[[IN:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d4, d2 * 2 + d5, d3 + d6)>
// CHECK-DAG: #[[W:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d5, d6, d4, d1)>
// CHECK-LABEL: func.func @main
// CHECK:         %[[PLANES:.*]] = linalg.generic {indexing_maps = [#[[FIRST]], #{{.*}}]
// CHECK:         %[[P:.*]] = tensor.pad %[[PLANES]] low[0, 0, 1, 0] high[0, 0, 0, 1]
// CHECK:         linalg.generic {indexing_maps = [#[[IN]], #[[W]], #{{.*}}], {{.*}} ins(%[[P]], %{{.*}}) outs(%{{.*}} : tensor<1x3x6x13xf32>)
// CHECK:         linalg.generic {indexing_maps = [#[[LAST]], #{{.*}}]
func.func @main(%x: tensor<1x12x14x5xf32> {nn.name = "x"}, %w: tensor<3x3x5x3xf32> {nn.name = "w"}) -> (tensor<1x6x13x3xf32> {nn.name = "y"}) {
  %y = nn.conv %x, %w {strides = array<i64: 2, 1>, dilations = array<i64: 1, 1>, pads_low = array<i64: 1, 0>, pads_high = array<i64: 0, 1>} : (tensor<1x12x14x5xf32>, tensor<3x3x5x3xf32>) -> tensor<1x6x13x3xf32>
  return %y : tensor<1x6x13x3xf32>
}
