// REQUIRES: dawn
// RUN: nncc-opt %s --linalg-to-exec --webgpu-bind-buffers --webgpu-merge-small | FileCheck %s
// RUN: nncc-opt %s --linalg-to-exec --webgpu-bind-buffers --webgpu-merge-small | nncc-translate --wgsl - | tee %t.texts | FileCheck %s --check-prefix=WGSL
// RUN: awk -v RS='' '/kernel_3_small/' %t.texts > %t.small.wgsl
// RUN: %validate-wgsl %t.small.wgsl

// A step of a loop: a product with the state, the new state, and its place in
// the result are one dispatch. Places that change from step to step are computed
// from the number of the step. What has much work stays alone.

// CHECK-LABEL: func.func @nncc_run
// CHECK:         scf.for
// CHECK:           exec.dispatch @"[[STEP:.*]]+small"
// CHECK-NOT:       exec.dispatch
// CHECK:         }
// CHECK:         exec.dispatch @"kernel#
// CHECK-NOT:     exec.dispatch
// CHECK:       func.func private @"[[STEP]]+small"(
// CHECK-SAME:    exec.symbol = 0 : i64
// CHECK-SAME:    webgpu.whole
// CHECK:         %[[OWN:.+]] = memref.alloca() : memref<12xf32>
// CHECK:         call @{{.+}}%[[OWN]],
// CHECK-COUNT-2: call @{{.+}}%[[OWN]],

// WGSL:      small, workgroups 1
// WGSL:      let [[OWN:v[0-9]+]] = [[THREAD:v[0-9]+]] < 3;
// WGSL:      if ([[OWN]]) {
// WGSL:        for (var
// WGSL:      storageBarrier();
// WGSL-NEXT: workgroupBarrier();
#row = affine_map<(j) -> (j)>
module attributes {nncc.inputs = [{name = "x", type = tensor<7x12xf32>}, {name = "w", type = tensor<12x12xf32>}]} {
func.func @main(%x: tensor<7x12xf32>, %w: tensor<12x12xf32>) -> tensor<700x12xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c7 = arith.constant 7 : index
  %z = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<12xf32>
  %start = linalg.fill ins(%z : f32) outs(%e : tensor<12xf32>) -> tensor<12xf32>
  %all = tensor.empty() : tensor<7x12xf32>
  %s:2 = scf.for %i = %c0 to %c7 step %c1 iter_args(%h = %start, %states = %all) -> (tensor<12xf32>, tensor<7x12xf32>) {
    %row = tensor.extract_slice %x[%i, 0] [1, 12] [1, 1] : tensor<7x12xf32> to tensor<12xf32>
    %p = linalg.generic {indexing_maps = [affine_map<(j, k) -> (k)>, affine_map<(j, k) -> (k, j)>, affine_map<(j, k) -> (j)>], iterator_types = ["parallel", "reduction"]}
        ins(%h, %w : tensor<12xf32>, tensor<12x12xf32>) outs(%start : tensor<12xf32>) {
      ^bb0(%a: f32, %b: f32, %c: f32):
        %t = arith.mulf %a, %b : f32
        %u = arith.addf %c, %t : f32
        linalg.yield %u : f32
    } -> tensor<12xf32>
    %n = linalg.generic {indexing_maps = [#row, #row, #row, #row], iterator_types = ["parallel"]}
        ins(%p, %row, %h : tensor<12xf32>, tensor<12xf32>, tensor<12xf32>) outs(%e : tensor<12xf32>) {
      ^bb0(%a: f32, %b: f32, %o: f32, %c: f32):
        %t = arith.addf %a, %b : f32
        %u = arith.maximumf %t, %o : f32
        linalg.yield %u : f32
    } -> tensor<12xf32>
    %next = tensor.insert_slice %n into %states[%i, 0] [1, 12] [1, 1] : tensor<12xf32> into tensor<7x12xf32>
    scf.yield %n, %next : tensor<12xf32>, tensor<7x12xf32>
  }
  %big = tensor.empty() : tensor<700x12xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%s#0 : tensor<12xf32>) outs(%big : tensor<700x12xf32>) {
    ^bb0(%a: f32, %c: f32):
      %t = arith.negf %a : f32
      linalg.yield %t : f32
  } -> tensor<700x12xf32>
  return %r : tensor<700x12xf32>
}
}
