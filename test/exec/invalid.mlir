// RUN: nncc-opt %s -split-input-file -linalg-to-exec -verify-diagnostics

// expected-error@+1 {{has no function @main}}
module {
}

// -----

func.func @main(%x: tensor<4xf32>, %v: f32) -> tensor<4xf32> {
  %e = tensor.empty() : tensor<4xf32>
  // expected-error@+1 {{fills with a value that is not constant}}
  %f = linalg.fill ins(%v : f32) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  return %f : tensor<4xf32>
}

// -----

func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %v = arith.constant 1.0 : f32
  // expected-error@+1 {{has no place in a host program: 'tensor.splat'}}
  %y = tensor.splat %v : tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

func.func private @kernel(%b: index, %e: index, %x: memref<4xf32>)
func.func @main(%x: memref<8xf32>) {
  // expected-error@+1 {{arguments are not those of kernel}}
  exec.dispatch @kernel grid affine_map<() -> (1)>(%x) : memref<8xf32>
  return
}

// -----

func.func @main(%x: memref<8xf32>) {
  // expected-error@+1 {{names no kernel}}
  exec.dispatch @kernel grid affine_map<() -> (1)>(%x) : memref<8xf32>
  return
}

// -----

func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %z = arith.constant 0 : index
  %l = arith.constant 4 : index
  %s = arith.constant 1 : index
  // expected-error@+1 {{a loop carries tensors only}}
  %r:2 = scf.for %i = %z to %l step %s iter_args(%t = %x, %n = %z) -> (tensor<4xf32>, index) {
    scf.yield %t, %i : tensor<4xf32>, index
  }
  return %r#0 : tensor<4xf32>
}
