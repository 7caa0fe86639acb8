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

// -----

#in = affine_map<(i, j) -> (i, j)>
#out = affine_map<(i, j) -> (i)>
func.func @main(%x: tensor<4x8xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@+1 {{a reduction starts from a tensor}}
  %r = linalg.generic {indexing_maps = [#in, #out], iterator_types = ["parallel", "reduction"]} ins(%x : tensor<4x8xf32>) outs(%y : tensor<4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.addf %a, %o : f32
    linalg.yield %s : f32
  } -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// -----

// expected-error@+1 {{the sizes of input 0 are not in the signature}}
func.func @main(%x: tensor<?xf32>) -> tensor<?xf32> {
  return %x : tensor<?xf32>
}

// -----

func.func @main(%x: tensor<4xf32>, %v: f32) -> tensor<6xf32> {
  // expected-error@+1 {{pads with a value that is not constant}}
  %r = tensor.pad %x low[1] high[1] {
  ^bb0(%i: index):
    tensor.yield %v : f32
  } : tensor<4xf32> to tensor<6xf32>
  return %r : tensor<6xf32>
}

// -----

func.func @main(%x: tensor<4xf32>, %n: tensor<1xi64>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %l = tensor.extract %n[%c0] : tensor<1xi64>
  %s = arith.index_cast %l : i64 to index
  // expected-error@+1 {{a size that is known only at run time is not supported}}
  %r = tensor.extract_slice %x[0] [%s] [1] : tensor<4xf32> to tensor<?xf32>
  return %r : tensor<?xf32>
}

// -----

func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c0 = arith.constant 0 : index
  %v = arith.constant 1.0 : f32
  // expected-error@+1 {{inserts into a tensor that no loop carries}}
  %r = tensor.insert %v into %x[%c0] : tensor<4xf32>
  return %r : tensor<4xf32>
}
