// RUN: nncc-opt %s --linalg-to-exec --exec-merge-rows | FileCheck %s
// RUN: nncc-opt %s --linalg-to-exec --exec-merge-rows --exec-generate-kernels --cse | FileCheck %s --check-prefix=LOOPS

// A sum over rows, and each row divided by its sum: one dispatch. The sum over
// columns reads what other rows have written, so it stays.

// CHECK-LABEL: @nncc_run
// CHECK:         exec.dispatch @"kernel+rows"
// CHECK:         exec.dispatch @"kernel#3"
// CHECK-NOT:     exec.dispatch
// CHECK:       func.func private @"kernel+rows"(
// CHECK:         call @kernel(
// CHECK-NEXT:    call @"kernel#2"(

// A loop over some rows at a time, then one over these in each part. Nothing is
// left of the parts, and a step is a row.

// LOOPS:         exec.dispatch @"kernel+rows" grid #[[GRID:.*]](
// LOOPS-NOT:     func.func private @kernel(
// LOOPS-NOT:     func.func private @"kernel#2"(
// LOOPS:       func.func private @"kernel+rows"(
// LOOPS-SAME:    %[[BEGIN:[a-z0-9]+]]: index, %[[END:[a-z0-9]+]]: index)
// LOOPS:         scf.for %[[I:.*]] = %[[BEGIN]] to %[[END]] step %{{.*}} {
// LOOPS-NEXT:      %[[NEXT:.*]] = arith.addi %[[I]]
// LOOPS-NEXT:      %[[LAST:.*]] = arith.minui %[[NEXT]], %[[END]]
// LOOPS:           scf.for {{.*}} {
// LOOPS:             arith.addf
// LOOPS:           scf.for {{.*}} {
// LOOPS:             arith.divf
// LOOPS-NOT:     call
#rows = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
#column = affine_map<(i, j) -> (j)>
func.func @main(%x: tensor<5x7xf32>) -> tensor<7xf32> {
  %z = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<5xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<5xf32>) -> tensor<5xf32>
  %s = linalg.generic {indexing_maps = [#rows, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<5x7xf32>) outs(%f : tensor<5xf32>) {
    ^bb0(%a: f32, %c: f32):
      %t = arith.addf %c, %a : f32
      linalg.yield %t : f32
  } -> tensor<5xf32>
  %n = tensor.empty() : tensor<5x7xf32>
  %d = linalg.generic {indexing_maps = [#rows, #row, #rows], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s : tensor<5x7xf32>, tensor<5xf32>) outs(%n : tensor<5x7xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %t = arith.divf %a, %b : f32
      linalg.yield %t : f32
  } -> tensor<5x7xf32>
  %g = tensor.empty() : tensor<7xf32>
  %h = linalg.fill ins(%z : f32) outs(%g : tensor<7xf32>) -> tensor<7xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(j, i) -> (i, j)>, affine_map<(j, i) -> (j)>], iterator_types = ["parallel", "reduction"]}
      ins(%d : tensor<5x7xf32>) outs(%h : tensor<7xf32>) {
    ^bb0(%a: f32, %c: f32):
      %t = arith.addf %c, %a : f32
      linalg.yield %t : f32
  } -> tensor<7xf32>
  return %r : tensor<7xf32>
}
