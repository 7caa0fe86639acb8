// RUN: nncc-opt %s --linalg-hoist-invariants | FileCheck %s

// What is the same in each step is computed once; what needs a size that a step
// binds is not.

// CHECK-LABEL: func.func @main(
// CHECK:         %[[TWICE:.*]] = arith.addf
// CHECK:         tensor.empty() : tensor<4xf32>
// CHECK:         scf.for
// CHECK:           exec.bind symbol 0
// CHECK:           tensor.empty(%{{.*}}) : tensor<?xf32>
// CHECK:           linalg.fill ins(%[[TWICE]]
func.func @main(%n: index {nn.symbol = "n"}, %sizes: tensor<3xi64>, %x: tensor<4xf32>) -> tensor<4xf32> {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %three = arith.constant 3 : index
  %value = arith.constant 1.0 : f32
  %rows = affine.apply affine_map<()[s0] -> (s0 + 1)>()[%n]
  %y = scf.for %i = %zero to %three step %one iter_args(%state = %x) -> tensor<4xf32> {
    %size = tensor.extract %sizes[%i] : tensor<3xi64>
    %memory = exec.bind symbol 0 to %size : memref<?xi8>
    %empty = tensor.empty(%rows) : tensor<?xf32>
    %twice = arith.addf %value, %value : f32
    %open = linalg.fill ins(%twice : f32) outs(%empty : tensor<?xf32>) -> tensor<?xf32>
    %e = tensor.empty() : tensor<4xf32>
    %ones = linalg.fill ins(%value : f32) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    %sum = linalg.generic {indexing_maps = [affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i)>],
                           iterator_types = ["parallel", "reduction"]}
        ins(%open, %state : tensor<?xf32>, tensor<4xf32>) outs(%ones : tensor<4xf32>) {
      ^bb0(%a: f32, %b: f32, %c: f32):
        %p = arith.mulf %a, %b : f32
        %s = arith.addf %p, %c : f32
        linalg.yield %s : f32
    } -> tensor<4xf32>
    scf.yield %sum : tensor<4xf32>
  }
  return %y : tensor<4xf32>
}
