// RUN: nncc-opt %s --nn-to-linalg --split-input-file | FileCheck %s

// Nearest by whole factors: a map for both axes, no table.

// CHECK-DAG: affine_map<(d0, d1, d2, d3) -> (d0, d1 floordiv 2, d2 floordiv 2, d3)>
// CHECK-LABEL: func.func @main
// CHECK-COUNT-1: linalg.generic
// CHECK-NOT:     tensor.extract
// CHECK-NOT:     linalg.generic
func.func @main(%x: tensor<1x4x5x3xf32> {nn.name = "x"}) -> (tensor<1x8x10x3xf32> {nn.name = "y"}) {
  %y = nn.resize %x {axes = array<i64: 1, 2>, scales = array<f32: 2.0, 2.0>, mode = "nearest", coordinate_mode = "half_pixel"} : (tensor<1x4x5x3xf32>) -> tensor<1x8x10x3xf32>
  return %y : tensor<1x8x10x3xf32>
}

// -----

// Linear: a table of indices and one of weights an axis; channels stay
// contiguous.

// CHECK-LABEL: func.func @main
// CHECK:         linalg.generic {{.*}} outs(%{{.*}} : tensor<7x2xi32>)
// CHECK:         linalg.generic {{.*}} outs(%{{.*}} : tensor<7x2xf32>)
// CHECK:         linalg.generic
// CHECK-COUNT-2:   tensor.extract
// CHECK:         linalg.generic {{.*}} outs(%{{.*}} : tensor<9x2xi32>)
func.func @main(%x: tensor<1x4x5x3xf32> {nn.name = "x"}) -> (tensor<1x7x9x3xf32> {nn.name = "y"}) {
  %y = nn.resize %x {axes = array<i64: 1, 2>, mode = "linear", coordinate_mode = "align_corners"} : (tensor<1x4x5x3xf32>) -> tensor<1x7x9x3xf32>
  return %y : tensor<1x7x9x3xf32>
}

// -----

// Cubic: four taps.

// CHECK-LABEL: func.func @main
// CHECK:         linalg.generic {{.*}} outs(%{{.*}} : tensor<8x4xf32>)
// CHECK:         linalg.generic
// CHECK-COUNT-4:   tensor.extract
func.func @main(%x: tensor<1x4x5x3xf32> {nn.name = "x"}) -> (tensor<1x8x5x3xf32> {nn.name = "y"}) {
  %y = nn.resize %x {axes = array<i64: 1>, mode = "cubic"} : (tensor<1x4x5x3xf32>) -> tensor<1x8x5x3xf32>
  return %y : tensor<1x8x5x3xf32>
}
