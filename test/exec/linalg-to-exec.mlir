// RUN: nncc-opt %s --linalg-to-exec --split-input-file | FileCheck %s

#id = affine_map<(m, n) -> (m, n)>

// A reduction and the elementwise op that reads it are one kernel, which takes
// the symbol that its sizes depend on; equal kernels are one.

// CHECK-LABEL: func.func @nncc_run(
// CHECK-SAME:    %{{.*}}: memref<?xi8>, %{{.*}}: memref<?xi8>, %[[S:.*]]: index {exec.symbol = 0 : i64}
// CHECK:         exec.dispatch @"matmul+relu" grid
// CHECK-NOT:     exec.dispatch
// CHECK:         return
// CHECK-LABEL: func.func private @"matmul+relu"(
// CHECK-SAME:    exec.kernel = {{.*}}nodes = ["matmul", "relu"]
// CHECK:         memref.alloc(
// CHECK:         linalg.fill
// CHECK:         linalg.generic
// CHECK:         linalg.generic
module attributes {nncc.inputs = [{name = "x", type = tensor<?x48xf32, affine_map<()[s0] -> (s0, 48)>>}]} {
  func.func @main(%s0: index {nn.symbol = "batch"}, %x: tensor<?x48xf32>) -> tensor<?x8xf32> {
    %w = arith.constant dense<0.5> : tensor<48x8xf32>
    %z = arith.constant 0.0 : f32
    %e = tensor.empty(%s0) : tensor<?x8xf32>
    %f = linalg.fill ins(%z : f32) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
    %r = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>],
                         iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%x, %w : tensor<?x48xf32>, tensor<48x8xf32>) outs(%f : tensor<?x8xf32>) {
      ^bb0(%a: f32, %b: f32, %c: f32):
        %p = arith.mulf %a, %b : f32
        %q = arith.addf %c, %p : f32
        linalg.yield %q : f32
    } -> tensor<?x8xf32> loc("matmul")
    %g = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%r : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) {
      ^bb0(%a: f32, %c: f32):
        %l = arith.cmpf olt, %a, %z : f32
        %s = arith.select %l, %z, %a : f32
        linalg.yield %s : f32
    } -> tensor<?x8xf32> loc("relu")
    return %g : tensor<?x8xf32>
  }
}

// -----

#id1 = affine_map<(m) -> (m)>

// What is concatenated is written in place: one buffer, no copies. The two
// kernels are alike, so there is one.

// CHECK-LABEL: func.func @nncc_run(
// CHECK:         %[[OUT:.*]] = exec.alloc {{.*}} : memref<?xi8>
// CHECK:         memref.view %[[OUT]][%c0
// CHECK:         exec.dispatch @[[K:.*]] grid
// CHECK:         %[[OFFSET:.*]] = arith.constant 32 : index
// CHECK:         memref.view %[[OUT]][%[[OFFSET]]]
// CHECK:         exec.dispatch @[[K]] grid
// CHECK-NOT:     exec.dispatch
// CHECK:         return
func.func @main(%x: tensor<8xf32>, %y: tensor<8xf32>) -> tensor<16xf32> {
  %e = tensor.empty() : tensor<8xf32>
  %whole = tensor.empty() : tensor<16xf32>
  %a = linalg.generic {indexing_maps = [#id1, #id1], iterator_types = ["parallel"]}
      ins(%x : tensor<8xf32>) outs(%e : tensor<8xf32>) {
    ^bb0(%i: f32, %o: f32):
      %n = arith.negf %i : f32
      linalg.yield %n : f32
  } -> tensor<8xf32>
  %b = linalg.generic {indexing_maps = [#id1, #id1], iterator_types = ["parallel"]}
      ins(%y : tensor<8xf32>) outs(%e : tensor<8xf32>) {
    ^bb0(%i: f32, %o: f32):
      %n = arith.negf %i : f32
      linalg.yield %n : f32
  } -> tensor<8xf32>
  %w0 = tensor.insert_slice %a into %whole[0] [8] [1] : tensor<8xf32> into tensor<16xf32>
  %w1 = tensor.insert_slice %b into %w0[8] [8] [1] : tensor<8xf32> into tensor<16xf32>
  return %w1 : tensor<16xf32>
}

// -----

#id2 = affine_map<(m, n) -> (m, n)>

// The producer of a padded tensor writes inside the border.

// CHECK-LABEL: func.func @nncc_run(
// CHECK-COUNT-5: exec.dispatch
// CHECK-NOT:     exec.dispatch
// CHECK:         return
// CHECK:         memref.reinterpret_cast {{.*}} sizes: [4, 4], strides: [6, 1]
func.func @main(%x: tensor<4x4xf32>) -> tensor<6x6xf32> {
  %z = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4x4xf32>
  %a = linalg.generic {indexing_maps = [#id2, #id2], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<4x4xf32>) outs(%e : tensor<4x4xf32>) {
    ^bb0(%i: f32, %o: f32):
      %n = arith.negf %i : f32
      linalg.yield %n : f32
  } -> tensor<4x4xf32>
  %p = tensor.pad %a low[1, 1] high[1, 1] {
    ^bb0(%i: index, %j: index):
      tensor.yield %z : f32
  } : tensor<4x4xf32> to tensor<6x6xf32>
  return %p : tensor<6x6xf32>
}

// -----

// A function outside gets its inputs and outputs as they lie in memory.

// CHECK-LABEL: func.func @nncc_run(
// CHECK:         %[[COPY:.*]] = exec.alloc
// CHECK:         exec.dispatch
// CHECK:         %[[IN:.*]] = memref.view %[[COPY]]
// CHECK:         %[[OUT:.*]] = exec.alloc
// CHECK:         %[[VIEW:.*]] = memref.view %[[OUT]]
// CHECK:         exec.call_extern "d::Op" {} [tensor<3x2xf32>, tensor<i64>] inputs 1(%[[IN]], %[[VIEW]])
func.func @main(%x: tensor<3x5xf32>) -> tensor<i64> {
  %slice = tensor.extract_slice %x[0, 1] [3, 2] [1, 1] : tensor<3x5xf32> to tensor<3x2xf32>
  %init = tensor.empty() : tensor<i64>
  %y = exec.extern "d::Op" {} [tensor<3x2xf32>, tensor<i64>] ins(%slice : tensor<3x2xf32>) outs(%init : tensor<i64>) : tensor<i64>
  return %y : tensor<i64>
}

// -----

// A kernel that is dispatched twice for a node names it once.

// CHECK-LABEL: func.func @nncc_run
// CHECK-COUNT-2: exec.dispatch @twice
// CHECK:       func.func private @twice
// CHECK-SAME:    nodes = ["twice"]
#id = affine_map<(i) -> (i)>
func.func @main(%x: tensor<8xf32>) -> tensor<8xf32> {
  %e = tensor.empty() : tensor<8xf32>
  %p = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<8xf32>) outs(%e : tensor<8xf32>) {
    ^bb0(%a: f32, %c: f32):
      %s = arith.addf %a, %a : f32
      linalg.yield %s : f32
  } -> tensor<8xf32> loc("twice")
  %q = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%p : tensor<8xf32>) outs(%e : tensor<8xf32>) {
    ^bb0(%a: f32, %c: f32):
      %s = arith.addf %a, %a : f32
      linalg.yield %s : f32
  } -> tensor<8xf32> loc("twice")
  return %q : tensor<8xf32>
}
