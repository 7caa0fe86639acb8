// RUN: nncc-opt %s -split-input-file -verify-diagnostics

func.func @type(%x: tensor<4x5xf32>) {
  // expected-error@+1 {{which differ in more than sizes}}
  %0 = nn.resize %x {axes = array<i64: 0, 1>, mode = "linear", coordinate_mode = "half_pixel"} : (tensor<4x5xf32>) -> tensor<8x10xf64>
  return
}

// -----

func.func @axes(%x: tensor<4x5xf32>) {
  // expected-error@+1 {{that are not different dimensions of}}
  %0 = nn.resize %x {axes = array<i64: 0, 0>, mode = "linear", coordinate_mode = "half_pixel"} : (tensor<4x5xf32>) -> tensor<8x5xf32>
  return
}

// -----

func.func @other(%x: tensor<4x5xf32>) {
  // expected-error@+1 {{changes dimension 1, which is none of its axes}}
  %0 = nn.resize %x {axes = array<i64: 0>, mode = "linear", coordinate_mode = "half_pixel"} : (tensor<4x5xf32>) -> tensor<8x10xf32>
  return
}

// -----

func.func @count(%x: tensor<4x5xf32>) {
  // expected-error@+1 {{has 2 scales for 1 axes}}
  %0 = nn.resize %x {axes = array<i64: 0>, scales = array<f32: 2.0, 2.0>, mode = "linear", coordinate_mode = "half_pixel"} : (tensor<4x5xf32>) -> tensor<8x5xf32>
  return
}

// -----

func.func @scale(%x: tensor<4x5xf32>) {
  // expected-error@+1 {{has the scale}}
  %0 = nn.resize %x {axes = array<i64: 0>, scales = array<f32: -2.0>, mode = "linear", coordinate_mode = "half_pixel"} : (tensor<4x5xf32>) -> tensor<8x5xf32>
  return
}

// -----

func.func @roi(%x: tensor<4x5xf32>) {
  // expected-error@+1 {{needs a roi with two entries an axis}}
  %0 = nn.resize %x {axes = array<i64: 0>, mode = "linear", coordinate_mode = "tf_crop_and_resize"} : (tensor<4x5xf32>) -> tensor<8x5xf32>
  return
}

// -----

func.func @integers(%x: tensor<4x5xi32>) {
  // expected-error@+1 {{interpolates elements of type}}
  %0 = nn.resize %x {axes = array<i64: 0>, mode = "linear", coordinate_mode = "half_pixel"} : (tensor<4x5xi32>) -> tensor<8x5xi32>
  return
}

// -----

func.func @element(%x: tensor<4x4xf32>) {
  // expected-error@+1 {{which differ in more than sizes}}
  %0 = nn.resize %x {axes = array<i64: 0>, mode = "linear", coordinate_mode = "half_pixel"} : (tensor<4x4xf32>) -> tensor<8x4xi32>
  return
}
