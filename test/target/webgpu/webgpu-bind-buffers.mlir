// RUN: nncc-opt %s --linalg-to-exec --webgpu-bind-buffers --canonicalize -split-input-file | FileCheck %s

// Two parts of one input are one argument, which is the whole of it; where a
// kernel works is in the kernel. Booleans and i64 have 32 bits in memory.

// CHECK-DAG:   #[[BYTES:.*]] = affine_map<() -> (16)>
// CHECK-LABEL: func.func @nncc_run
// CHECK:         exec.alloc #[[BYTES]]
// CHECK:         memref.view %arg2[%{{.*}}][] : memref<?xi8> to memref<8xi64>
// CHECK:         exec.dispatch @kernel grid {{.*}} : memref<8xi64>, memref<4xi1>
// CHECK:       func.func private @kernel(%[[X:.*]]: memref<8xi64> {webgpu.space = "input"},
// CHECK-SAME:      memref<4xi1> {webgpu.space = "arena"}, %{{.*}}: index, %{{.*}}: index)
// CHECK-DAG:     memref.reinterpret_cast %[[X]] to offset: [0], sizes: [4], strides: [1]
// CHECK-DAG:     memref.reinterpret_cast %[[X]] to offset: [4], sizes: [4], strides: [1]
#id = affine_map<(i) -> (i)>
module attributes {nncc.inputs = [{name = "x", type = tensor<8xi64>}]} {
  func.func @main(%x: tensor<8xi64>) -> tensor<4xi1> {
    %a = tensor.extract_slice %x[0] [4] [1] : tensor<8xi64> to tensor<4xi64>
    %b = tensor.extract_slice %x[4] [4] [1] : tensor<8xi64> to tensor<4xi64>
    %e = tensor.empty() : tensor<4xi1>
    %r = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel"]}
        ins(%a, %b : tensor<4xi64>, tensor<4xi64>) outs(%e : tensor<4xi1>) {
      ^bb0(%p: i64, %q: i64, %c: i1):
        %s = arith.cmpi slt, %p, %q : i64
        linalg.yield %s : i1
    } -> tensor<4xi1>
    return %r : tensor<4xi1>
  }
}

// -----

// Places are computed in the kernel. What they depend on beside the program's
// symbols, as the trip of a loop, is a symbol of its own behind those.

// CHECK:       #[[PLACE:.*]] = affine_map<()[s0] -> (s0 * 6)>
// CHECK-LABEL: func.func @nncc_run
// CHECK:         scf.for %[[I:.*]] =
// CHECK:           exec.dispatch @{{.*}}({{.*}}, %[[I]]) : memref<?xf32>, memref<6xf32>, memref<6xf32>, index
// CHECK:       func.func private @"kernel#3"
// CHECK-SAME:      "arena"}, %[[STEP:[a-z0-9]+]]: index {exec.symbol = 1 : i64}
// CHECK:         %[[OFFSET:.*]] = affine.apply #[[PLACE]]()[%[[STEP]]]
// CHECK:         memref.reinterpret_cast %{{.*}} to offset: [%[[OFFSET]]], sizes: [6]
#id = affine_map<(i) -> (i)>
module attributes {nncc.inputs = [{name = "x", type = tensor<?x6xf32, affine_map<()[s0] -> (s0, 6)>>}], nncc.symbols = ["n"]} {
  func.func @main(%n: index {nn.symbol = "n"}, %x: tensor<?x6xf32>) -> tensor<6xf32> {
    %zero = arith.constant 0 : index
    %one = arith.constant 1 : index
    %z = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<6xf32>
    %f = linalg.fill ins(%z : f32) outs(%e : tensor<6xf32>) -> tensor<6xf32>
    %r = scf.for %i = %zero to %n step %one iter_args(%sum = %f) -> (tensor<6xf32>) {
      %row = tensor.extract_slice %x[%i, 0] [1, 6] [1, 1] : tensor<?x6xf32> to tensor<6xf32>
      %s = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel"]}
          ins(%row, %sum : tensor<6xf32>, tensor<6xf32>) outs(%e : tensor<6xf32>) {
        ^bb0(%p: f32, %q: f32, %c: f32):
          %t = arith.addf %p, %q : f32
          linalg.yield %t : f32
      } -> tensor<6xf32>
      scf.yield %s : tensor<6xf32>
    }
    return %r : tensor<6xf32>
  }
}
