// RUN: nncc-opt %s --webgpu-bind-symbols --canonicalize | FileCheck %s

// The runtime keeps what a part binds, and has it in the next call; the nodes of
// another program in the same module are named before. Arenas at their first
// size are no functions of such symbols.

// CHECK: nncc.sites = ["/other", "/nms", "/nms", "/add"]
// CHECK-LABEL: func.func @nncc_gpu_arena_bytes(%{{.*}}: index) -> index
// CHECK-LABEL: func.func @nncc_gpu_bound_bytes.0(%{{.*}}: index, %{{.*}}: index)
// CHECK-LABEL: func.func @nncc_run
// CHECK-SAME:    (%{{.*}}: memref<?xi8>, %{{.*}}: memref<?xi8>, %[[S:.*]]: index, %{{.*}}: memref<?xi8>)
// CHECK:         %[[OLD:.*]] = call @nncc_gpu_size(%c0)
// CHECK:         scf.if
// CHECK:           %[[V:.*]] = memref.load
// CHECK:           %[[ELEMENTS:.*]] = func.call @nncc_accept_size(%{{.*}}, %[[V]], %{{.*}})
// CHECK:           %[[N:.*]] = arith.index_cast %[[V]]
// CHECK:           func.call @nncc_gpu_set_size(%c0, %[[N]])
// CHECK:           %[[BYTES:.*]] = func.call @nncc_gpu_bound_bytes.0(%[[S]], %[[N]])
// CHECK:           %[[GPU:.*]] = arith.index_castui %[[BYTES]]
// CHECK:           func.call @nncc_gpu_grow(%{{.*}}, %[[ELEMENTS]], %[[GPU]], %c0_i64)
// CHECK:         call @nncc_check_sizes(%{{.*}}, %[[OLD]], %[[S]])
module attributes {nncc.bound_symbols = 1 : i64, nncc.sites = ["/other"]} {
  func.func @nncc_gpu_arena_bytes(%s: index, %n: index) -> index {
    return %s : index
  }
  func.func @nncc_gpu_bound_bytes.0(%s: index, %n: index) -> index {
    %bytes = arith.muli %s, %n : index
    return %bytes : index
  }
  func.func @nncc_run(%arena: memref<?xi8>, %weights: memref<?xi8>, %s: index, %n: index, %x: memref<?xi8>) {
    %zero = arith.constant 0 : index
    %counts = memref.view %x[%zero][%s] : memref<?xi8> to memref<?xi64>
    %turn = func.call @nncc_gpu_segment() : () -> index
    %is_due = arith.cmpi eq, %turn, %zero : index
    scf.if %is_due {
      %count = memref.load %counts[%zero] : memref<?xi64>
      %memory = exec.bind symbol 1 to %count bytes @nncc_gpu_bound_bytes.0 : memref<?xi8> loc("/nms")
    }
    exec.check %n is %s loc("/add")
    return
  }
  func.func private @nncc_gpu_segment() -> index
}
