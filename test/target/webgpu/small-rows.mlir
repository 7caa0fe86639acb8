// RUN: nncc-opt %s --linalg-to-exec --webgpu-bind-buffers --webgpu-merge-small | nncc-translate --wgsl - | FileCheck %s

// Rows lie along their sums, of which vectors of results would load elements one
// by one: each of 20 threads has a row.

// CHECK:     small, workgroups 1
// CHECK:     [[OWN:v[0-9]+]] = [[THREAD:v[0-9]+]] < 20;
// CHECK:     if ([[OWN]]) {
// CHECK-NOT: vec4
// CHECK:     storageBarrier();
#row = affine_map<(i) -> (i)>
module attributes {nncc.inputs = [{name = "x", type = tensor<20x32xf32>}, {name = "y", type = tensor<20xf32>}]} {
func.func @main(%x: tensor<20x32xf32>, %y: tensor<20xf32>) -> (tensor<20xf32>, tensor<20xf32>) {
  %z = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<20xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<20xf32>) -> tensor<20xf32>
  %s = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<20x32xf32>) outs(%f : tensor<20xf32>) {
    ^bb0(%a: f32, %c: f32):
      %t = arith.addf %c, %a : f32
      linalg.yield %t : f32
  } -> tensor<20xf32>
  %n = linalg.generic {indexing_maps = [#row, #row, #row], iterator_types = ["parallel"]}
      ins(%s, %y : tensor<20xf32>, tensor<20xf32>) outs(%e : tensor<20xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %t = arith.divf %b, %a : f32
      linalg.yield %t : f32
  } -> tensor<20xf32>
  return %s, %n : tensor<20xf32>, tensor<20xf32>
}
}
