// RUN: nncc-opt %s --webgpu-record=shard-bytes=16 --canonicalize | FileCheck %s

// The first dispatch is constant: kernel 1, 3 x 1 workgroups, 2 bindings (the
// arena from byte 256, 64 bytes; weights of shard 1). The second depends on n:
// words that are 0 in the template are stored. Grids beyond 65535 are folded.

// CHECK: webgpu.commands = array<i32: 1, 1, 3, 1, 2, 0, 256, 64, 513, 0, 16,
// CHECK-SAME:                         1, 0, 0, 0, 3, 0, 0, 0, 256, 0, 0, 768, 0, 16>
// CHECK-SAME: webgpu.shards = array<i64: 0, 16, 256, 272>
// CHECK: func.func @nncc_gpu_record
// CHECK:   %[[WORDS:.*]] = call @nncc_gpu_append(%c0{{.*}}, %c25
// CHECK:   memref.store %{{.*}}, %[[WORDS]][%c13
module attributes {exec.weights = [dense<1.0> : tensor<4xf32>, dense<2.0> : tensor<4xf32>],
                   exec.weight_offsets = array<i64: 0, 256>} {
  func.func @nncc_arena_bytes(%n: index {exec.symbol = 0 : i64}) -> index {
    return %n : index
  }
  func.func @nncc_run(%arena: memref<?xi8>, %weights: memref<?xi8>, %n: index {exec.symbol = 0 : i64},
                      %x: memref<?xi8>) -> memref<?xi8> {
    %zero = arith.constant 0 : index
    %at = arith.constant 256 : index
    %part = memref.view %arena[%at][%at] : memref<?xi8> to memref<?xi8>
    %a = memref.view %part[%zero][] : memref<?xi8> to memref<16xf32>
    %w = memref.view %weights[%at][] : memref<?xi8> to memref<4xf32>
    exec.dispatch @second grid affine_map<() -> (1)>(%a, %w) : memref<16xf32>, memref<4xf32>
    %moved = affine.apply affine_map<()[s0] -> (s0 * 256)>()[%n]
    %b = memref.view %arena[%moved][%n] : memref<?xi8> to memref<?xf32>
    %i = memref.view %x[%zero][%n] : memref<?xi8> to memref<?xf32>
    exec.dispatch @first grid affine_map<() -> (1)>(%b, %i, %n) : memref<?xf32>, memref<?xf32>, index
    return %part : memref<?xi8>
  }
  func.func private @first(memref<?xf32>, memref<?xf32>, index {exec.symbol = 0 : i64}, index, index)
      attributes {exec.kernel = {}, webgpu.num_symbols = 1 : i64, webgpu.workgroups = affine_map<()[s0] -> (s0)>}
  func.func private @second(memref<16xf32>, memref<4xf32>, index, index)
      attributes {exec.kernel = {}, webgpu.num_symbols = 0 : i64, webgpu.workgroups = affine_map<() -> (3)>}
}
