// RUN: nncc-opt %s --nn-to-linalg --split-input-file | FileCheck %s

// One matrix on the right: the batch is rows of the same product, without a
// reshape that would part it from its epilogue.

// CHECK-DAG: #[[W:.*]] = affine_map<(d0, d1, d2, d3) -> (d3, d2)>
// CHECK-LABEL: func.func @main
// CHECK-NOT:     tensor.collapse_shape
// CHECK:         linalg.generic {indexing_maps = [{{.*}}, #[[W]], {{.*}}], iterator_types = ["parallel", "parallel", "parallel", "reduction"]
// CHECK-NOT:     tensor.expand_shape
func.func @main(%x: tensor<?x5x4xf32, affine_map<()[s0] -> (s0, 5, 4)>> {nn.name = "x"}, %w: tensor<4x6xf32> {nn.name = "w"}) -> (tensor<?x5x6xf32, affine_map<()[s0] -> (s0, 5, 6)>> {nn.name = "y"}) attributes {nn.symbols = ["batch"]} {
  %y = nn.matmul %x, %w : (tensor<?x5x4xf32, affine_map<()[s0] -> (s0, 5, 4)>>, tensor<4x6xf32>) -> tensor<?x5x6xf32, affine_map<()[s0] -> (s0, 5, 6)>>
  return %y : tensor<?x5x6xf32, affine_map<()[s0] -> (s0, 5, 6)>>
}

// -----

// Batches broadcast in the maps.

// CHECK-DAG: affine_map<(d0, d1, d2, d3, d4) -> (d0, 0, d2, d4)>
// CHECK-DAG: affine_map<(d0, d1, d2, d3, d4) -> (d1, d4, d3)>
// CHECK-LABEL: func.func @main
// CHECK:         linalg.generic
func.func @main(%x: tensor<2x1x5x4xf32> {nn.name = "x"}, %w: tensor<3x4x6xf32> {nn.name = "w"}) -> (tensor<2x3x5x6xf32> {nn.name = "y"}) {
  %y = nn.matmul %x, %w : (tensor<2x1x5x4xf32>, tensor<3x4x6xf32>) -> tensor<2x3x5x6xf32>
  return %y : tensor<2x3x5x6xf32>
}

// -----

// A vector is a row: its dimension goes again.

// CHECK-LABEL: func.func @main
// CHECK:         tensor.expand_shape %{{.*}} into tensor<1x4xf32>
// CHECK:         tensor.collapse_shape %{{.*}} into tensor<6xf32>
func.func @main(%x: tensor<4xf32> {nn.name = "x"}, %w: tensor<4x6xf32> {nn.name = "w"}) -> (tensor<6xf32> {nn.name = "y"}) {
  %y = nn.matmul %x, %w : (tensor<4xf32>, tensor<4x6xf32>) -> tensor<6xf32>
  return %y : tensor<6xf32>
}
