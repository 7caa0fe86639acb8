// RUN: nncc-opt %s --nn-to-linalg --split-input-file | FileCheck %s

// The product of all inputs with the weights is outside of the loop; the loop
// carries both states and the sequence.

// CHECK-LABEL: func.func @main
// CHECK:         linalg.generic {{.*}} outs(%{{.*}} : tensor<8x20xf32>)
// CHECK:         scf.for %[[T:.*]] = %{{.*}} to %{{.*}} step %{{.*}} iter_args({{.*}}) -> (tensor<2x5xf32>, tensor<2x5xf32>, tensor<4x1x2x5xf32>)
// CHECK:           tensor.extract_slice %{{.*}}[%[[T]], 0, 0, 0] [1, 2, 4, 5]
// CHECK:           linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction"]
// CHECK:           math.tanh
// CHECK:           tensor.insert_slice %{{.*}} into %{{.*}}[%[[T]], 0, 0, 0]
// CHECK:           scf.yield
func.func @main(%x: tensor<4x2x3xf32> {nn.name = "x"}, %w: tensor<1x20x3xf32> {nn.name = "w"}, %r: tensor<1x20x5xf32> {nn.name = "r"}) -> (tensor<4x1x2x5xf32> {nn.name = "y"}) {
  %y:3 = nn.lstm %x, %w, %r {activations = ["sigmoid", "tanh", "tanh"], operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0>} : (tensor<4x2x3xf32>, tensor<1x20x3xf32>, tensor<1x20x5xf32>) -> (tensor<4x1x2x5xf32>, tensor<1x2x5xf32>, tensor<1x2x5xf32>)
  return %y#0 : tensor<4x1x2x5xf32>
}

// -----

// One step needs no loop.

// CHECK-LABEL: func.func @main
// CHECK-NOT:     scf.for
// CHECK:         return
func.func @main(%x: tensor<1x2x3xf32> {nn.name = "x"}, %w: tensor<1x15x3xf32> {nn.name = "w"}, %r: tensor<1x15x5xf32> {nn.name = "r"}) -> (tensor<1x2x5xf32> {nn.name = "y"}) {
  %y:2 = nn.gru %x, %w, %r {activations = ["sigmoid", "tanh"], linear_before_reset, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>} : (tensor<1x2x3xf32>, tensor<1x15x3xf32>, tensor<1x15x5xf32>) -> (tensor<1x1x2x5xf32>, tensor<1x2x5xf32>)
  return %y#1 : tensor<1x2x5xf32>
}

// -----

// Both directions, the second one from the end; lengths mask the states.

// CHECK-LABEL: func.func @main
// CHECK:         linalg.generic {{.*}} outs(%{{.*}} : tensor<4x2xi1>)
// CHECK:         scf.for
// CHECK:           arith.select
// CHECK:         scf.for
// CHECK:           arith.subi
// CHECK:           arith.select
func.func @main(%x: tensor<4x2x3xf32> {nn.name = "x"}, %w: tensor<2x5x3xf32> {nn.name = "w"}, %r: tensor<2x5x5xf32> {nn.name = "r"}, %n: tensor<2xi32> {nn.name = "n"}) -> (tensor<4x2x2x5xf32> {nn.name = "y"}) {
  %y:2 = nn.rnn %x, %w, %r, %n {activations = ["tanh", "tanh"], direction = "bidirectional", operandSegmentSizes = array<i32: 1, 1, 1, 0, 1, 0>} : (tensor<4x2x3xf32>, tensor<2x5x3xf32>, tensor<2x5x5xf32>, tensor<2xi32>) -> (tensor<4x2x2x5xf32>, tensor<2x2x5xf32>)
  return %y#0 : tensor<4x2x2x5xf32>
}
