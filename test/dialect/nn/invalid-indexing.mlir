// RUN: nncc-opt %s -split-input-file -verify-diagnostics

func.func @ranks(%x: tensor<3x4xf32>, %i: tensor<2xi64>) {
  // expected-error@+2 {{data and indices differ in rank}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.gather_elements %x, %i {axis = 0 : i64} : (tensor<3x4xf32>, tensor<2xi64>) -> tensor<2xf32>
  return
}

// -----

func.func @open_tuples(%x: tensor<3x4xf32>, %i: tensor<2x?xi64, affine_map<()[s0] -> (2, s0)>>) {
  // expected-error@+2 {{the last dimension of the indices is not of static size}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.gather_nd %x, %i : (tensor<3x4xf32>, tensor<2x?xi64, affine_map<()[s0] -> (2, s0)>>) -> tensor<2xf32>
  return
}

// -----

func.func @long_tuples(%x: tensor<3x4xf32>, %i: tensor<2x3xi64>) {
  // expected-error@+2 {{tuples of 3 indices do not fit}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.gather_nd %x, %i : (tensor<3x4xf32>, tensor<2x3xi64>) -> tensor<2xf32>
  return
}

// -----

func.func @updates(%x: tensor<6x4xf32>, %i: tensor<3x1xi64>, %u: tensor<3x4xf64>) {
  // expected-error@+2 {{the updates do not fit}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.scatter_nd %x, %i, %u : (tensor<6x4xf32>, tensor<3x1xi64>, tensor<3x4xf64>) -> tensor<6x4xf32>
  return
}

// -----

func.func @elements(%x: tensor<6x4xf32>, %i: tensor<3xi64>, %u: tensor<3x4xf32>) {
  // expected-error@+2 {{the updates do not fit}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.scatter_elements %x, %i, %u {axis = 0 : i64} : (tensor<6x4xf32>, tensor<3xi64>, tensor<3x4xf32>) -> tensor<6x4xf32>
  return
}

// -----

func.func @values(%i: tensor<3xi64>, %v: tensor<3xf32>) {
  // expected-error@+2 {{values holds two numbers, but is}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.one_hot %i, %v {axis = 1 : i64, depth = affine_map<() -> (5)>} : (tensor<3xi64>, tensor<3xf32>) -> tensor<3x5xf32>
  return
}

// -----

func.func @bools(%i: tensor<3xi1>, %v: tensor<2xf32>) {
  // expected-error@+2 {{indices are numbers, not}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.one_hot %i, %v {axis = 1 : i64, depth = affine_map<() -> (5)>} : (tensor<3xi1>, tensor<2xf32>) -> tensor<3x5xf32>
  return
}

// -----

func.func @entries(%x: tensor<3x4xf32>) {
  // expected-error@+2 {{starts, sizes and steps need one entry a dimension of}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.slice %x {starts = affine_map<() -> (0)>, sizes = affine_map<() -> (1)>, steps = array<i64: 1>} : (tensor<3x4xf32>) -> tensor<1xf32>
  return
}

// -----

func.func @step(%x: tensor<3xf32>) {
  // expected-error@+2 {{the step of dimension 0 is 0}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.slice %x {starts = affine_map<() -> (0)>, sizes = affine_map<() -> (1)>, steps = array<i64: 0>} : (tensor<3xf32>) -> tensor<1xf32>
  return
}

// -----

func.func @size(%x: tensor<3xf32>) {
  // expected-error@+2 {{the size of dimension 0 is -1}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.slice %x {starts = affine_map<() -> (0)>, sizes = affine_map<() -> (-1)>, steps = array<i64: 1>} : (tensor<3xf32>) -> tensor<1xf32>
  return
}

// -----

func.func @borders(%x: tensor<3x4xf32>) {
  // expected-error@+2 {{low and high need one entry a dimension of}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.pad %x {low = affine_map<() -> (1)>, high = affine_map<() -> (1)>} : (tensor<3x4xf32>) -> tensor<5xf32>
  return
}

// -----

func.func @border_value(%x: tensor<3xf32>) {
  // expected-error@+2 {{the border's value is of type 'i32' but the elements of 'f32'}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.pad %x {low = affine_map<() -> (1)>, high = affine_map<() -> (1)>, value = 1 : i32} : (tensor<3xf32>) -> tensor<5xf32>
  return
}

// -----

func.func @removed(%x: tensor<3xf32>) {
  // expected-error@+2 {{removes more of dimension 0 than there is of}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.pad %x {low = affine_map<() -> (-2)>, high = affine_map<() -> (-2)>} : (tensor<3xf32>) -> tensor<1xf32>
  return
}

// -----

func.func @nothing(%x: tensor<0xf32>) {
  // expected-error@+2 {{no elements to pad}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.pad %x {low = affine_map<() -> (1)>, high = affine_map<() -> (1)>, mode = "edge"} : (tensor<0xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @repeats(%x: tensor<3x4xf32>) {
  // expected-error@+2 {{repeats needs one entry a dimension of}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.tile %x {repeats = affine_map<() -> (2)>} : (tensor<3x4xf32>) -> tensor<6x4xf32>
  return
}

// -----

func.func @repeat(%x: tensor<3xf32>) {
  // expected-error@+2 {{a number of repeats is negative}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.tile %x {repeats = affine_map<() -> (-2)>} : (tensor<3xf32>) -> tensor<6xf32>
  return
}

// -----

func.func @retyped(%x: tensor<3xf32>) {
  // expected-error@+1 {{changes the element type}}
  %0 = nn.reshape %x : (tensor<3xf32>) -> tensor<3xi32>
  return
}

// -----

func.func @cast(%x: tensor<3xf32>) {
  // expected-error@+1 {{changes the shape}}
  %0 = nn.cast %x : (tensor<3xf32>) -> tensor<4xi32>
  return
}

// -----

func.func @twice(%x: tensor<3x4xf32>) {
  // expected-error@+2 {{axis 1 is given twice}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.reduce_sum %x {axes = array<i64: 1, 1>} : (tensor<3x4xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @integers(%x: tensor<3x4xi32>) {
  // expected-error@+2 {{does not take 'tensor<3x4xi32>'}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = nn.softmax %x {axis = 1 : i64} : (tensor<3x4xi32>) -> tensor<3x4xi32>
  return
}
