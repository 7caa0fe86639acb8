// RUN: nncc-opt %s --exec-call-kernels | FileCheck %s
// RUN: nncc-opt %s --exec-call-kernels=threads | FileCheck %s --check-prefix=THREADS

// CHECK-LABEL: func.func @nncc_run(
// CHECK-SAME:    %[[X:.*]]: memref<?xf32>, %[[S:.*]]: index
// CHECK-DAG:     %[[BEGIN:.*]] = arith.constant 0 : index
// CHECK-DAG:     %[[END:.*]] = affine.apply {{.*}}()[%[[S]]]
// CHECK:         call @kernel(%[[X]], %[[BEGIN]], %[[END]])
func.func @nncc_run(%x: memref<?xf32>, %s0: index {exec.symbol = 0 : i64}) {
  exec.dispatch @kernel grid affine_map<()[s0] -> (s0 ceildiv 8)>(%x) : memref<?xf32>
  return
}
func.func private @kernel(%x: memref<?xf32>, %begin: index, %end: index) {
  return
}

// A kernel of which nothing is known is divided as far as threads go.
// THREADS-LABEL: func.func @nncc_run(
// THREADS-SAME:    %[[X:.*]]: memref<?xf32>
// THREADS-DAG:     %[[END:.*]] = affine.apply
// THREADS-DAG:     %[[PARTS:.*]] = arith.constant 65536 : index
// THREADS:         call @nncc_parallel.kernel(%[[X]], %[[END]], %[[PARTS]])
// THREADS:       func.func private @nncc_parallel.kernel(memref<?xf32>, index, index)
