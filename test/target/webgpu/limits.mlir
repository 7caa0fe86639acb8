// RUN: nncc-opt %s --linalg-to-exec --webgpu-bind-buffers --webgpu-compile-kernels=max-bytes=1024 -split-input-file -verify-diagnostics

// A GPU may have no more than eight buffers for a kernel.

#id = affine_map<(i) -> (i)>
module attributes {nncc.inputs = [{name = "x0", type = tensor<5xf32>}, {name = "x1", type = tensor<5xf32>}, {name = "x2", type = tensor<5xf32>}, {name = "x3", type = tensor<5xf32>}, {name = "x4", type = tensor<5xf32>}, {name = "x5", type = tensor<5xf32>}, {name = "x6", type = tensor<5xf32>}, {name = "x7", type = tensor<5xf32>}, {name = "x8", type = tensor<5xf32>}]} {
func.func @main(%x0: tensor<5xf32>, %x1: tensor<5xf32>, %x2: tensor<5xf32>, %x3: tensor<5xf32>, %x4: tensor<5xf32>, %x5: tensor<5xf32>, %x6: tensor<5xf32>, %x7: tensor<5xf32>, %x8: tensor<5xf32>) -> tensor<5xf32> {
  %e = tensor.empty() : tensor<5xf32>
  // expected-error@+1 {{needs 10 buffers; 8 are what every GPU has. --target=wasm computes it}}
  %r = linalg.generic {indexing_maps = [#id, #id, #id, #id, #id, #id, #id, #id, #id, #id],
                       iterator_types = ["parallel"]}
      ins(%x0, %x1, %x2, %x3, %x4, %x5, %x6, %x7, %x8 : tensor<5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>) outs(%e : tensor<5xf32>) {
    ^bb0(%a0: f32, %a1: f32, %a2: f32, %a3: f32, %a4: f32, %a5: f32, %a6: f32, %a7: f32, %a8: f32, %c: f32):
      %s1 = arith.addf %a0, %a1 : f32
      %s2 = arith.addf %s1, %a2 : f32
      %s3 = arith.addf %s2, %a3 : f32
      %s4 = arith.addf %s3, %a4 : f32
      %s5 = arith.addf %s4, %a5 : f32
      %s6 = arith.addf %s5, %a6 : f32
      %s7 = arith.addf %s6, %a7 : f32
      %s8 = arith.addf %s7, %a8 : f32
      linalg.yield %s8 : f32
  } -> tensor<5xf32>
  return %r : tensor<5xf32>
}
}

// -----

// A sum over everything cannot be divided.

#all = affine_map<(i) -> (i)>
#none = affine_map<(i) -> ()>
module attributes {nncc.inputs = [{name = "x", type = tensor<512xf32>}]} {
func.func @main(%x: tensor<512xf32>) -> tensor<f32> {
  %z = arith.constant 0.0 : f32
  %d = tensor.empty() : tensor<f32>
  %g = linalg.fill ins(%z : f32) outs(%d : tensor<f32>) -> tensor<f32>
  // expected-warning@+1 {{binds 2048 bytes of one tensor and cannot be divided; where a GPU has no more than 1024, the whole network runs on the CPU}}
  %p = linalg.generic {indexing_maps = [#all, #none], iterator_types = ["reduction"]}
      ins(%x : tensor<512xf32>) outs(%g : tensor<f32>) {
    ^bb0(%a: f32, %c: f32):
      %s = arith.addf %c, %a : f32
      linalg.yield %s : f32
  } -> tensor<f32>
  return %p : tensor<f32>
}
}
