// RUN: nncc-opt %s -split-input-file --linalg-to-exec --webgpu-generate-kernels --canonicalize --cse | FileCheck %s

// A product of matrices by blocks: both operands go through the workgroup's
// memory, each thread sums up 4 rows of vectors. The next part is loaded while
// one is used.

// CHECK-LABEL: func.func private @kernel(
// CHECK-SAME:    %[[A:[a-z0-9]+]]: memref<?xf32>, %[[M:[a-z0-9]+]]: index {exec.symbol = 0 : i64}, %[[B:[a-z0-9]+]]: memref<?xf32>, %[[C:[a-z0-9]+]]: memref<?xf32>
// CHECK-DAG:     %[[OWN_A:.*]] = memref.alloca() : memref<{{.*}}xvector<4xf32>, #gpu.address_space<workgroup>>
// CHECK-DAG:     %[[OWN_B:.*]] = memref.alloca() : memref<{{.*}}xvector<4xf32>, #gpu.address_space<workgroup>>
// CHECK-COUNT-2: vector.load %[[A]]
// CHECK-COUNT-2: vector.load %[[B]]
// CHECK:         %[[SUMS:.*]]:8 = scf.for
// CHECK-COUNT-2:   memref.store %{{.*}}, %[[OWN_A]]
// CHECK-COUNT-2:   memref.store %{{.*}}, %[[OWN_B]]
// CHECK:           gpu.barrier
// CHECK-COUNT-2:   vector.load %[[A]]
// CHECK-COUNT-2:   vector.load %[[B]]
// CHECK:           scf.for
// CHECK-COUNT-16:    vector.fma
// CHECK:           gpu.barrier
// CHECK:         scf.if
// CHECK-NEXT:      %[[PLACE:.*]] = arith
// CHECK:           vector.store %[[SUMS]]#0, %[[C]]
module attributes {nncc.inputs = [{name = "x", type = tensor<?x48xf32, affine_map<()[s0] -> (s0, 48)>>}]} {
  func.func @main(%s0: index {nn.symbol = "rows"}, %x: tensor<?x48xf32>, %w: tensor<48x16xf32>) -> tensor<?x16xf32> {
    %z = arith.constant 0.0 : f32
    %e = tensor.empty(%s0) : tensor<?x16xf32>
    %f = linalg.fill ins(%z : f32) outs(%e : tensor<?x16xf32>) -> tensor<?x16xf32>
    %r = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>],
                         iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%x, %w : tensor<?x48xf32>, tensor<48x16xf32>) outs(%f : tensor<?x16xf32>) {
      ^bb0(%a: f32, %b: f32, %c: f32):
        %p = arith.mulf %a, %b : f32
        %q = arith.addf %c, %p : f32
        linalg.yield %q : f32
    } -> tensor<?x16xf32>
    return %r : tensor<?x16xf32>
  }
}

// -----

// A long product is a sum of sums of 256 terms, 16 parts of 16.

// CHECK-LABEL: func.func private @kernel(
// CHECK:         %[[TOTALS:.*]]:8 = scf.for %[[BEGIN:.*]] = %c0 to %c48 step %c16 iter_args(%[[TOTAL:[a-z0-9]+]] = {{.*}})
// CHECK:           %[[PAST:.*]] = arith.addi %[[BEGIN]], %c16
// CHECK:           %[[END:.*]] = arith.minsi %[[PAST]], %c48
// CHECK:           %[[SUMS:.*]]:8 = scf.for %{{.*}} = %[[BEGIN]] to %[[END]] step %c1
// CHECK:             gpu.barrier
// CHECK:             gpu.barrier
// CHECK:           arith.addf %[[TOTAL]], %[[SUMS]]#0
// CHECK:         vector.store %[[TOTALS]]#0
func.func @main(%x: tensor<512x768xf32>, %w: tensor<768x128xf32>) -> tensor<512x128xf32> {
  %z = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<512x128xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<512x128xf32>) -> tensor<512x128xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<512x768xf32>, tensor<768x128xf32>) outs(%f : tensor<512x128xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %p = arith.mulf %a, %b : f32
      %q = arith.addf %c, %p : f32
      linalg.yield %q : f32
  } -> tensor<512x128xf32>
  return %r : tensor<512x128xf32>
}

// -----

// Where there are fewer than 64 blocks, four groups of threads share a long sum.

// CHECK-LABEL: func.func private @kernel(
// CHECK-SAME:    webgpu.workgroup_size = 128
// CHECK-COUNT-2: memref.alloca()
// CHECK:         scf.for %{{.*}} = %c0 to %c16 step %c1
// CHECK:         %[[OWN:.*]] = memref.alloca() : memref<128xvector<4xf32>, #gpu.address_space<workgroup>>
// CHECK:         gpu.barrier
// CHECK-COUNT-4: memref.load %[[OWN]]
// CHECK:         scf.if
// CHECK:           vector.store
func.func @main(%x: tensor<49x1024xf32>, %w: tensor<1024x512xf32>) -> tensor<49x512xf32> {
  %z = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<49x512xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<49x512xf32>) -> tensor<49x512xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<49x1024xf32>, tensor<1024x512xf32>) outs(%f : tensor<49x512xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %p = arith.mulf %a, %b : f32
      %q = arith.addf %c, %p : f32
      linalg.yield %q : f32
  } -> tensor<49x512xf32>
  return %r : tensor<49x512xf32>
}

// -----

// 8 x 8 a thread leave no registers for totals. What is f16 is a product too.

// CHECK-LABEL: func.func private @kernel(
// CHECK-SAME:    webgpu.workgroup_size = 256
// CHECK:         %[[SUMS:.*]]:18 = scf.for %{{.*}} = %c0 to %c128 step %c1
// CHECK:           gpu.barrier
// CHECK:           scf.for
// CHECK-COUNT-64:    vector.fma {{.*}} : vector<4xf32>
// CHECK:           gpu.barrier
// CHECK-NOT:     scf.if
// CHECK:         vector.store %[[SUMS]]#0
func.func @main(%x: tensor<2048x1024xf16>, %w: tensor<1024x2048xf16>) -> tensor<2048x2048xf16> {
  %z = arith.constant 0.0 : f16
  %e = tensor.empty() : tensor<2048x2048xf16>
  %f = linalg.fill ins(%z : f16) outs(%e : tensor<2048x2048xf16>) -> tensor<2048x2048xf16>
  %r = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<2048x1024xf16>, tensor<1024x2048xf16>) outs(%f : tensor<2048x2048xf16>) {
    ^bb0(%a: f16, %b: f16, %c: f16):
      %p = arith.mulf %a, %b : f16
      %q = arith.addf %c, %p : f16
      linalg.yield %q : f16
  } -> tensor<2048x2048xf16>
  return %r : tensor<2048x2048xf16>
}

// -----

// A vector times a matrix: the threads of a workgroup share the sum of two
// vectors of columns, and add up what eight of them have at a time.

// CHECK-LABEL: func.func private @kernel(
// CHECK-SAME:    webgpu.workgroup_size = 64
// CHECK:         scf.for %{{.*}} = %c0 to %c2 step %c1 iter_args
// CHECK:           memref.load
// CHECK-COUNT-2:   vector.load
// CHECK:         %[[OWN:.*]] = memref.alloca() : memref<128xvector<4xf32>, #gpu.address_space<workgroup>>
// CHECK:         gpu.barrier
// CHECK:         arith.cmpi slt, %{{.*}}, %c8
// CHECK-COUNT-16:  memref.load %[[OWN]]
// CHECK:         gpu.barrier
// CHECK-COUNT-16: memref.load %[[OWN]]
// CHECK:         arith.cmpi slt, %{{.*}}, %c1 :
// CHECK:         vector.store
func.func @main(%x: tensor<128xf32>, %w: tensor<128x16xf32>) -> tensor<16xf32> {
  %z = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<16xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<16xf32>) -> tensor<16xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(n, k) -> (k)>, affine_map<(n, k) -> (k, n)>, affine_map<(n, k) -> (n)>],
                       iterator_types = ["parallel", "reduction"]}
      ins(%x, %w : tensor<128xf32>, tensor<128x16xf32>) outs(%f : tensor<16xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %p = arith.mulf %a, %b : f32
      %q = arith.addf %c, %p : f32
      linalg.yield %q : f32
  } -> tensor<16xf32>
  return %r : tensor<16xf32>
}

// -----

// The maximum of a row is one of vectors along it.

// CHECK-LABEL: func.func private @kernel(
// CHECK-SAME:    webgpu.workgroup_size = 64
// CHECK:         vector.load
// CHECK-NEXT:    arith.maximumf {{.*}} : vector<4xf32>
// CHECK-COUNT-3: arith.maximumf {{.*}} : f32
// CHECK:         gpu.barrier
func.func @main(%x: tensor<3x512xf32>) -> tensor<3xf32> {
  %z = arith.constant 0xFF800000 : f32
  %e = tensor.empty() : tensor<3xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<3xf32>) -> tensor<3xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(m, k) -> (m, k)>, affine_map<(m, k) -> (m)>],
                       iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<3x512xf32>) outs(%f : tensor<3xf32>) {
    ^bb0(%a: f32, %c: f32):
      %q = arith.maximumf %c, %a : f32
      linalg.yield %q : f32
  } -> tensor<3xf32>
  return %r : tensor<3xf32>
}

// -----

// Sums of products of each channel: a thread computes 4 pixels of 4 channels.

// CHECK-LABEL: func.func private @kernel(
// CHECK:         %{{.*}}:4 = scf.for
// CHECK:           %{{.*}}:4 = scf.for
// CHECK-COUNT-4:     arith.addf {{.*}} : vector<4xf32>
// CHECK-COUNT-4: vector.store
func.func @main(%x: tensor<34x34x64xf32>, %w: tensor<3x3x64xf32>) -> tensor<32x32x64xf32> {
  %z = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<32x32x64xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<32x32x64xf32>) -> tensor<32x32x64xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(y, x, c, i, j) -> (y + i, x + j, c)>, affine_map<(y, x, c, i, j) -> (i, j, c)>, affine_map<(y, x, c, i, j) -> (y, x, c)>],
                       iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%x, %w : tensor<34x34x64xf32>, tensor<3x3x64xf32>) outs(%f : tensor<32x32x64xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %p = arith.mulf %a, %b : f32
      %q = arith.addf %c, %p : f32
      linalg.yield %q : f32
  } -> tensor<32x32x64xf32>
  return %r : tensor<32x32x64xf32>
}

// -----

// Blocks of 8 x 32 would be two of 64 threads: four groups of 32 threads share
// each sum, and then add up through the workgroup's memory.

// CHECK-LABEL: func.func private @kernel(
// CHECK-SAME:    webgpu.workgroup_size = 128
// CHECK-DAG:     memref.alloca() : memref<128xvector<4xf32>
// CHECK-DAG:     memref.alloca() : memref<272xvector<4xf32>
// CHECK:         memref.alloca() : memref<128xvector<4xf32>
// CHECK:         gpu.barrier
// CHECK-COUNT-3: arith.addf {{.*}} : vector<4xf32>
// CHECK:         vector.store
func.func @main(%x: tensor<8x2048xf32>, %w: tensor<2048x64xf32>) -> tensor<8x64xf32> {
  %z = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<8x64xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<8x64xf32>) -> tensor<8x64xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<8x2048xf32>, tensor<2048x64xf32>) outs(%f : tensor<8x64xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %p = arith.mulf %a, %b : f32
      %q = arith.addf %c, %p : f32
      linalg.yield %q : f32
  } -> tensor<8x64xf32>
  return %r : tensor<8x64xf32>
}
