// REQUIRES: dawn
// RUN: nncc-opt %s --linalg-to-exec --exec-merge-rows="max-buffers=8 as-loop=false" | FileCheck %s
// RUN: nncc-opt %s --linalg-to-exec --exec-merge-rows="max-buffers=8 as-loop=false" | nncc-translate --wgsl - | tee %t.wgsl | FileCheck %s --check-prefix=WGSL
// RUN: awk -v RS='' '/rows/ && !/subgroups/' %t.wgsl > %t.rows.wgsl
// RUN: %validate-wgsl %t.rows.wgsl

// A sum over rows, and each row divided by its sum: one dispatch. The product
// with a vector reads what other rows have written, so it stays.

// CHECK-LABEL: @nncc_run
// CHECK:         exec.dispatch @"kernel+rows"
// CHECK:         exec.dispatch @"kernel#3"
// CHECK-NOT:     exec.dispatch
// CHECK:       func.func private @"kernel+rows"(
// CHECK:         call @kernel(
// CHECK-NEXT:    call @"kernel#2"(

// Each of 64 threads adds up every 64th element, three of them, which it keeps.
// What they have is added up in two steps, and all threads get the sum.

// WGSL:      k_kernel_rows, workgroups 5
// WGSL:      var<workgroup> w0: array<f32, 64>;
// WGSL-NOT:  for (
// WGSL-COUNT-3: = b0[
// WGSL-NOT:  = b0[
// WGSL:      workgroupBarrier();
// WGSL:      < 8;
// WGSL-COUNT-8: = w0[
// WGSL:      workgroupBarrier();
// WGSL-COUNT-8: = w0[
// WGSL-NOT:  torageBarrier
// WGSL-COUNT-3: b2[{{.*}}] =

#rows = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
#column = affine_map<(i, j) -> (j)>
func.func @main(%x: tensor<5x130xf32>) -> tensor<130xf32> {
  %z = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<5xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<5xf32>) -> tensor<5xf32>
  %s = linalg.generic {indexing_maps = [#rows, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<5x130xf32>) outs(%f : tensor<5xf32>) {
    ^bb0(%a: f32, %c: f32):
      %t = arith.addf %c, %a : f32
      linalg.yield %t : f32
  } -> tensor<5xf32>
  %n = tensor.empty() : tensor<5x130xf32>
  %d = linalg.generic {indexing_maps = [#rows, #row, #rows], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s : tensor<5x130xf32>, tensor<5xf32>) outs(%n : tensor<5x130xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %t = arith.divf %a, %b : f32
      linalg.yield %t : f32
  } -> tensor<5x130xf32>
  %g = tensor.empty() : tensor<130xf32>
  %h = linalg.fill ins(%z : f32) outs(%g : tensor<130xf32>) -> tensor<130xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(j, i) -> (i, j)>, affine_map<(j, i) -> (j)>], iterator_types = ["parallel", "reduction"]}
      ins(%d : tensor<5x130xf32>) outs(%h : tensor<130xf32>) {
    ^bb0(%a: f32, %c: f32):
      %t = arith.addf %c, %a : f32
      linalg.yield %t : f32
  } -> tensor<130xf32>
  return %r : tensor<130xf32>
}
