// RUN: nncc-opt %s --math-to-polynomials | FileCheck %s

// CHECK-DAG: func.func private @nncc_math_tan(f64) -> f64
// CHECK-DAG: func.func private @nncc_math_exp(f64) -> f64
// CHECK-DAG: func.func private @nncc_math_sin(f64) -> f64
// CHECK-DAG: func.func private @nncc_math_pow(f64, f64) -> f64

// The frequent functions of f32 are arithmetic.
// CHECK-LABEL: func.func @inline_
// CHECK-NOT:     call
// CHECK-NOT:     math.{{exp|log|tanh|erf}}
// CHECK:         return
func.func @inline_(%x: vector<4xf32>, %y: f32) -> (vector<4xf32>, f32) {
  %a = math.exp %x : vector<4xf32>
  %b = math.log %a : vector<4xf32>
  %c = math.tanh %b : vector<4xf32>
  %d = math.erf %y : f32
  return %c, %d : vector<4xf32>, f32
}

// With the flag of softmax, what is denormal is 0: one comparison and no second
// power of two.
// CHECK-LABEL: func.func @approximate
// CHECK:         arith.cmpf olt
// CHECK-COUNT-1: arith.shli
// CHECK-NOT:     arith.shli
// CHECK:         arith.select
// CHECK-NEXT:    return
func.func @approximate(%x: vector<4xf32>) -> vector<4xf32> {
  %y = math.exp %x fastmath<afn> : vector<4xf32>
  return %y : vector<4xf32>
}

// The others are called, lane by lane.
// CHECK-LABEL: func.func @lanes
// CHECK:         vector.extract %{{.*}}[0]
// CHECK:         arith.extf
// CHECK:         call @nncc_math_tan
// CHECK:         arith.truncf
// CHECK:         vector.insert
// CHECK-COUNT-3: call @nncc_math_tan
func.func @lanes(%x: vector<4xf32>) -> vector<4xf32> {
  %y = math.tan %x : vector<4xf32>
  return %y : vector<4xf32>
}

// CHECK-LABEL: func.func @double
// CHECK:         call @nncc_math_exp
func.func @double(%x: f64) -> f64 {
  %y = math.exp %x : f64
  return %y : f64
}

// Only huge angles are left to the runtime.
// CHECK-LABEL: func.func @angle
// CHECK:         scf.if
// CHECK:         else
// CHECK-COUNT-4: call @nncc_math_sin
func.func @angle(%x: vector<4xf32>) -> vector<4xf32> {
  %y = math.sin %x : vector<4xf32>
  return %y : vector<4xf32>
}

// CHECK-LABEL: func.func @powers(
// CHECK-SAME:    %[[X:.*]]: vector<4xf32>, %[[N:.*]]: vector<4xf32>)
// CHECK:         %[[SQUARE:.*]] = arith.mulf %[[X]], %[[X]]
// CHECK:         math.sqrt
// CHECK-COUNT-4: call @nncc_math_pow
func.func @powers(%x: vector<4xf32>, %n: vector<4xf32>) -> (vector<4xf32>, vector<4xf32>, vector<4xf32>) {
  %two = arith.constant dense<2.0> : vector<4xf32>
  %half = arith.constant 0.5 : f32
  %halves = vector.broadcast %half : f32 to vector<4xf32>
  %a = math.powf %x, %two : vector<4xf32>
  %b = math.powf %x, %halves : vector<4xf32>
  %c = math.powf %x, %n : vector<4xf32>
  return %a, %b, %c : vector<4xf32>, vector<4xf32>, vector<4xf32>
}

// What is one instruction stays.
// CHECK-LABEL: func.func @instructions
// CHECK:         math.floor
// CHECK:         math.roundeven
// CHECK:         math.sqrt
func.func @instructions(%x: vector<4xf32>) -> vector<4xf32> {
  %a = math.floor %x : vector<4xf32>
  %b = math.roundeven %a : vector<4xf32>
  %c = math.sqrt %b : vector<4xf32>
  return %c : vector<4xf32>
}

// The exponential of a sigmoid has no steps for what vanishes beside 1.
// CHECK-LABEL: func.func @sigmoid
// CHECK-COUNT-1: arith.shli
// CHECK-NOT:     arith.shli
// CHECK:         arith.divf
func.func @sigmoid(%x: vector<4xf32>) -> vector<4xf32> {
  %one = arith.constant dense<1.0> : vector<4xf32>
  %e = math.exp %x : vector<4xf32>
  %s = arith.addf %one, %e : vector<4xf32>
  %y = arith.divf %one, %s : vector<4xf32>
  return %y : vector<4xf32>
}

// The sign goes into the constants, and what is multiplied is divided instead.
// CHECK-LABEL: func.func @silu
// CHECK-NOT:     arith.negf
// CHECK-COUNT-1: arith.divf
// CHECK-NOT:     arith.mulf
// CHECK:         return
func.func @silu(%x: vector<4xf32>) -> vector<4xf32> {
  %one = arith.constant dense<1.0> : vector<4xf32>
  %n = arith.negf %x : vector<4xf32>
  %e = math.exp %n : vector<4xf32>
  %s = arith.addf %e, %one : vector<4xf32>
  %q = arith.divf %one, %s : vector<4xf32>
  %y = arith.mulf %q, %x : vector<4xf32>
  return %y : vector<4xf32>
}
