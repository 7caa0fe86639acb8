// RUN: nncc-opt %s --webgpu-record=shard-bytes=16 --canonicalize -split-input-file | FileCheck %s

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

// -----

// A program with a readback is two parts, each of which writes a list in its
// turn: 3 is the readback, of one range to an address. What was computed on the
// host is uploaded as words.

// CHECK: webgpu.commands = array<i32: 1, 0, 1, 1, 1, 0, 0, 64, 3, 1, 0, 0, 64, 0,
// CHECK-SAME:                         1, 0, 1, 1, 1, 0, 0, 64>
// CHECK: func.func @nncc_gpu_record
// CHECK:   %[[SEGMENT:.*]] = call @nncc_gpu_segment()
// CHECK:   %[[FIRST:.*]] = arith.cmpi eq, %[[SEGMENT]], %c0
// CHECK:   scf.if %[[FIRST]] {
// CHECK:     call @nncc_gpu_address_of
// CHECK:     call @nncc_gpu_append
// CHECK:   %[[SECOND:.*]] = arith.cmpi eq, %[[SEGMENT]], %c1
// CHECK:   scf.if %[[SECOND]] {
// CHECK:     exec.dispatch @host
// CHECK:     %[[WORDS:.*]] = func.call @nncc_gpu_add_upload(%c0{{.*}}, %c16
// CHECK:     scf.for
// CHECK:       memref.store %{{.*}}, %[[WORDS]]
// CHECK:     call @nncc_gpu_append
module attributes {exec.weights = [], exec.weight_offsets = array<i64>} {
  func.func @nncc_arena_bytes() -> index {
    %n = arith.constant 64 : index
    return %n : index
  }
  func.func @nncc_run(%arena: memref<?xi8>, %weights: memref<?xi8>) -> memref<?xi8> {
    %zero = arith.constant 0 : index
    %count = arith.constant 16 : index
    %gpu = memref.view %arena[%zero][%count] : memref<?xi8> to memref<?xf32>
    %host = memref.view %arena[%zero][%count] {exec.host} : memref<?xi8> to memref<?xi32>
    exec.dispatch @kernel grid affine_map<() -> (1)>(%gpu) : memref<?xf32>
    exec.readback %gpu to %host : memref<?xf32> to memref<?xi32>
    exec.dispatch @host grid affine_map<() -> (1)>(%host) {exec.host = "why"} : memref<?xi32>
    exec.upload %host to %gpu : memref<?xi32> to memref<?xf32>
    exec.dispatch @kernel grid affine_map<() -> (1)>(%gpu) : memref<?xf32>
    return %arena : memref<?xi8>
  }
  func.func private @kernel(memref<?xf32>, index, index)
      attributes {exec.kernel = {}, webgpu.num_symbols = 0 : i64, webgpu.workgroups = affine_map<() -> (1)>}
  func.func private @host(memref<?xi32>, index, index) attributes {exec.kernel = {}, exec.host}
}

// -----

// The parts of an open loop say which one is next: after the first (0) the test
// (1, and 2 after its readback), then the body (3), which leads back, or what
// follows the loop (4). The runtime calls again for it.

// CHECK: func.func @nncc_gpu_record
// CHECK:     %[[TURN:.*]] = call @nncc_gpu_segment()
// CHECK:     arith.cmpi eq, %[[TURN]], %c0
// CHECK:       func.call @nncc_gpu_go_to(%c1)
// CHECK:     arith.cmpi eq, %[[TURN]], %c1
// CHECK:       func.call @nncc_gpu_address_of
// CHECK-NOT:   func.call @nncc_gpu_go_to
// CHECK:     arith.cmpi eq, %[[TURN]], %c2
// CHECK:       %[[GOES_ON:.*]] = arith.cmpi sgt
// CHECK:       %[[NEXT:.*]] = arith.select %[[GOES_ON]], %c3, %c4
// CHECK:       func.call @nncc_gpu_go_to(%[[NEXT]])
// CHECK:     arith.cmpi eq, %[[TURN]], %c3
// CHECK:       func.call @nncc_gpu_append
// CHECK:       func.call @nncc_gpu_go_to(%c1)
// CHECK:     arith.cmpi eq, %[[TURN]], %c4
// CHECK-NOT:   func.call @nncc_gpu_go_to
// CHECK:     return
module attributes {exec.weights = [], exec.weight_offsets = array<i64>} {
  func.func @nncc_arena_bytes() -> index {
    %n = arith.constant 64 : index
    return %n : index
  }
  func.func @nncc_run(%arena: memref<?xi8>, %weights: memref<?xi8>) -> memref<?xi8> {
    %zero = arith.constant 0 : index
    %none = arith.constant 0 : i32
    %size = arith.constant 64 : index
    %part = memref.view %arena[%zero][%size] : memref<?xi8> to memref<?xi8>
    %a = memref.view %part[%zero][] : memref<?xi8> to memref<16xi32>
    %host = memref.view %arena[%size][%size] {exec.host} : memref<?xi8> to memref<?xi8>
    %h = memref.view %host[%zero][] : memref<?xi8> to memref<16xi32>
    scf.while : () -> () {
      exec.dispatch @kernel grid affine_map<() -> (1)>(%a) : memref<16xi32>
      exec.readback %a to %h : memref<16xi32> to memref<16xi32>
      %number = memref.load %h[%zero] : memref<16xi32>
      %goes_on = arith.cmpi sgt, %number, %none : i32
      scf.condition(%goes_on)
    } do {
      exec.dispatch @kernel grid affine_map<() -> (1)>(%a) : memref<16xi32>
      scf.yield
    } attributes {webgpu.open}
    exec.dispatch @kernel grid affine_map<() -> (1)>(%a) : memref<16xi32>
    return %part : memref<?xi8>
  }
  func.func private @kernel(memref<16xi32>, index, index)
      attributes {exec.kernel = {}, webgpu.num_symbols = 0 : i64, webgpu.workgroups = affine_map<() -> (1)>}
}

// -----

// A part that binds a symbol is the last that knows its old value: what was
// recorded before is written, and the runtime calls again for what follows.

// CHECK: func.func @nncc_gpu_bound_bytes.0
// CHECK: func.func @nncc_gpu_record
// CHECK:   %[[TURN:.*]] = call @nncc_gpu_segment()
// CHECK:   arith.cmpi eq, %[[TURN]], %c0
// CHECK:     call @nncc_gpu_append
// CHECK:     exec.bind symbol 0 to %{{.*}} bytes @nncc_gpu_bound_bytes.0
// CHECK:     call @nncc_gpu_go_to(%c1)
// CHECK:   arith.cmpi eq, %[[TURN]], %c1
// CHECK:     call @nncc_gpu_append
// CHECK:     memref.store
// CHECK:   return
module attributes {exec.weights = [], exec.weight_offsets = array<i64>} {
  func.func @nncc_arena_bytes(%n: index {exec.symbol = 0 : i64}) -> index {
    %size = arith.constant 64 : index
    return %size : index
  }
  func.func @nncc_bound_bytes.0(%n: index {exec.symbol = 0 : i64}) -> index {
    return %n : index
  }
  func.func @nncc_run(%arena: memref<?xi8>, %weights: memref<?xi8>, %n: index {exec.symbol = 0 : i64}) -> memref<?xi8> {
    %zero = arith.constant 0 : index
    %size = arith.constant 64 : index
    %part = memref.view %arena[%zero][%size] : memref<?xi8> to memref<?xi8>
    %a = memref.view %part[%zero][] : memref<?xi8> to memref<16xi32>
    %host = memref.view %arena[%size][%size] {exec.host} : memref<?xi8> to memref<?xi8>
    %h = memref.view %host[%zero][] : memref<?xi8> to memref<8xi64>
    exec.dispatch @kernel grid affine_map<() -> (1)>(%a) : memref<16xi32>
    %count = memref.load %h[%zero] : memref<8xi64>
    %memory = exec.bind symbol 0 to %count bytes @nncc_bound_bytes.0 : memref<?xi8>
    %b = memref.view %arena[%size][%n] : memref<?xi8> to memref<?xi32>
    exec.dispatch @bound grid affine_map<() -> (1)>(%b) : memref<?xi32>
    return %part : memref<?xi8>
  }
  func.func private @kernel(memref<16xi32>, index, index)
      attributes {exec.kernel = {}, webgpu.num_symbols = 0 : i64, webgpu.workgroups = affine_map<() -> (1)>}
  func.func private @bound(memref<?xi32>, index, index)
      attributes {exec.kernel = {}, webgpu.num_symbols = 0 : i64, webgpu.workgroups = affine_map<()[s0] -> (s0)>}
}
