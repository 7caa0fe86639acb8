// RUN: nncc-opt %s -split-input-file --linalg-to-exec --webgpu-generate-kernels -verify-diagnostics

#id = affine_map<(i) -> (i)>
func.func @main(%x: tensor<5xf64>) -> tensor<5xf64> {
  %e = tensor.empty() : tensor<5xf64>
  // expected-error@+1 {{a GPU has no numbers of type 'f64'}}
  %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<5xf64>) outs(%e : tensor<5xf64>) {
    ^bb0(%a: f64, %c: f64):
      %s = arith.addf %a, %a : f64
      linalg.yield %s : f64
  } -> tensor<5xf64>
  return %r : tensor<5xf64>
}

// -----

#id = affine_map<(i) -> (i)>
func.func @main(%x: tensor<5xi64>) -> tensor<5xi64> {
  %e = tensor.empty() : tensor<5xi64>
  %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<5xi64>) outs(%e : tensor<5xi64>) {
    ^bb0(%a: i64, %c: i64):
      // expected-error@+1 {{the constant 4294967296 does not fit the 32-bit integers of a GPU}}
      %n = arith.constant 4294967296 : i64
      %s = arith.addi %a, %n : i64
      linalg.yield %s : i64
  } -> tensor<5xi64>
  return %r : tensor<5xi64>
}
