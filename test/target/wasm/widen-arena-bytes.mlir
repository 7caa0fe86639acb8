// RUN: nncc-opt %s --widen-arena-bytes | FileCheck %s

// CHECK-LABEL: func.func @nncc_arena_bytes(%{{.*}}: i64) -> i64
// CHECK:         arith.constant 1024 : i64
// CHECK:         arith.muli %{{.*}} : i64
// CHECK:         return %{{.*}} : i64
func.func @nncc_arena_bytes(%batch: index) -> index {
  %c = arith.constant 1024 : index
  %n = arith.muli %batch, %c : index
  return %n : index
}

// CHECK-LABEL: func.func @other(%{{.*}}: index) -> index
func.func @other(%batch: index) -> index {
  return %batch : index
}
