// RUN: nncc-opt %s --split-input-file --linalg-to-exec --exec-generate-kernels --canonicalize --cse | FileCheck %s

// 521 products are three sums of at most 174, whose sum is stored; the last
// block is shorter.

// CHECK-LABEL: func.func private @kernel(
// CHECK-DAG:     %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG:     %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG:     %[[SIZE:.*]] = arith.constant 521 : index
// CHECK-DAG:     %[[BLOCK:.*]] = arith.constant 174 : index
// CHECK:         %[[SUMS:.*]]:8 = scf.for %[[FROM:.*]] = %[[C0]] to %[[SIZE]] step %[[BLOCK]]
// CHECK-SAME:        iter_args(%[[TOTAL:[a-z0-9]+]] =
// CHECK:           %[[BEHIND:.*]] = arith.addi %[[FROM]], %[[BLOCK]]
// CHECK:           %[[TO:.*]] = arith.minui %[[BEHIND]], %[[SIZE]]
// CHECK:           %[[SUM:.*]]:8 = scf.for %{{.*}} = %[[FROM]] to %[[TO]] step %[[C1]]
// CHECK:           arith.addf %[[TOTAL]], %[[SUM]]#0
// CHECK:         vector.store %[[SUMS]]#0
func.func @main(%x: tensor<4x521xf32>, %w: tensor<521x8xf32>) -> tensor<4x8xf32> {
  %z = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4x8xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<4x8xf32>) -> tensor<4x8xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<4x521xf32>, tensor<521x8xf32>) outs(%f : tensor<4x8xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %p = arith.mulf %a, %b : f32
      %q = arith.addf %c, %p : f32
      linalg.yield %q : f32
  } -> tensor<4x8xf32>
  return %r : tensor<4x8xf32>
}

// -----

// 3 x 192 products: the steps of the outer loop have sums of their own.

// CHECK-LABEL: func.func private @kernel(
// CHECK:         scf.for {{.*}} iter_args(%[[TOTAL:[a-z0-9]+]] = %[[ZERO:[a-z0-9_]+]],
// CHECK:           %[[SUM:.*]]:8 = scf.for {{.*}} iter_args(%{{[a-z0-9]+}} = %[[ZERO]],
// CHECK:           arith.addf %[[TOTAL]], %[[SUM]]#0
func.func @main(%x: tensor<8x192xf32>, %w: tensor<3x192x8xf32>) -> tensor<4x8xf32> {
  %z = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4x8xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<4x8xf32>) -> tensor<4x8xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(m, n, i, k) -> (m + 2 * i, k)>, affine_map<(m, n, i, k) -> (i, k, n)>, affine_map<(m, n, i, k) -> (m, n)>],
                       iterator_types = ["parallel", "parallel", "reduction", "reduction"]}
      ins(%x, %w : tensor<8x192xf32>, tensor<3x192x8xf32>) outs(%f : tensor<4x8xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %p = arith.mulf %a, %b : f32
      %q = arith.addf %c, %p : f32
      linalg.yield %q : f32
  } -> tensor<4x8xf32>
  return %r : tensor<4x8xf32>
}

// -----

// A row's sixteen lanes add up 563 numbers each, in blocks of 188.

// CHECK-LABEL: func.func private @kernel(
// CHECK-DAG:     %[[FULL:.*]] = arith.constant 8992 : index
// CHECK-DAG:     %[[BLOCK:.*]] = arith.constant 3008 : index
// CHECK-DAG:     %[[WIDTH:.*]] = arith.constant 16 : index
// CHECK:         scf.for %[[FROM:.*]] = %{{.*}} to %[[FULL]] step %[[BLOCK]] iter_args(%[[TOTAL:[a-z0-9]+]] =
// CHECK:           %[[SUM:.*]]:4 = scf.for %{{.*}} = %[[FROM]] to %{{.*}} step %[[WIDTH]]
// CHECK:           arith.addf %[[TOTAL]], %[[SUM]]#0
func.func @main(%x: tensor<2x9000xf32>) -> tensor<2xf32> {
  %z = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<2xf32>) -> tensor<2xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(m, k) -> (m, k)>, affine_map<(m, k) -> (m)>],
                       iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<2x9000xf32>) outs(%f : tensor<2xf32>) {
    ^bb0(%a: f32, %c: f32):
      %q = arith.addf %c, %a : f32
      linalg.yield %q : f32
  } -> tensor<2xf32>
  return %r : tensor<2xf32>
}
