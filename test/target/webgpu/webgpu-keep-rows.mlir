// RUN: nncc-opt %s --linalg-to-exec --webgpu-bind-buffers --exec-merge-rows="max-buffers=8 as-loop=false" --webgpu-keep-rows -split-input-file | FileCheck %s

// Rows are divided by their sums: these stay in registers, so that there is no
// buffer for them.

// CHECK-LABEL: @nncc_run
// CHECK-COUNT-1: exec.alloc
// CHECK-NOT:     exec.alloc
// CHECK:         exec.dispatch @"kernel+rows" grid {{.*}} : memref<60xf32>, memref<60xf32>
// CHECK:       func.func private @"kernel+rows"(%[[X:.+]]: memref<60xf32> {webgpu.space = "input"}, %[[Y:.+]]: memref<60xf32> {webgpu.space = "arena"}, %{{.+}}: index, %{{.+}}: index)
// CHECK:         %[[SUMS:.+]] = memref.alloca() : memref<5xf32>
// CHECK:         call @kernel(%[[X]], %[[SUMS]],
// CHECK:         call @"kernel#2"(%[[X]], %[[SUMS]], %[[Y]],
#rows = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
module attributes {nncc.inputs = [{name = "x", type = tensor<5x12xf32>}]} {
func.func @main(%x: tensor<5x12xf32>) -> tensor<5x12xf32> {
  %z = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<5xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<5xf32>) -> tensor<5xf32>
  %s = linalg.generic {indexing_maps = [#rows, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<5x12xf32>) outs(%f : tensor<5xf32>) {
    ^bb0(%a: f32, %c: f32):
      %t = arith.addf %c, %a : f32
      linalg.yield %t : f32
  } -> tensor<5xf32>
  %n = tensor.empty() : tensor<5x12xf32>
  %d = linalg.generic {indexing_maps = [#rows, #row, #rows], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s : tensor<5x12xf32>, tensor<5xf32>) outs(%n : tensor<5x12xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %t = arith.divf %a, %b : f32
      linalg.yield %t : f32
  } -> tensor<5x12xf32>
  return %d : tensor<5x12xf32>
}
}

// -----

// What is returned is written all the same.

// CHECK-LABEL: @nncc_run
// CHECK-COUNT-2: exec.alloc
// CHECK:         exec.dispatch @"kernel+rows" grid {{.*}} : memref<60xf32>, memref<5xf32>, memref<60xf32>
// CHECK-NOT:     memref.alloca
#rows = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
module attributes {nncc.inputs = [{name = "x", type = tensor<5x12xf32>}]} {
func.func @main(%x: tensor<5x12xf32>) -> (tensor<5x12xf32>, tensor<5xf32>) {
  %z = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<5xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<5xf32>) -> tensor<5xf32>
  %s = linalg.generic {indexing_maps = [#rows, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<5x12xf32>) outs(%f : tensor<5xf32>) {
    ^bb0(%a: f32, %c: f32):
      %t = arith.addf %c, %a : f32
      linalg.yield %t : f32
  } -> tensor<5xf32>
  %n = tensor.empty() : tensor<5x12xf32>
  %d = linalg.generic {indexing_maps = [#rows, #row, #rows], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s : tensor<5x12xf32>, tensor<5xf32>) outs(%n : tensor<5x12xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %t = arith.divf %a, %b : f32
      linalg.yield %t : f32
  } -> tensor<5x12xf32>
  return %d, %s : tensor<5x12xf32>, tensor<5xf32>
}
}
