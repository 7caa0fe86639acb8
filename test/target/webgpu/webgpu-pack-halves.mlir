// RUN: nncc-opt %s --webgpu-pack-halves | FileCheck %s

// Vectors of halves are two words. A single half is one end of a word, which
// other threads may write as well.

// CHECK-LABEL: @kernel(
// CHECK-SAME:    %[[X:.*]]: memref<2xvector<2xi32>>, %[[Y:.*]]: memref<3xi32>, %[[I:.*]]: index)
// CHECK:         %[[WORDS:.*]] = memref.load %[[X]][%[[I]]]
// CHECK-COUNT-2: call @unpack2x16float
// CHECK:         %[[V:.*]] = vector.from_elements {{.*}} : vector<4xf32>
// CHECK-NOT:     f16
// CHECK:         memref.load %[[Y]]
// CHECK:         %[[PAIR:.*]] = call @unpack2x16float
// CHECK:         arith.select
// CHECK:         call @pack2x16float
// CHECK:         memref.atomic_rmw andi {{.*}}, %[[Y]]
// CHECK:         memref.atomic_rmw ori {{.*}}, %[[Y]]
// CHECK-COUNT-2: call @pack2x16float
// CHECK:         memref.store {{.*}}, %[[X]]
func.func @kernel(%x: memref<2xvector<4xf16>>, %y: memref<5xf16>, %i: index) attributes {exec.kernel = {}} {
  %v = memref.load %x[%i] : memref<2xvector<4xf16>>
  %w = arith.extf %v : vector<4xf16> to vector<4xf32>
  %e = memref.load %y[%i] : memref<5xf16>
  %f = arith.extf %e : f16 to f32
  %g = arith.addf %f, %f : f32
  %h = arith.truncf %g : f32 to f16
  memref.store %h, %y[%i] : memref<5xf16>
  %s = arith.mulf %w, %w : vector<4xf32>
  %t = arith.truncf %s : vector<4xf32> to vector<4xf16>
  memref.store %t, %x[%i] : memref<2xvector<4xf16>>
  return
}

// Constants, which canonicalisation makes halves, are single numbers again.

// CHECK-LABEL: @constants(
// CHECK-DAG:     arith.constant 2.500000e-01 : f32
// CHECK-DAG:     arith.constant dense<5.000000e-01> : vector<4xf32>
// CHECK:         return
func.func @constants(%x: memref<2xvector<4xf16>>, %y: memref<5xf16>, %i: index) attributes {exec.kernel = {}} {
  %c = arith.constant 0.25 : f16
  %d = arith.constant dense<0.5> : vector<4xf16>
  memref.store %c, %y[%i] : memref<5xf16>
  memref.store %d, %x[%i] : memref<2xvector<4xf16>>
  return
}
