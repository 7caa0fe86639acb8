// REQUIRES: dawn
// RUN: nncc-opt %s --linalg-to-exec --webgpu-bind-buffers --webgpu-merge-small --webgpu-loop-small --split-input-file | FileCheck %s
// RUN: awk '/^\/\/ -----/ {exit} {print}' %s > %t.first.mlir
// RUN: nncc-opt %t.first.mlir --linalg-to-exec --webgpu-bind-buffers --webgpu-merge-small --webgpu-loop-small | nncc-translate --wgsl - | tee %t.texts | FileCheck %s --check-prefix=WGSL
// RUN: awk -v RS='' '/steps/' %t.texts > %t.steps.wgsl
// RUN: %validate-wgsl %t.steps.wgsl

// All steps of a loop are one dispatch: parts get the number of the step, from
// which they compute where they read and write.

// CHECK-LABEL: func.func @nncc_run
// CHECK-NOT:     scf.for
// CHECK:         exec.dispatch @"[[STEPS:.*]]+small+steps"
// CHECK-NOT:     exec.dispatch
// CHECK:         return
// CHECK:       func.func private @"[[STEPS]]+small+steps"(
// CHECK-NOT:     exec.symbol
// CHECK-SAME:    exec.kernel = {bytes = {{.*}} webgpu.whole
// CHECK:         scf.for %[[I:.+]] = %{{.+}} to %{{.+}} step
// CHECK:           call @{{.*}}, %[[I]],
// CHECK:           call @{{.*}}, %[[I]],

// WGSL:      steps, workgroups 1
// WGSL:      for (var [[I:v[0-9]+]] = 0; [[I]] < 7; [[I]]++) {
// WGSL:        storageBarrier();
// WGSL-NEXT:   workgroupBarrier();
// WGSL:        storageBarrier();
// WGSL-NEXT:   workgroupBarrier();
#row = affine_map<(j) -> (j)>
module attributes {nncc.inputs = [{name = "x", type = tensor<7x12xf32>}, {name = "h", type = tensor<12xf32>}]} {
func.func @main(%x: tensor<7x12xf32>, %h0: tensor<12xf32>) -> tensor<7x12xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c7 = arith.constant 7 : index
  %e = tensor.empty() : tensor<12xf32>
  %all = tensor.empty() : tensor<7x12xf32>
  %s:2 = scf.for %i = %c0 to %c7 step %c1 iter_args(%h = %h0, %states = %all) -> (tensor<12xf32>, tensor<7x12xf32>) {
    %row = tensor.extract_slice %x[%i, 0] [1, 12] [1, 1] : tensor<7x12xf32> to tensor<12xf32>
    %n = linalg.generic {indexing_maps = [#row, #row, #row], iterator_types = ["parallel"]}
        ins(%row, %h : tensor<12xf32>, tensor<12xf32>) outs(%e : tensor<12xf32>) {
      ^bb0(%a: f32, %o: f32, %c: f32):
        %t = arith.addf %a, %o : f32
        linalg.yield %t : f32
    } -> tensor<12xf32>
    %next = tensor.insert_slice %n into %states[%i, 0] [1, 12] [1, 1] : tensor<12xf32> into tensor<7x12xf32>
    scf.yield %n, %next : tensor<12xf32>, tensor<7x12xf32>
  }
  return %s#1 : tensor<7x12xf32>
}
}

// -----

// Of many steps one dispatch makes some; of an open number as well.

// CHECK-LABEL: func.func @nncc_run
// CHECK:         %[[MANY:.+]] = arith.constant 128 : index
// CHECK:         scf.for %[[BEGIN:.+]] = %{{.+}} to %[[COUNT:.+]] step %[[MANY]] {
// CHECK:           %[[NEXT:.+]] = arith.addi %[[BEGIN]], %[[MANY]]
// CHECK:           %[[END:.+]] = arith.minsi %[[NEXT]], %[[COUNT]]
// CHECK:           exec.dispatch @"[[STEPS:.*]]+steps" {{.*}}%[[BEGIN]], %[[END]]
// CHECK-NOT:       exec.dispatch
// CHECK:         }
// CHECK:       func.func private @"[[STEPS]]+steps"(
// CHECK-SAME:    %[[FROM:[^:]+]]: index {exec.symbol = {{[0-9]+}} : i64}, %[[TO:[^:]+]]: index {exec.symbol = {{[0-9]+}} : i64}, %{{[^:]+}}: index, %{{[^:]+}}: index)
// CHECK:         scf.for %{{.+}} = %[[FROM]] to %[[TO]] step
#row = affine_map<(j) -> (j)>
#open = affine_map<()[s0] -> (s0, 12)>
module attributes {nncc.inputs = [{name = "x", type = tensor<?x12xf32, #open>}, {name = "h", type = tensor<12xf32>}]} {
func.func @main(%x: tensor<?x12xf32, #open>, %h0: tensor<12xf32>) -> tensor<12xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tensor.dim %x, %c0 : tensor<?x12xf32, #open>
  %e = tensor.empty() : tensor<12xf32>
  %s = scf.for %i = %c0 to %n step %c1 iter_args(%h = %h0) -> (tensor<12xf32>) {
    %row = tensor.extract_slice %x[%i, 0] [1, 12] [1, 1] : tensor<?x12xf32, #open> to tensor<12xf32>
    %n1 = linalg.generic {indexing_maps = [#row, #row, #row], iterator_types = ["parallel"]}
        ins(%row, %h : tensor<12xf32>, tensor<12xf32>) outs(%e : tensor<12xf32>) {
      ^bb0(%a: f32, %o: f32, %c: f32):
        %t = arith.addf %a, %o : f32
        linalg.yield %t : f32
    } -> tensor<12xf32>
    scf.yield %n1 : tensor<12xf32>
  }
  return %s : tensor<12xf32>
}
}

// -----

// Steps of much work stay dispatches.

// CHECK-LABEL: func.func @nncc_run
// CHECK:         scf.for
// CHECK:           exec.dispatch
// CHECK-NOT:     +steps
#row = affine_map<(j) -> (j)>
module attributes {nncc.inputs = [{name = "x", type = tensor<7x5000xf32>}, {name = "h", type = tensor<5000xf32>}]} {
func.func @main(%x: tensor<7x5000xf32>, %h0: tensor<5000xf32>) -> tensor<5000xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c7 = arith.constant 7 : index
  %e = tensor.empty() : tensor<5000xf32>
  %s = scf.for %i = %c0 to %c7 step %c1 iter_args(%h = %h0) -> (tensor<5000xf32>) {
    %row = tensor.extract_slice %x[%i, 0] [1, 5000] [1, 1] : tensor<7x5000xf32> to tensor<5000xf32>
    %n = linalg.generic {indexing_maps = [#row, #row, #row], iterator_types = ["parallel"]}
        ins(%row, %h : tensor<5000xf32>, tensor<5000xf32>) outs(%e : tensor<5000xf32>) {
      ^bb0(%a: f32, %o: f32, %c: f32):
        %t = arith.addf %a, %o : f32
        linalg.yield %t : f32
    } -> tensor<5000xf32>
    scf.yield %n : tensor<5000xf32>
  }
  return %s : tensor<5000xf32>
}
}
