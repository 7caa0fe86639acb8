// RUN: nncc-opt %s -split-input-file -nn-to-linalg -verify-diagnostics

func.func @main(%x: tensor<1x4x4x4xf32>, %w: tensor<40x40x2x4xf32>) -> tensor<1x160x160x4xf32> {
  // expected-error@+1 {{with strides 40, 40 and groups or dilations is not supported}}
  %0 = nn.conv_transpose %x, %w {groups = 2 : i64, strides = array<i64: 40, 40>, dilations = array<i64: 1, 1>, pads_low = array<i64: 0, 0>, pads_high = array<i64: 0, 0>, output_padding = array<i64: 0, 0>} : (tensor<1x4x4x4xf32>, tensor<40x40x2x4xf32>) -> tensor<1x160x160x4xf32>
  return %0 : tensor<1x160x160x4xf32>
}

// -----

func.func @main(%x: tensor<?x5xf32, affine_map<()[s0] -> (s0, 5)>>) -> tensor<8x5xf32> attributes {nn.symbols = ["n"]} {
  // expected-error@+1 {{with antialiasing needs a scale that is known at compile time}}
  %0 = nn.resize %x {axes = array<i64: 0>, antialias, mode = "linear", coordinate_mode = "half_pixel"} : (tensor<?x5xf32, affine_map<()[s0] -> (s0, 5)>>) -> tensor<8x5xf32>
  return %0 : tensor<8x5xf32>
}

// -----

func.func @main(%x: tensor<3x4xf32>) -> tensor<4xf32> {
  %i = nn.constant dense<7> : tensor<i64>
  // expected-error@+1 {{index 7 is out of range for axis 0}}
  %0 = nn.gather %x, %i {axis = 0 : i64} : (tensor<3x4xf32>, tensor<i64>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// expected-error@+1 {{has no function @main}}
module {
}

// -----

func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@+1 {{has no linalg form}}
  %0 = tensor.empty() : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @main(%x: tensor<4xf32>, %i: tensor<3x0xi64>, %u: tensor<3x4xf32>) -> tensor<4xf32> {
  // expected-error@+1 {{has empty index tuples, which is not supported}}
  %0 = nn.scatter_nd %x, %i, %u : (tensor<4xf32>, tensor<3x0xi64>, tensor<3x4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
