// RUN: nncc-opt %s -split-input-file -verify-diagnostics

func.func @channels(%x: tensor<1x8x8x3xf32>, %w: tensor<3x3x4x8xf32>) {
  // expected-error@+2 {{input has 3 channels in 1 groups where the filter has 4 a group}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_low = array<i64: 0, 0>, pads_high = array<i64: 0, 0>} : (tensor<1x8x8x3xf32>, tensor<3x3x4x8xf32>) -> tensor<1x6x6x8xf32>
  return
}

// -----

func.func @window(%x: tensor<1x2x8x3xf32>, %w: tensor<5x3x3x8xf32>) {
  // expected-error@+2 {{the window is larger than the padded input: dimension 1 of the result would be -2}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_low = array<i64: 0, 0>, pads_high = array<i64: 0, 0>} : (tensor<1x2x8x3xf32>, tensor<5x3x3x8xf32>) -> tensor<1x1x6x8xf32>
  return
}

// -----

func.func @strides(%x: tensor<1x8x8x3xf32>) {
  // expected-error@+2 {{strides has the entry 0, which is not from 1 to 2^31 - 1}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.max_pool %x {kernel = array<i64: 2, 2>, strides = array<i64: 0, 1>, dilations = array<i64: 1, 1>, pads_low = array<i64: 0, 0>, pads_high = array<i64: 0, 0>} : (tensor<1x8x8x3xf32>) -> tensor<1x4x4x3xf32>
  return
}

// -----

func.func @pads(%x: tensor<1x8x8x3xf32>) {
  // expected-error@+2 {{pads_low has 1 entries where the op has 2 spatial dimensions}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.avg_pool %x {kernel = array<i64: 2, 2>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_low = array<i64: 0>, pads_high = array<i64: 0, 0>} : (tensor<1x8x8x3xf32>) -> tensor<1x7x7x3xf32>
  return
}

// -----

func.func @rank(%x: tensor<8x3xf32>) {
  // expected-error@+2 {{input has rank 2; supported are 3 to 5 dimensions}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.lp_pool %x {kernel = array<i64>, strides = array<i64>, dilations = array<i64>, pads_low = array<i64>, pads_high = array<i64>} : (tensor<8x3xf32>) -> tensor<8x3xf32>
  return
}

// -----

func.func @groups(%x: tensor<1x8x8x4xf32>, %w: tensor<3x3x2x5xf32>) {
  // expected-error@+2 {{5 output channels do not divide by 2 groups}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.conv_transpose %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_low = array<i64: 0, 0>, pads_high = array<i64: 0, 0>, output_padding = array<i64: 0, 0>, groups = 2 : i64} : (tensor<1x8x8x4xf32>, tensor<3x3x2x5xf32>) -> tensor<1x10x10x5xf32>
  return
}

// -----

func.func @depth(%x: tensor<2x3xf32>, %y: tensor<4x5xf32>) {
  // expected-error@+2 {{the inner dimensions of 'tensor<2x3xf32>' and 'tensor<4x5xf32>' differ}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.matmul %x, %y : (tensor<2x3xf32>, tensor<4x5xf32>) -> tensor<2x5xf32>
  return
}

// -----

func.func @batch(%x: tensor<2x3x4xf32>, %y: tensor<3x4x5xf32>) {
  // expected-error@+2 {{do not broadcast}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.matmul %x, %y : (tensor<2x3x4xf32>, tensor<3x4x5xf32>) -> tensor<2x3x5xf32>
  return
}

// -----

func.func @axes(%x: tensor<1x4x5x3xf32>) {
  // expected-error@+1 {{changes dimension 2, which is none of its axes}}
  %0 = nn.resize %x {axes = array<i64: 1>} : (tensor<1x4x5x3xf32>) -> tensor<1x8x10x3xf32>
  return
}

// -----

func.func @interpolation(%x: tensor<1x4xi32>) {
  // expected-error@+1 {{interpolates elements of type 'i32'; cast them to a floating-point type}}
  %0 = nn.resize %x {axes = array<i64: 1>, mode = "linear"} : (tensor<1x4xi32>) -> tensor<1x8xi32>
  return
}

// -----

func.func @activations(%x: tensor<4x2x3xf32>, %w: tensor<1x5x3xf32>, %r: tensor<1x5x5xf32>) {
  // expected-error@+2 {{has 2 activations where 1 are needed}}
  // expected-error@+1 {{failed to infer returned types}}
  %0:2 = nn.rnn %x, %w, %r {activations = ["tanh", "tanh"], operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>} : (tensor<4x2x3xf32>, tensor<1x5x3xf32>, tensor<1x5x5xf32>) -> (tensor<4x1x2x5xf32>, tensor<1x2x5xf32>)
  return
}

// -----

func.func @gates(%x: tensor<4x2x3xf32>, %w: tensor<1x15x3xf32>, %r: tensor<1x20x5xf32>) {
  // expected-error@+2 {{weights has type 'tensor<1x15x3xf32>' where 'tensor<1x20x3xf32>' is needed}}
  // expected-error@+1 {{failed to infer returned types}}
  %0:3 = nn.lstm %x, %w, %r {activations = ["sigmoid", "tanh", "tanh"], operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0>} : (tensor<4x2x3xf32>, tensor<1x15x3xf32>, tensor<1x20x5xf32>) -> (tensor<4x1x2x5xf32>, tensor<1x2x5xf32>, tensor<1x2x5xf32>)
  return
}

// -----

func.func @filter_rank(%x: tensor<1x8x8x4xf32>, %w: tensor<3x4x8xf32>) {
  // expected-error@+2 {{filter has rank 3 and input 4}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_low = array<i64: 0, 0>, pads_high = array<i64: 0, 0>} : (tensor<1x8x8x4xf32>, tensor<3x4x8xf32>) -> tensor<1x6x6x8xf32>
  return
}

// -----

func.func @filter_type(%x: tensor<1x8x8x4xf32>, %w: tensor<3x3x4x8xf64>) {
  // expected-error@+2 {{filter has elements of type 'f64' and input 'f32'}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_low = array<i64: 0, 0>, pads_high = array<i64: 0, 0>} : (tensor<1x8x8x4xf32>, tensor<3x3x4x8xf64>) -> tensor<1x6x6x8xf32>
  return
}

// -----

func.func @open_kernel(%x: tensor<1x8x8x4xf32>, %w: tensor<?x3x4x8xf32, affine_map<()[s0] -> (s0, 3, 4, 8)>>) {
  // expected-error@+2 {{has a kernel of unknown size}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_low = array<i64: 0, 0>, pads_high = array<i64: 0, 0>} : (tensor<1x8x8x4xf32>, tensor<?x3x4x8xf32, affine_map<()[s0] -> (s0, 3, 4, 8)>>) -> tensor<1x6x6x8xf32>
  return
}

// -----

func.func @no_groups(%x: tensor<1x8x8x4xf32>, %w: tensor<3x3x4x8xf32>) {
  // expected-error@+2 {{groups is 0}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_low = array<i64: 0, 0>, pads_high = array<i64: 0, 0>, groups = 0 : i64} : (tensor<1x8x8x4xf32>, tensor<3x3x4x8xf32>) -> tensor<1x6x6x8xf32>
  return
}

// -----

func.func @open_groups(%x: tensor<1x8x8x?xf32, affine_map<()[s0] -> (1, 8, 8, s0)>>, %w: tensor<3x3x2x8xf32>) {
  // expected-error@+2 {{a convolution of several groups needs numbers of channels that are known}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_low = array<i64: 0, 0>, pads_high = array<i64: 0, 0>, groups = 2 : i64} : (tensor<1x8x8x?xf32, affine_map<()[s0] -> (1, 8, 8, s0)>>, tensor<3x3x2x8xf32>) -> tensor<1x6x6x8xf32>
  return
}

// -----

func.func @matmul_types(%x: tensor<2x3xf32>, %w: tensor<3x4xf64>) {
  // expected-error@+2 {{operands have elements of types 'f32' and 'f64'}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.matmul %x, %w : (tensor<2x3xf32>, tensor<3x4xf64>) -> tensor<2x4xf32>
  return
}

// -----

func.func @matmul_scalar(%x: tensor<f32>, %w: tensor<3x4xf32>) {
  // expected-error@+2 {{operands need at least one dimension}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.matmul %x, %w : (tensor<f32>, tensor<3x4xf32>) -> tensor<4xf32>
  return
}
