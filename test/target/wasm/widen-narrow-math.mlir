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
