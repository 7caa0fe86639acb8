// RUN: nncc-opt %s --exec-plan-memory --split-input-file | FileCheck %s
// RUN: nncc-opt %s --exec-plan-memory=growing --split-input-file | FileCheck %s --check-prefix=GROWING
// RUN: nncc-opt %s --exec-plan-memory=page=1024 --split-input-file | FileCheck %s --check-prefix=PAGES

// %a is dead when %c is first written: they share memory. Sizes that depend on
// the batch are planned in units of it.

// CHECK-DAG: #[[TOTAL:.*]] = affine_map<()[s0] -> (s0 * 512 + 192)>
// CHECK:     exec.weight_offsets = array<i64: 0, 64>
// CHECK-LABEL: func.func @nncc_arena_bytes(%{{.*}}: index {exec.symbol = 0 : i64}) -> index
// CHECK:         affine.apply #[[TOTAL]]
// CHECK-LABEL: func.func @nncc_run(
// CHECK-SAME:    %[[ARENA:.*]]: memref<?xi8>, %[[WEIGHTS:.*]]: memref<?xi8>
// CHECK:         memref.view %[[WEIGHTS]]
// CHECK:         memref.view %[[WEIGHTS]]
// CHECK-COUNT-4: memref.view %[[ARENA]]
// CHECK-NOT:     exec.alloc
func.func @nncc_run(%arena: memref<?xi8>, %weights: memref<?xi8>, %s0: index {exec.symbol = 0 : i64}) {
  %w0 = exec.weight dense<1.0> : tensor<4xf32> : memref<?xi8>
  %w1 = exec.weight dense<2.0> : tensor<4xf32> : memref<?xi8>
  %a = exec.alloc affine_map<()[s0] -> (s0 * 256)> : memref<?xi8>
  %b = exec.alloc affine_map<()[s0] -> (s0 * 256)> : memref<?xi8>
  %c = exec.alloc affine_map<()[s0] -> (s0 * 256)> : memref<?xi8>
  %d = exec.alloc affine_map<()[s0] -> (100)> : memref<?xi8>
  exec.dispatch @kernel grid affine_map<() -> (1)>(%w0, %a) : memref<?xi8>, memref<?xi8>
  exec.dispatch @kernel grid affine_map<() -> (1)>(%a, %b) : memref<?xi8>, memref<?xi8>
  exec.dispatch @kernel grid affine_map<() -> (1)>(%b, %c) : memref<?xi8>, memref<?xi8>
  exec.dispatch @kernel grid affine_map<() -> (1)>(%c, %d) : memref<?xi8>, memref<?xi8>
  exec.dispatch @kernel grid affine_map<() -> (1)>(%w1, %d) : memref<?xi8>, memref<?xi8>
  return
}
func.func private @kernel(%x: memref<?xi8>, %y: memref<?xi8>, %begin: index, %end: index) {
  return
}

// -----

// What needs a size that the program binds lies in the memory of the binding.

// CHECK-LABEL: func.func @nncc_bound_bytes.0(
// CHECK-LABEL: func.func @nncc_run(
// CHECK-SAME:    %[[ARENA:.*]]: memref<?xi8>, %{{.*}}: memref<?xi8>, %{{.*}}, %{{.*}})
// CHECK:         memref.view %[[ARENA]]
// CHECK:         %[[MEMORY:.*]] = exec.bind symbol 1 to %{{.*}} bytes @nncc_bound_bytes.0
// CHECK:         memref.view %[[MEMORY]]

// In an arena that can grow it lies behind what was there before.

// GROWING:       #[[FIRST:.*]] = affine_map<()[s0, s1] -> (s0 * 256 + 64)>
// GROWING:       #[[END:.*]] = affine_map<()[s0, s1] -> (s0 * 256)>
// GROWING:       func.func @nncc_arena_bytes(
// GROWING:         affine.apply #[[FIRST]]
// GROWING-LABEL: func.func @nncc_bound_bytes.0(
// GROWING-LABEL: func.func @nncc_run(
// GROWING-SAME:    %[[ARENA:.*]]: memref<?xi8>, %{{.*}}: memref<?xi8>, %{{.*}}, %{{.*}})
// GROWING:         exec.bind symbol 1 to %{{.*}} bytes @nncc_bound_bytes.0
// GROWING:         %[[PLACE:.*]] = affine.apply #[[END]]
// GROWING:         memref.view %[[ARENA]][%[[PLACE]]]
func.func @nncc_run(%arena: memref<?xi8>, %weights: memref<?xi8>, %s0: index {exec.symbol = 0 : i64}, %s1: index {exec.symbol = 1 : i64}) {
  %a = exec.alloc affine_map<()[s0, s1] -> (s0 * 256)> : memref<?xi8>
  %zero = arith.constant 0 : index
  %counts = memref.view %a[%zero][%s0] : memref<?xi8> to memref<?xi64>
  %count = memref.load %counts[%zero] : memref<?xi64>
  %memory = exec.bind symbol 1 to %count : memref<?xi8>
  %b = exec.alloc affine_map<()[s0, s1] -> (s0 * s1 - s0)> : memref<?xi8>
  exec.dispatch @kernel grid affine_map<() -> (1)>(%a, %b) : memref<?xi8>, memref<?xi8>
  return
}
func.func private @kernel(%x: memref<?xi8>, %y: memref<?xi8>, %begin: index, %end: index) {
  return
}

// -----

// No buffer lies across two pages; the last one goes where there is room.

// PAGES:       exec.arena_page = 1024
// PAGES:       func.func @nncc_arena_bytes(
// PAGES:         arith.constant 1600 : index
// PAGES:       func.func @nncc_run(
// PAGES:         %[[FIRST:.*]] = arith.constant 0 : index
// PAGES:         memref.view %{{.*}}[%[[FIRST]]]
// PAGES:         %[[SECOND:.*]] = arith.constant 1024 : index
// PAGES:         memref.view %{{.*}}[%[[SECOND]]]
// PAGES:         %[[THIRD:.*]] = arith.constant 640 : index
// PAGES:         memref.view %{{.*}}[%[[THIRD]]]
func.func @nncc_run(%arena: memref<?xi8>, %weights: memref<?xi8>) {
  %a = exec.alloc affine_map<() -> (640)> : memref<?xi8>
  %b = exec.alloc affine_map<() -> (512)> : memref<?xi8>
  %c = exec.alloc affine_map<() -> (256)> : memref<?xi8>
  exec.dispatch @kernel grid affine_map<() -> (1)>(%a, %b, %c) : memref<?xi8>, memref<?xi8>, memref<?xi8>
  return
}
func.func private @kernel(%x: memref<?xi8>, %y: memref<?xi8>, %z: memref<?xi8>, %begin: index, %end: index) {
  return
}

// -----

// One that is larger than a page needs an arena of one memory.

// PAGES-NOT:   exec.arena_page
// PAGES:       func.func @nncc_run(
func.func @nncc_run(%arena: memref<?xi8>, %weights: memref<?xi8>) {
  %a = exec.alloc affine_map<() -> (1088)> : memref<?xi8>
  %b = exec.alloc affine_map<() -> (512)> : memref<?xi8>
  exec.dispatch @kernel grid affine_map<() -> (1)>(%a, %b) : memref<?xi8>, memref<?xi8>
  return
}
func.func private @kernel(%x: memref<?xi8>, %y: memref<?xi8>, %begin: index, %end: index) {
  return
}
