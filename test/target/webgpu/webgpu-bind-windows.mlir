// RUN: nncc-opt %s --webgpu-split-large=max-bytes=2048 --cse --linalg-to-exec --webgpu-bind-buffers --webgpu-bind-windows=max-bytes=2048 -split-input-file | FileCheck %s
// RUN: nncc-opt %s --webgpu-split-large=max-bytes=1024 --linalg-to-exec --webgpu-bind-buffers --webgpu-bind-windows=max-bytes=1024 -split-input-file 2>&1 | FileCheck %s --check-prefix=WARNS

// Where 2 KB are a buffer, a result of 4 KB is said to be too large.

// WARNS: warning: takes 4096 bytes in one buffer; where a GPU has no more than 2048, the whole network runs on the CPU

// Two dispatches read 4 rows of 512 bytes each of an input of 4 KB. They were
// different kernels, and are one again.

// CHECK-LABEL: func.func @nncc_run(
// CHECK:         %[[FIRST:.*]] = memref.view %[[X:arg2]][%{{.*}}][] : memref<?xi8> to memref<512xf32>
// CHECK:         exec.dispatch @[[KERNEL:.*]] grid {{.*}}(%[[FIRST]],
// CHECK:         %[[HALF:.*]] = arith.constant 2048 : index
// CHECK:         %[[SECOND:.*]] = memref.view %[[X]][%[[HALF]]][] : memref<?xi8> to memref<512xf32>
// CHECK:         exec.dispatch @[[KERNEL]] grid {{.*}}(%[[SECOND]],
// CHECK:       func.func private @[[KERNEL]](%{{.*}}: memref<512xf32> {webgpu.space = "input"}, %{{.*}}: memref<512xf32> {webgpu.space = "arena"}
#id = affine_map<(i, j) -> (i, j)>
module attributes {nncc.inputs = [{name = "x", type = tensor<8x128xf32>}]} {
func.func @main(%x: tensor<8x128xf32>) -> tensor<8x128xf32> {
  %d = tensor.empty() : tensor<8x128xf32>
  %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<8x128xf32>) outs(%d : tensor<8x128xf32>) {
    ^bb0(%a: f32, %c: f32):
      %m = arith.addf %a, %a : f32
      linalg.yield %m : f32
  } -> tensor<8x128xf32>
  return %r : tensor<8x128xf32>
}
}

// -----

// A sum over all binds all.

// CHECK-LABEL: func.func @nncc_run(
// CHECK:         memref.view %{{.*}} : memref<?xi8> to memref<1024xf32>
#all = affine_map<(i) -> (i)>
#none = affine_map<(i) -> ()>
module attributes {nncc.inputs = [{name = "x", type = tensor<1024xf32>}]} {
func.func @main(%x: tensor<1024xf32>) -> tensor<f32> {
  %z = arith.constant 0.0 : f32
  %d = tensor.empty() : tensor<f32>
  %g = linalg.fill ins(%z : f32) outs(%d : tensor<f32>) -> tensor<f32>
  %p = linalg.generic {indexing_maps = [#all, #none], iterator_types = ["reduction"]}
      ins(%x : tensor<1024xf32>) outs(%g : tensor<f32>) {
    ^bb0(%a: f32, %c: f32):
      %s = arith.addf %c, %a : f32
      linalg.yield %s : f32
  } -> tensor<f32>
  return %p : tensor<f32>
}
}
