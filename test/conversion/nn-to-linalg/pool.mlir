// RUN: nncc-opt %s --nn-to-linalg --split-input-file | FileCheck %s

// A small window: one elementwise op that reads the padded input nine times.

// CHECK-LABEL: func.func @main
// CHECK:         arith.constant 0xFF800000 : f32
// CHECK:         tensor.pad %{{.*}} low[0, 1, 1, 0] high[0, 1, 1, 0]
// CHECK:         linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "parallel", "parallel"]
// CHECK-COUNT-8:   arith.cmpf olt
// CHECK-NOT:       arith.cmpf
func.func @main(%x: tensor<1x9x8x3xf32> {nn.name = "x"}) -> (tensor<1x5x4x3xf32> {nn.name = "y"}) {
  %y = nn.max_pool %x {kernel = array<i64: 3, 3>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads_low = array<i64: 1, 1>, pads_high = array<i64: 1, 1>} : (tensor<1x9x8x3xf32>) -> tensor<1x5x4x3xf32>
  return %y : tensor<1x5x4x3xf32>
}

// -----

// A large one: along the rows, then along the columns.

// CHECK-LABEL: func.func @main
// CHECK:         linalg.generic
// CHECK-COUNT-4:   arith.cmpf
// CHECK:         linalg.generic
// CHECK-COUNT-4:   arith.cmpf
// CHECK-NOT:       arith.cmpf
func.func @main(%x: tensor<1x9x8x3xf32> {nn.name = "x"}) -> (tensor<1x9x8x3xf32> {nn.name = "y"}) {
  %y = nn.max_pool %x {kernel = array<i64: 5, 5>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_low = array<i64: 2, 2>, pads_high = array<i64: 2, 2>} : (tensor<1x9x8x3xf32>) -> tensor<1x9x8x3xf32>
  return %y : tensor<1x9x8x3xf32>
}

// -----

// Without padding the divisor is a constant.

// CHECK-LABEL: func.func @main
// CHECK:         linalg.generic
// CHECK-COUNT-3:   arith.addf
// CHECK:           arith.constant 2.500000e-01
// CHECK:           arith.mulf
func.func @main(%x: tensor<1x8x8x3xf32> {nn.name = "x"}) -> (tensor<1x4x4x3xf32> {nn.name = "y"}) {
  %y = nn.avg_pool %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads_low = array<i64: 0, 0>, pads_high = array<i64: 0, 0>} : (tensor<1x8x8x3xf32>) -> tensor<1x4x4x3xf32>
  return %y : tensor<1x4x4x3xf32>
}

// -----

// With padding the elements are counted, of each row and column once.

// CHECK-LABEL: func.func @main
// CHECK:         linalg.generic
// CHECK-COUNT-8:   arith.addf
// CHECK:         linalg.generic {{.*}} outs(%{{.*}} : tensor<5x4xf32>)
// CHECK:           linalg.index 0
// CHECK:           linalg.index 1
// CHECK:         linalg.generic
// CHECK:           arith.divf
func.func @main(%x: tensor<1x9x8x3xf32> {nn.name = "x"}) -> (tensor<1x5x4x3xf32> {nn.name = "y"}) {
  %y = nn.avg_pool %x {kernel = array<i64: 3, 3>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads_low = array<i64: 1, 1>, pads_high = array<i64: 1, 1>} : (tensor<1x9x8x3xf32>) -> tensor<1x5x4x3xf32>
  return %y : tensor<1x5x4x3xf32>
}

// -----

// CHECK-LABEL: func.func @main
// CHECK:         math.sqrt
func.func @main(%x: tensor<1x8x8x3xf32> {nn.name = "x"}) -> (tensor<1x4x4x3xf32> {nn.name = "y"}) {
  %y = nn.lp_pool %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads_low = array<i64: 0, 0>, pads_high = array<i64: 0, 0>} : (tensor<1x8x8x3xf32>) -> tensor<1x4x4x3xf32>
  return %y : tensor<1x4x4x3xf32>
}
