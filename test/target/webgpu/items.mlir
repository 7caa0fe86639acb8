// REQUIRES: dawn
// RUN: nncc-opt %s --linalg-to-exec --webgpu-bind-buffers --webgpu-merge-small --webgpu-loop-small -split-input-file | FileCheck %s
// RUN: awk '/^\/\/ -----/ {exit} {print}' %s > %t.first.mlir
// RUN: nncc-opt %t.first.mlir --linalg-to-exec --webgpu-bind-buffers --webgpu-merge-small --webgpu-loop-small | nncc-translate --wgsl - | tee %t.texts | FileCheck %s --check-prefix=WGSL
// RUN: awk -v RS='' '/steps/' %t.texts > %t.steps.wgsl
// RUN: %validate-wgsl %t.steps.wgsl

// A step of an open batch: a product with the state and the new state are little
// for each item. A workgroup makes all steps of one item.

// CHECK-LABEL: func.func @nncc_run
// CHECK-NOT:     scf.for
// CHECK:         exec.dispatch @"[[STEPS:.*]]+small+steps"
// CHECK-NOT:     exec.dispatch
// CHECK:         return

// WGSL:      steps, workgroups s0
// WGSL:      [[ITEM:v[0-9]+]] < s0
// WGSL:      for (var [[I:v[0-9]+]] = 0; [[I]] < 7; [[I]]++) {
// WGSL:        storageBarrier();
// WGSL-NEXT:   workgroupBarrier();
#rows = affine_map<(i, j) -> (i, j)>
module attributes {nncc.inputs = [{name = "x", type = tensor<7x?x12xf32, affine_map<()[s0] -> (7, s0, 12)>>}, {name = "w", type = tensor<12x12xf32>}], nncc.symbols = ["n"]} {
func.func @main(%n: index {nn.symbol = "n"}, %x: tensor<7x?x12xf32>, %w: tensor<12x12xf32>) -> tensor<?x12xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c7 = arith.constant 7 : index
  %z = arith.constant 0.0 : f32
  %e = tensor.empty(%n) : tensor<?x12xf32>
  %start = linalg.fill ins(%z : f32) outs(%e : tensor<?x12xf32>) -> tensor<?x12xf32>
  %s = scf.for %i = %c0 to %c7 step %c1 iter_args(%h = %start) -> (tensor<?x12xf32>) {
    %row = tensor.extract_slice %x[%i, 0, 0] [1, %n, 12] [1, 1, 1] : tensor<7x?x12xf32> to tensor<?x12xf32>
    %p = linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (k, j)>, affine_map<(i, j, k) -> (i, j)>],
                         iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%h, %w : tensor<?x12xf32>, tensor<12x12xf32>) outs(%start : tensor<?x12xf32>) {
      ^bb0(%a: f32, %b: f32, %c: f32):
        %t = arith.mulf %a, %b : f32
        %u = arith.addf %c, %t : f32
        linalg.yield %u : f32
    } -> tensor<?x12xf32>
    %next = linalg.generic {indexing_maps = [#rows, #rows, #rows], iterator_types = ["parallel", "parallel"]}
        ins(%p, %row : tensor<?x12xf32>, tensor<?x12xf32>) outs(%e : tensor<?x12xf32>) {
      ^bb0(%a: f32, %b: f32, %c: f32):
        %t = arith.addf %a, %b : f32
        linalg.yield %t : f32
    } -> tensor<?x12xf32>
    scf.yield %next : tensor<?x12xf32>
  }
  return %s : tensor<?x12xf32>
}
}

// -----

// The second reads what the first computes for the other items, in the opposite
// order: a workgroup would have to wait for another one.

// CHECK-LABEL: func.func @nncc_run
// CHECK:         exec.dispatch @kernel grid
// CHECK:         exec.dispatch @"kernel#2" grid
#id = affine_map<(i, j) -> (i, j)>
module attributes {nncc.inputs = [{name = "x", type = tensor<?x8xf32, affine_map<()[s0] -> (s0, 8)>>}], nncc.symbols = ["n"]} {
func.func @main(%n: index {nn.symbol = "n"}, %x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %c1 = arith.constant 1 : index
  %last = arith.subi %n, %c1 : index
  %e = tensor.empty(%n) : tensor<?x8xf32>
  %a = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) {
    ^bb0(%p: f32, %c: f32):
      %t = math.exp %p : f32
      linalg.yield %t : f32
  } -> tensor<?x8xf32>
  %b = linalg.generic {indexing_maps = [#id], iterator_types = ["parallel", "parallel"]} outs(%e : tensor<?x8xf32>) {
    ^bb0(%c: f32):
      %i = linalg.index 0 : index
      %j = linalg.index 1 : index
      %o = arith.subi %last, %i : index
      %t = tensor.extract %a[%o, %j] : tensor<?x8xf32>
      linalg.yield %t : f32
  } -> tensor<?x8xf32>
  return %b : tensor<?x8xf32>
}
}
