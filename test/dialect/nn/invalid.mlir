// RUN: nncc-opt %s -split-input-file -verify-diagnostics

func.func @broadcast(%x: tensor<2x3xf32>, %y: tensor<4xf32>) {
  // expected-error@+2 {{the shapes of 'nn.add' do not broadcast}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.add %x, %y : (tensor<2x3xf32>, tensor<4xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @element_types(%x: tensor<3xf32>, %y: tensor<3xi64>) {
  // expected-error@+2 {{the operands of 'nn.mul' have different element types}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.mul %x, %y : (tensor<3xf32>, tensor<3xi64>) -> tensor<3xf32>
  return
}

// -----

func.func @kind(%x: tensor<3xi64>) {
  // expected-error@+2 {{operand 0 of 'nn.exp' must have a float type as its element type, not 'i64'}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.exp %x : (tensor<3xi64>) -> tensor<3xi64>
  return
}

// -----

func.func @axis(%x: tensor<3x4xf32>) {
  // expected-error@+2 {{axis 2 is out of range for 'tensor<3x4xf32>'}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.reduce_sum %x {axes = array<i64: 2>} : (tensor<3x4xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @permutation(%x: tensor<3x4xf32>) {
  // expected-error@+2 {{is not a permutation of the dimensions of}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.transpose %x {perm = array<i64: 1, 1>} : (tensor<3x4xf32>) -> tensor<4x4xf32>
  return
}

// -----

func.func @reshape(%x: tensor<3x4xf32>) {
  // expected-error@+1 {{changes the number of elements}}
  %0 = nn.reshape %x : (tensor<3x4xf32>) -> tensor<5xf32>
  return
}

// -----

func.func @concat(%x: tensor<3x4xf32>, %y: tensor<2x5xf32>) {
  // expected-error@+2 {{cannot concatenate}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.concat %x, %y {axis = 0 : i64} : (tensor<3x4xf32>, tensor<2x5xf32>) -> tensor<5x4xf32>
  return
}

// -----

func.func @slice(%x: tensor<3xf32>) {
  // expected-error@+2 {{the slice of dimension 0, start 2 size 2 step 1, leaves}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.slice %x {starts = affine_map<() -> (2)>, sizes = affine_map<() -> (2)>, steps = array<i64: 1>} : (tensor<3xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @pad(%x: tensor<3xf32>) {
  // expected-error@+2 {{the padding of dimension 0 is larger than}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.pad %x {low = affine_map<() -> (3)>, high = affine_map<() -> (0)>, mode = "reflect"} : (tensor<3xf32>) -> tensor<6xf32>
  return
}

// -----

func.func @broadcast_to(%x: tensor<3xf32>) {
  // expected-error@+1 {{cannot broadcast}}
  %0 = nn.broadcast_to %x : (tensor<3xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @indices(%x: tensor<3xf32>, %i: tensor<2xf32>) {
  // expected-error@+2 {{indices are of i32 or i64}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.gather %x, %i {axis = 0 : i64} : (tensor<3xf32>, tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @reshape_element(%x: tensor<2x3xf32>) {
  // expected-error@+1 {{changes the element type}}
  %0 = nn.reshape %x : (tensor<2x3xf32>) -> tensor<6xi32>
  return
}

// -----

func.func @broadcast_element(%x: tensor<1xf32>) {
  // expected-error@+1 {{changes the element type}}
  %0 = nn.broadcast_to %x : (tensor<1xf32>) -> tensor<4xi32>
  return
}

// -----

func.func @cast_shape(%x: tensor<3xf32>) {
  // expected-error@+1 {{changes the shape}}
  %0 = nn.cast %x : (tensor<3xf32>) -> tensor<4xi32>
  return
}

// -----

func.func @bitcast_width(%x: tensor<3xf32>) {
  // expected-error@+1 {{changes the shape or the width}}
  %0 = nn.bitcast %x : (tensor<3xf32>) -> tensor<3xi16>
  return
}

// -----

func.func @cast_type(%x: tensor<3xf32>) {
  // expected-error@+1 {{does not convert}}
  %0 = nn.cast %x : (tensor<3xf32>) -> tensor<3xcomplex<f32>>
  return
}

// -----

func.func @iota_element() {
  // expected-error@+1 {{cannot count in elements of 'i1'}}
  %0 = nn.iota {axis = 0 : i64} : () -> tensor<4xi1>
  return
}

// -----

func.func @saturate_bounds(%x: tensor<2xf32>) -> tensor<2xi8> {
  // expected-error@+1 {{has bounds that the result does not hold}}
  %y = nn.saturate %x {low = 0 : i64, high = 128 : i64} : (tensor<2xf32>) -> tensor<2xi8>
  return %y : tensor<2xi8>
}

// -----

func.func @block_matmul_bits(%x: tensor<2x32xf32>, %w: tensor<5x1x12xui8>, %s: tensor<5x1xf32>) -> tensor<2x5xf32> {
  %z = nn.constant dense<0.0> : tensor<f32>
  // expected-error@+1 {{takes weights of 2, 4 or 8 bits}}
  %y = nn.block_matmul %x, %w, %s, %z {bits = 3 : i64} : (tensor<2x32xf32>, tensor<5x1x12xui8>, tensor<5x1xf32>, tensor<f32>) -> tensor<2x5xf32>
  return %y : tensor<2x5xf32>
}

// -----

func.func @bind_sizes_type(%x: tensor<2xi32>) {
  // expected-error@+1 {{takes a 1-D tensor of i64 of static size}}
  nn.bind_sizes %x from 0 : tensor<2xi32>
  return
}

// -----

func.func @open_size_without_encoding(%x: tensor<?x3xf32>, %y: tensor<3xf32>) {
  // expected-error@+1 {{operand #0 must be tensor of known rank whose encoding gives its dynamic sizes, but got 'tensor<?x3xf32>'}}
  %0 = nn.add %x, %y : (tensor<?x3xf32>, tensor<3xf32>) -> tensor<?x3xf32>
  return
}

// -----

func.func @encoding_of_another_rank(%x: tensor<?x3xf32, affine_map<()[s0] -> (s0)>>) {
  // expected-error@+1 {{operand #0 must be tensor of known rank whose encoding gives its dynamic sizes}}
  %0 = nn.exp %x : (tensor<?x3xf32, affine_map<()[s0] -> (s0)>>) -> tensor<?x3xf32, affine_map<()[s0] -> (s0)>>
  return
}

// -----

func.func @encoding_of_other_sizes(%x: tensor<?x3xf32, affine_map<()[s0] -> (s0, 4)>>) {
  // expected-error@+1 {{operand #0 must be tensor of known rank whose encoding gives its dynamic sizes}}
  %0 = nn.exp %x : (tensor<?x3xf32, affine_map<()[s0] -> (s0, 4)>>) -> tensor<?x3xf32, affine_map<()[s0] -> (s0, 4)>>
  return
}
