// RUN: nncc-opt %s --exec-call-externs | FileCheck %s

// CHECK: #[[MAP:.*]] = affine_map<()[s0] -> (s0, 3)>
// CHECK: module attributes {nncc.externs = [{constants = {k = 1 : i64}, function = "d::Op",
// CHECK-SAME: inputs = [{name = "input 0", type = tensor<?x3xf32, #[[MAP]]>}], node = "op",
// CHECK-SAME: outputs = [{name = "output 0", type = tensor<2xi64>}]}]}
// CHECK: func @nncc_run
// CHECK-SAME: (%[[ARENA:.*]]: memref<?xi8>, %{{.*}}: memref<?xi8>, %[[N:.*]]: index {exec.symbol = 0 : i64}, %[[X:.*]]: memref<?xi8>)
// CHECK: %[[ROWS:.*]] = affine.apply #{{.*}}()[%[[N]]]
// CHECK: %[[COLUMNS:.*]] = arith.constant 3 : index
// CHECK: %[[SIZE:.*]] = arith.constant 2 : index
// CHECK: call @nncc_extern.0(%[[X]], %[[ARENA]], %[[ROWS]], %[[COLUMNS]], %[[SIZE]])
// CHECK: func private @nncc_extern.0(memref<?xi8>, memref<?xi8>, index, index, index)
func.func @nncc_run(%arena: memref<?xi8>, %weights: memref<?xi8>,
                    %n: index {exec.symbol = 0}, %x: memref<?xi8>) {
  exec.call_extern "d::Op" {k = 1 : i64} [tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>, tensor<2xi64>]
      inputs 1 (%x, %arena) : memref<?xi8>, memref<?xi8> loc("op")
  return
}
