// RUN: nncc-opt %s --exec-bind-sizes --split-input-file | FileCheck %s
// RUN: nncc-opt %s --exec-bind-sizes --widen-arena-bytes --split-input-file | FileCheck %s --check-prefix=WIDE

// What needs the size is computed behind the call that accepts it; what is left
// takes the callers' symbols alone.

// CHECK: nncc.sites = ["/nms", "/nms", "/add"]
// CHECK-LABEL: func @nncc_arena_bytes(%{{.*}}: index {exec.symbol = 0 : i64}) -> index
// CHECK-LABEL: func @nncc_run
// CHECK-SAME: (%{{.*}}: memref<?xi8>, %{{.*}}: memref<?xi8>, %[[S:.*]]: index {exec.symbol = 0 : i64}, %[[X:.*]]: memref<?xi8>)
// CHECK:      %[[V:.*]] = memref.load
// CHECK:      %[[ELEMENTS:.*]] = call @nncc_accept_size(%{{.*}}, %[[V]], %{{.*}})
// CHECK:      %[[N:.*]] = arith.index_cast %[[V]] : i64 to index
// CHECK:      %[[BYTES:.*]] = call @nncc_bound_bytes.0(%[[S]], %[[N]])
// CHECK:      %[[LONG:.*]] = arith.index_castui %[[BYTES]] : index to i64
// CHECK:      %[[MEMORY:.*]] = call @nncc_bound_memory(%{{.*}}, %[[ELEMENTS]], %[[LONG]])
// CHECK:      %[[ROWS:.*]] = affine.apply #{{.*}}()[%[[N]]]
// CHECK:      call @nncc_check_sizes(%{{.*}}, %[[ROWS]], %[[S]])
// CHECK:      memref.view %[[MEMORY]][%{{.*}}][%[[ROWS]]]

// WIDE:       arith.index_castui %{{.*}} : index to i64
// WIDE-NEXT:  %[[N:.*]] = arith.index_castui %{{.*}} : index to i64
// WIDE:       %[[BYTES:.*]] = call @nncc_bound_bytes.0(%{{.*}}, %[[N]]) : (i64, i64) -> i64
// WIDE:       call @nncc_bound_memory(%{{.*}}, %{{.*}}, %[[BYTES]])
module attributes {nncc.bound_symbols = 1 : i64} {
  func.func @nncc_arena_bytes(%s: index {exec.symbol = 0 : i64}, %n: index {exec.symbol = 1 : i64}) -> index {
    return %s : index
  }
  func.func @nncc_bound_bytes.0(%s: index {exec.symbol = 0 : i64}, %n: index {exec.symbol = 1 : i64}) -> index {
    %bytes = arith.muli %s, %n : index
    return %bytes : index
  }
  func.func @nncc_run(%arena: memref<?xi8>, %weights: memref<?xi8>,
                      %s: index {exec.symbol = 0 : i64}, %n: index {exec.symbol = 1 : i64},
                      %x: memref<?xi8>) {
    %zero = arith.constant 0 : index
    %rows = affine.apply affine_map<()[s0, s1] -> (s1 + 1)>()[%s, %n]
    %counts = memref.view %x[%zero][%s] : memref<?xi8> to memref<?xi64>
    %count = memref.load %counts[%zero] : memref<?xi64>
    %memory = exec.bind symbol 1 to %count bytes @nncc_bound_bytes.0 : memref<?xi8> loc("/nms")
    %view = memref.view %memory[%zero][%rows] : memref<?xi8> to memref<?xi64>
    exec.check %rows is %s loc("/add")
    memref.store %count, %view[%zero] : memref<?xi64>
    return
  }
}

// -----

// What a step binds lies in a variable, from which what comes behind the loop
// takes it. The memory that is bound before has none.

// CHECK-LABEL: func.func @nncc_run
// CHECK:      %[[PLACE:.*]] = memref.alloca() : memref<1xmemref<?xi8>>
// CHECK:      %[[SIZE:.*]] = memref.alloca() : memref<1xindex>
// CHECK:      scf.for
// CHECK:        %[[ELEMENTS:.*]] = func.call @nncc_accept_size
// CHECK:        memref.store %[[N:.*]], %[[SIZE]][
// CHECK:        %[[MEMORY:.*]] = func.call @nncc_bound_memory
// CHECK:        memref.store %[[MEMORY]], %[[PLACE]][
// CHECK:        memref.view %[[MEMORY]]{{.*}}[%[[N]]]
// CHECK:      }
// CHECK:      %[[LAST:.*]] = memref.load %[[PLACE]][
// CHECK:      %[[COUNT:.*]] = memref.load %[[SIZE]][
// CHECK:      memref.view %[[LAST]]{{.*}}[%[[COUNT]]]
module attributes {nncc.bound_symbols = 1 : i64} {
  func.func @nncc_arena_bytes(%n: index {exec.symbol = 0 : i64}) -> index {
    %bytes = arith.constant 64 : index
    return %bytes : index
  }
  func.func @nncc_run(%arena: memref<?xi8>, %weights: memref<?xi8>, %n: index {exec.symbol = 0 : i64}, %x: memref<?xi8>) {
    %zero = arith.constant 0 : index
    %one = arith.constant 1 : index
    %three = arith.constant 3 : index
    %number = arith.constant 5 : i64
    %counts = memref.view %x[%zero][%three] : memref<?xi8> to memref<?xi64>
    %memory = exec.bind symbol 0 to : memref<?xi8>
    %view = memref.view %memory[%zero][%n] : memref<?xi8> to memref<?xi64>
    scf.for %i = %zero to %three step %one {
      %count = memref.load %counts[%i] : memref<?xi64>
      exec.bind symbol 0 to %count : memref<?xi8>
      memref.store %number, %view[%zero] : memref<?xi64>
    }
    memref.store %number, %view[%one] : memref<?xi64>
    return
  }
}
