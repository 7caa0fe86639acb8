// RUN: nncc-opt %s --expand-arith-for-wasm | FileCheck %s --check-prefixes=CHECK,PLAIN
// RUN: nncc-opt %s --expand-arith-for-wasm=contract | FileCheck %s --check-prefixes=CHECK,MADD

// CHECK-LABEL: func.func @half
// CHECK-NOT:     f16 to vector<4xf32>
// CHECK:         arith.bitcast %{{.*}} : vector<4xf16> to vector<4xi16>
// CHECK:         arith.addf %{{.*}} : vector<4xf32>
// CHECK:         arith.bitcast %{{.*}} : vector<4xi16> to vector<4xf16>
func.func @half(%x: vector<4xf16>) -> vector<4xf16> {
  %w = arith.extf %x : vector<4xf16> to vector<4xf32>
  %z = arith.addf %w, %w : vector<4xf32>
  %h = arith.truncf %z : vector<4xf32> to vector<4xf16>
  return %h : vector<4xf16>
}

// CHECK-LABEL: func.func @bfloat
// CHECK:         arith.bitcast %{{.*}} : bf16 to i16
// CHECK:         arith.shli
// CHECK:         arith.bitcast %{{.*}} : i32 to f32
func.func @bfloat(%x: bf16) -> f32 {
  %z = arith.extf %x : bf16 to f32
  return %z : f32
}

// CHECK-LABEL: func.func @minnum
// CHECK:         arith.cmpf olt
// CHECK:         arith.cmpf uno
// CHECK:         arith.select
func.func @minnum(%x: vector<4xf32>, %y: vector<4xf32>) -> vector<4xf32> {
  %z = arith.minnumf %x, %y : vector<4xf32>
  return %z : vector<4xf32>
}

// The order of the sum is fixed.
// CHECK-LABEL: func.func @sum
// CHECK:         vector.shuffle %{{.*}} [2, 3, 0, 1]
// CHECK:         arith.addf
// CHECK:         vector.shuffle %{{.*}} [1, 2, 3, 0]
// CHECK:         arith.addf
// CHECK:         vector.extract %{{.*}}[0]
func.func @sum(%x: vector<4xf32>) -> f32 {
  %z = vector.reduction <add>, %x : vector<4xf32> into f32
  return %z : f32
}

// CHECK-LABEL: func.func @madd
// PLAIN:         arith.mulf
// PLAIN:         arith.addf
// MADD:          math.fma
func.func @madd(%x: vector<4xf32>, %y: vector<4xf32>, %z: vector<4xf32>) -> vector<4xf32> {
  %p = arith.mulf %x, %y : vector<4xf32>
  %s = arith.addf %p, %z : vector<4xf32>
  return %s : vector<4xf32>
}

// CHECK-LABEL: func.func @fma
// PLAIN:         arith.mulf
// PLAIN:         arith.addf
// MADD:          math.fma
func.func @fma(%x: vector<4xf32>, %y: vector<4xf32>, %z: vector<4xf32>) -> vector<4xf32> {
  %s = vector.fma %x, %y, %z : vector<4xf32>
  return %s : vector<4xf32>
}
