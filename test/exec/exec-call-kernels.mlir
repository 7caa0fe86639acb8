// RUN: nncc-opt %s --exec-call-kernels | FileCheck %s

// CHECK-LABEL: func.func @nncc_run(
// CHECK-SAME:    %[[X:.*]]: memref<?xf32>, %[[S:.*]]: index
// CHECK:         %[[BEGIN:.*]] = arith.constant 0 : index
// CHECK:         %[[END:.*]] = affine.apply {{.*}}()[%[[S]]]
// CHECK:         call @kernel(%[[X]], %[[BEGIN]], %[[END]])
func.func @nncc_run(%x: memref<?xf32>, %s0: index {exec.symbol = 0 : i64}) {
  exec.dispatch @kernel grid affine_map<()[s0] -> (s0 ceildiv 8)>(%x) : memref<?xf32>
  return
}
func.func private @kernel(%x: memref<?xf32>, %begin: index, %end: index) {
  return
}
