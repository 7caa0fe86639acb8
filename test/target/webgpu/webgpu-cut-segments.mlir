// RUN: nncc-opt %s --linalg-to-exec --webgpu-cut-segments --canonicalize -split-input-file | FileCheck %s

// The host needs a number that the GPU computed: whether to go on. What follows
// is a segment of its own, and the copy that the host sees has 8-byte integers.

// CHECK-LABEL: func.func @nncc_run
// CHECK:         exec.alloc #{{.*}} {exec.host}
// CHECK:         exec.dispatch @sum
// CHECK:         exec.readback %{{.*}} to %{{.*}} : memref<?xi64> to memref<?xi32>
// CHECK:         arith.extsi %{{.*}} : i32 to i64
// CHECK:         %[[SUM:.*]] = memref.load %{{.*}} : memref<1xi64>
// CHECK:         %[[POSITIVE:.*]] = arith.cmpi sgt, %[[SUM]]
// CHECK:         scf.if %[[POSITIVE]]
// CHECK:           exec.dispatch @twice grid
// CHECK-NOT:     exec.upload
#id = affine_map<(i) -> (i)>
#none = affine_map<(i) -> ()>
module attributes {nncc.inputs = [{name = "x", type = tensor<8xi64>}]} {
  func.func @main(%x: tensor<8xi64>) -> tensor<8xi64> {
    %zero = arith.constant 0 : i64
    %e = tensor.empty() : tensor<i64>
    %f = linalg.fill ins(%zero : i64) outs(%e : tensor<i64>) -> tensor<i64>
    %sum = linalg.generic {indexing_maps = [#id, #none], iterator_types = ["reduction"]}
        ins(%x : tensor<8xi64>) outs(%f : tensor<i64>) {
      ^bb0(%a: i64, %b: i64):
        %s = arith.addi %a, %b : i64
        linalg.yield %s : i64
    } -> tensor<i64> loc("sum")
    %number = tensor.extract %sum[] : tensor<i64>
    %positive = arith.cmpi sgt, %number, %zero : i64
    %o = tensor.empty() : tensor<8xi64>
    %r = scf.if %positive -> (tensor<8xi64>) {
      %t = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
          ins(%x : tensor<8xi64>) outs(%o : tensor<8xi64>) {
        ^bb0(%a: i64, %b: i64):
          %s = arith.addi %a, %a : i64
          linalg.yield %s : i64
      } -> tensor<8xi64> loc("twice")
      scf.yield %t : tensor<8xi64>
    } else {
      scf.yield %x : tensor<8xi64>
    }
    return %r : tensor<8xi64>
  }
}

// -----

// A GPU does not compute in f64: the host does, and uploads what comes of it.

// CHECK-LABEL: func.func @nncc_run
// CHECK:         exec.readback
// CHECK:         exec.dispatch @[[KERNEL:precise.*]] grid {{.*}} {exec.host = "a GPU has 32 bits for numbers"}
// CHECK:         exec.upload %{{.*}} to %{{.*}} : memref<?xf32> to memref<?xf32>
// CHECK:         return
// CHECK:       func.func private @[[KERNEL]]({{.*}} attributes {exec.host
#id = affine_map<(i) -> (i)>
module attributes {nncc.inputs = [{name = "x", type = tensor<8xf32>}]} {
  func.func @main(%x: tensor<8xf32>) -> tensor<8xf32> {
    %o = tensor.empty() : tensor<8xf32>
    %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
        ins(%x : tensor<8xf32>) outs(%o : tensor<8xf32>) {
      ^bb0(%a: f32, %b: f32):
        %w = arith.extf %a : f32 to f64
        %s = arith.mulf %w, %w : f64
        %n = arith.truncf %s : f64 to f32
        linalg.yield %n : f32
    } -> tensor<8xf32> loc("precise")
    return %y : tensor<8xf32>
  }
}
