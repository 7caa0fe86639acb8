// RUN: nncc-opt %s -split-input-file --webgpu-raise | FileCheck %s

// CHECK-LABEL: @infinity
// CHECK:         arith.constant -3.40282347E+38 : f32
func.func @infinity(%x: memref<?xf32>) attributes {exec.kernel = {}} {
  %c0 = arith.constant 0 : index
  %v = arith.constant 0xFF800000 : f32
  memref.store %v, %x[%c0] : memref<?xf32>
  return
}

// -----

// A test for infinity or NaN looks at the bits.

// CHECK-LABEL: @tests
// CHECK:         %[[X:.*]] = memref.load
// CHECK:         %[[BITS:.*]] = arith.bitcast %[[X]] : f32 to i32
// CHECK-DAG:     arith.cmpi eq, %[[BITS]], %c2139095040_i32
// CHECK-DAG:     arith.cmpi sgt, %{{.*}}, %c2139095040_i32
// CHECK-NOT:     arith.cmpf
func.func @tests(%x: memref<?xf32>, %y: memref<?xi32>) attributes {exec.kernel = {}} {
  %c0 = arith.constant 0 : index
  %infinity = arith.constant 0x7F800000 : f32
  %v = memref.load %x[%c0] : memref<?xf32>
  %a = arith.cmpf oeq, %v, %infinity : f32
  %b = arith.cmpf uno, %v, %v : f32
  %c = arith.ori %a, %b : i1
  %d = arith.extui %c : i1 to i32
  memref.store %d, %y[%c0] : memref<?xi32>
  return
}

// -----

// A power of a negative number takes its sign from the exponent.

// CHECK-LABEL: @power
// CHECK:         %[[ABS:.*]] = math.absf
// CHECK:         %[[POWER:.*]] = math.powf %[[ABS]]
// CHECK:         arith.negf %[[POWER]]
func.func @power(%x: memref<?xf32>) attributes {exec.kernel = {}} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %v = memref.load %x[%c0] : memref<?xf32>
  %w = memref.load %x[%c1] : memref<?xf32>
  %p = math.powf %v, %w : f32
  memref.store %p, %x[%c0] : memref<?xf32>
  return
}

// -----

// A power of integers is a product of squares; 2^-1 is 0, but (-1)^-1 is not.

// CHECK-LABEL: @whole
// CHECK-SAME:    (%[[X:.*]]: memref<?xi32>)
// CHECK:         %[[BASE:.*]] = memref.load
// CHECK:         %[[EXPONENT:.*]] = memref.load
// CHECK:         %[[POWER:.*]]:3 = scf.for %{{.*}} = %c0{{.*}} to %c31{{.*}} iter_args(%[[P:.*]] = %{{.*}}, %[[S:.*]] = %[[BASE]], %[[BITS:.*]] = %[[EXPONENT]])
// CHECK:           %[[MORE:.*]] = arith.muli %[[P]], %[[S]]
// CHECK:           arith.select %{{.*}}, %[[MORE]], %[[P]]
// CHECK:         arith.cmpi slt, %[[EXPONENT]]
// CHECK-COUNT-2: arith.cmpi ne, %[[BASE]]
// CHECK:         arith.select %{{.*}}, %{{.*}}, %[[POWER]]#0
func.func @whole(%x: memref<?xi32>) attributes {exec.kernel = {}} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %v = memref.load %x[%c0] : memref<?xi32>
  %w = memref.load %x[%c1] : memref<?xi32>
  %p = math.ipowi %v, %w : i32
  memref.store %p, %x[%c0] : memref<?xi32>
  return
}

// -----

// CHECK-LABEL: @others
// CHECK-NOT:     math.erf
// CHECK-NOT:     exec.dot
// CHECK-NOT:     floordivsi
// CHECK:         math.tanh
func.func @others(%x: memref<?xf32>, %y: memref<?xi32>) attributes {exec.kernel = {}} {
  %c0 = arith.constant 0 : index
  %v = memref.load %x[%c0] : memref<?xf32>
  %e = math.erf %v : f32
  %t = math.tanh %e : f32
  memref.store %t, %x[%c0] : memref<?xf32>
  %w = memref.load %y[%c0] : memref<?xi32>
  %d = exec.dot %w, %w : i32
  %f = arith.floordivsi %d, %w : i32
  memref.store %f, %y[%c0] : memref<?xi32>
  return
}

// -----

// Pairs of bytes become pairs of halves in all lanes.
// CHECK-LABEL: @widen_lanes
// CHECK-NOT:     exec.widen
// CHECK:         arith.shrsi {{.*}} : vector<4xi32>
// CHECK:         arith.ori {{.*}} : vector<4xi32>
func.func @widen_lanes(%x: memref<?xvector<4xi32>>) attributes {exec.kernel = {}} {
  %c0 = arith.constant 0 : index
  %v = memref.load %x[%c0] : memref<?xvector<4xi32>>
  %w = exec.widen %v : vector<4xi32> to vector<4xi32>
  memref.store %w, %x[%c0] : memref<?xvector<4xi32>>
  return
}

// -----

// Truth values are not compared by size.
// CHECK-LABEL: @flags
// CHECK-DAG:     %[[FALSE:.*]] = arith.constant false
// CHECK-DAG:     %[[TRUE:.*]] = arith.constant true
// CHECK:         %[[A:.*]] = arith.cmpi ne
// CHECK:         %[[B:.*]] = arith.cmpi ne
// CHECK:         arith.select %[[A]], %[[FALSE]], %[[B]] : i1
// CHECK:         arith.select %[[B]], %[[A]], %[[TRUE]] : i1
// CHECK:         arith.select %[[B]], %[[FALSE]], %[[A]] : i1
func.func @flags(%x: memref<?xi32>) attributes {exec.kernel = {}} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0 : i32
  %v = memref.load %x[%c0] : memref<?xi32>
  %w = memref.load %x[%c1] : memref<?xi32>
  %a = arith.cmpi ne, %v, %zero : i32
  %b = arith.cmpi ne, %w, %zero : i32
  %less = arith.cmpi ult, %a, %b : i1
  %no_less = arith.cmpi uge, %a, %b : i1
  %negative = arith.cmpi slt, %a, %b : i1
  %1 = arith.extui %less : i1 to i32
  %2 = arith.extui %no_less : i1 to i32
  %3 = arith.extui %negative : i1 to i32
  memref.store %1, %x[%c0] : memref<?xi32>
  memref.store %2, %x[%c1] : memref<?xi32>
  memref.store %3, %x[%c1] : memref<?xi32>
  return
}
