// RUN: nncc-opt %s --widen-narrow-math | FileCheck %s

// CHECK-LABEL: func.func @narrow
// CHECK:         %[[WIDE:.*]] = arith.extf %{{.*}} fastmath<contract> : vector<4xf16> to vector<4xf32>
// CHECK:         %[[ROOT:.*]] = math.sqrt %[[WIDE]] : vector<4xf32>
// CHECK:         arith.truncf %[[ROOT]] fastmath<contract> : vector<4xf32> to vector<4xf16>
func.func @narrow(%x: vector<4xf16>) -> vector<4xf16> {
  %y = math.sqrt %x : vector<4xf16>
  return %y : vector<4xf16>
}

// CHECK-LABEL: func.func @wide
// CHECK-NEXT:    math.sqrt %{{.*}} : vector<2xf64>
// CHECK-NEXT:    math.exp %{{.*}} : f64
// CHECK-NEXT:    return
func.func @wide(%x: vector<2xf64>, %y: f64) -> (vector<2xf64>, f64) {
  %0 = math.sqrt %x : vector<2xf64>
  %1 = math.exp %y : f64
  return %0, %1 : vector<2xf64>, f64
}

// CHECK-LABEL: func.func @chain
// CHECK-COUNT-3: arith.extf
// CHECK-NEXT:    %[[SUM:.*]] = arith.addf %{{.*}} : f32
// CHECK-NEXT:    %[[PRODUCT:.*]] = arith.mulf %[[SUM]], %{{.*}} : f32
// CHECK-NEXT:    arith.truncf %[[PRODUCT]]
// CHECK-NEXT:    return
func.func @chain(%x: f16, %y: f16, %z: f16) -> f16 {
  %0 = arith.addf %x, %y : f16
  %1 = arith.mulf %0, %z : f16
  return %1 : f16
}

// A cast of the network's own loses digits.
// CHECK-LABEL: func.func @rounds
// CHECK:         arith.truncf %{{.*}} : f32 to f16
// CHECK-NEXT:    arith.extf
func.func @rounds(%x: f32) -> f32 {
  %0 = arith.truncf %x : f32 to f16
  %1 = arith.extf %0 : f16 to f32
  return %1 : f32
}

// CHECK-LABEL: func.func @sum
// CHECK:         %[[SUM:.*]]:2 = scf.for {{.*}} -> (vector<4xf32>, vector<4xf16>)
// CHECK-NEXT:      vector.load
// CHECK-NEXT:      arith.extf
// CHECK-NEXT:      %[[NEXT:.*]] = arith.addf %{{.*}} : vector<4xf32>
// CHECK-NEXT:      scf.yield %[[NEXT]]
// CHECK:         arith.truncf %[[SUM]]#0
func.func @sum(%x: memref<?xf16>, %n: index, %zero: vector<4xf16>) -> (vector<4xf16>, vector<4xf16>) {
  %c0 = arith.constant 0 : index
  %c4 = arith.constant 4 : index
  %s:2 = scf.for %i = %c0 to %n step %c4 iter_args(%a = %zero, %last = %zero) -> (vector<4xf16>, vector<4xf16>) {
    %v = vector.load %x[%i] : memref<?xf16>, vector<4xf16>
    %b = arith.addf %a, %v : vector<4xf16>
    scf.yield %b, %v : vector<4xf16>, vector<4xf16>
  }
  return %s#0, %s#1 : vector<4xf16>, vector<4xf16>
}
