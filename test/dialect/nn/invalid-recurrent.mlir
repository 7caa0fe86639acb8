// RUN: nncc-opt %s -split-input-file -verify-diagnostics

func.func @input(%x: tensor<2x3xf32>, %w: tensor<1x5x3xf32>, %r: tensor<1x5x5xf32>) {
  // expected-error@+2 {{is not [steps, batch, features] of floats}}
  // expected-error@+1 {{failed to infer returned types}}
  %0:2 = nn.rnn %x, %w, %r {activations = ["tanh"], operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>} : (tensor<2x3xf32>, tensor<1x5x3xf32>, tensor<1x5x5xf32>) -> (tensor<4x1x2x5xf32>, tensor<1x2x5xf32>)
  return
}

// -----

func.func @hidden(%x: tensor<4x2x3xf32>, %w: tensor<1x5x3xf32>, %r: tensor<5x5xf32>) {
  // expected-error@+2 {{does not say the hidden size}}
  // expected-error@+1 {{failed to infer returned types}}
  %0:2 = nn.rnn %x, %w, %r {activations = ["tanh"], operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>} : (tensor<4x2x3xf32>, tensor<1x5x3xf32>, tensor<5x5xf32>) -> (tensor<4x1x2x5xf32>, tensor<1x2x5xf32>)
  return
}

// -----

func.func @types(%x: tensor<4x2x3xf32>, %w: tensor<1x5x3xf64>, %r: tensor<1x5x5xf32>) {
  // expected-error@+2 {{has elements of type 'f64' and the input 'f32'}}
  // expected-error@+1 {{failed to infer returned types}}
  %0:2 = nn.rnn %x, %w, %r {activations = ["tanh"], operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>} : (tensor<4x2x3xf32>, tensor<1x5x3xf64>, tensor<1x5x5xf32>) -> (tensor<4x1x2x5xf32>, tensor<1x2x5xf32>)
  return
}
