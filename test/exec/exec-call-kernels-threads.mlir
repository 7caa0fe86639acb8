// RUN: nncc-opt %s --exec-call-kernels=threads | FileCheck %s

// Short dispatches and those of one step stay on one thread; where the time
// depends on symbols, so does the number of parts.

// CHECK-LABEL: func.func @nncc_run(
// CHECK:         call @short(
// CHECK:         %[[PARTS:.*]] = arith.constant 25 : index
// CHECK:         call @nncc_parallel.long(%{{.*}}, %{{.*}}, %[[PARTS]])
// CHECK:         call @long(
// CHECK:         %[[FLOPS:.*]] = arith.mulf
// CHECK:         %[[LIMITED:.*]] = arith.fptoui
// CHECK:         %[[OPEN:.*]] = arith.index_cast %[[LIMITED]]
// CHECK:         call @nncc_parallel.open(%{{.*}}, %{{.*}}, %[[OPEN]])
func.func @nncc_run(%x: memref<?xf32>, %s0: index {exec.symbol = 0 : i64}) {
  exec.dispatch @short grid affine_map<() -> (8)>(%x) : memref<?xf32>
  exec.dispatch @long grid affine_map<() -> (8)>(%x) : memref<?xf32>
  exec.dispatch @long grid affine_map<() -> (1)>(%x) : memref<?xf32>
  exec.dispatch @open grid affine_map<()[s0] -> (s0)>(%x) : memref<?xf32>
  return
}
func.func private @short(%x: memref<?xf32>, %begin: index, %end: index)
    attributes {exec.kernel = {flops = affine_map<() -> (6000)>, bytes = affine_map<() -> (64)>}} {
  return
}
func.func private @long(%x: memref<?xf32>, %begin: index, %end: index)
    attributes {exec.kernel = {flops = affine_map<() -> (6000000)>, bytes = affine_map<() -> (64)>}} {
  return
}
func.func private @open(%x: memref<?xf32>, %begin: index, %end: index)
    attributes {exec.kernel = {flops = affine_map<()[s0] -> (s0 * 1000)>, bytes = affine_map<() -> (64)>}} {
  return
}
