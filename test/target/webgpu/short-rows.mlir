// REQUIRES: dawn
// RUN: nncc-opt %s --linalg-to-exec --webgpu-bind-buffers --exec-merge-rows="max-buffers=8 as-loop=false" --webgpu-keep-rows | nncc-translate --wgsl - | tee %t.texts | FileCheck %s
// RUN: awk -v RS='' '/rows/' %t.texts > %t.wgsl
// RUN: %validate-wgsl %t.wgsl

// A softmax over rows of 32 elements, of which each is eight vectors: eight
// threads share a row, and a workgroup has eight rows, of 20. Each element is
// read and written once, and maxima and sums pass between threads alone.

// CHECK:      k_kernel_rows, workgroups 3
// CHECK:      b0: array<vec4<f32>, 160>;
// CHECK-NEXT: b1: array<vec4<f32>, 160>;
// CHECK-NOT:  @binding
// CHECK:      @workgroup_size(64)
// CHECK:      let [[IN:v[0-9]+]] = [[ROW:v[0-9]+]] < 20;
// CHECK:      = min([[ROW]], 19);
// CHECK:      = b0[
// CHECK-NOT:  = b0[
// CHECK:      workgroupBarrier();
// CHECK:      = exp(
// CHECK:      workgroupBarrier();
// CHECK:      if ([[IN]]) {
// CHECK-NEXT:   b1[
// CHECK-NOT:  b1[
#rows = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
module attributes {nncc.inputs = [{name = "x", type = tensor<20x32xf32>}]} {
func.func @main(%x: tensor<20x32xf32>) -> tensor<20x32xf32> {
  %z = arith.constant 0.0 : f32
  %low = arith.constant -3.0e38 : f32
  %e = tensor.empty() : tensor<20xf32>
  %n = tensor.empty() : tensor<20x32xf32>
  %g = linalg.fill ins(%low : f32) outs(%e : tensor<20xf32>) -> tensor<20xf32>
  %m = linalg.generic {indexing_maps = [#rows, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<20x32xf32>) outs(%g : tensor<20xf32>) {
    ^bb0(%a: f32, %c: f32):
      %t = arith.maxnumf %c, %a : f32
      linalg.yield %t : f32
  } -> tensor<20xf32>
  %p = linalg.generic {indexing_maps = [#rows, #row, #rows], iterator_types = ["parallel", "parallel"]}
      ins(%x, %m : tensor<20x32xf32>, tensor<20xf32>) outs(%n : tensor<20x32xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %t = arith.subf %a, %b : f32
      %u = math.exp %t : f32
      linalg.yield %u : f32
  } -> tensor<20x32xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<20xf32>) -> tensor<20xf32>
  %s = linalg.generic {indexing_maps = [#rows, #row], iterator_types = ["parallel", "reduction"]}
      ins(%p : tensor<20x32xf32>) outs(%f : tensor<20xf32>) {
    ^bb0(%a: f32, %c: f32):
      %t = arith.addf %c, %a : f32
      linalg.yield %t : f32
  } -> tensor<20xf32>
  %d = linalg.generic {indexing_maps = [#rows, #row, #rows], iterator_types = ["parallel", "parallel"]}
      ins(%p, %s : tensor<20x32xf32>, tensor<20xf32>) outs(%n : tensor<20x32xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %t = arith.divf %a, %b : f32
      linalg.yield %t : f32
  } -> tensor<20x32xf32>
  return %d : tensor<20x32xf32>
}
}
