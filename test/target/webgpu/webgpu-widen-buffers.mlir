// RUN: nncc-opt %s --webgpu-widen-buffers | FileCheck %s

// A buffer that is accessed in vectors only becomes one of vectors; the others
// stay as they are.

// CHECK-LABEL: @kernel
// CHECK-SAME:    %[[X:.*]]: memref<2xvector<4xf32>>, %[[Y:.*]]: memref<?xvector<4xf32>>, %[[Z:.*]]: memref<?xf32>
// CHECK:         %[[PLACE:.*]] = arith.shrsi
// CHECK:         %[[V:.*]] = memref.load %[[X]][%[[PLACE]]]
// CHECK:         memref.store %[[V]], %[[Y]]
// CHECK:         memref.load %[[Z]]
// CHECK-COUNT-4: memref.store {{.*}}, %[[Z]]
// CHECK-NOT:     vector.store
func.func @kernel(%x: memref<8xf32>, %y: memref<?xf32>, %z: memref<?xf32>, %i: index) attributes {exec.kernel = {}} {
  %v = vector.load %x[%i] : memref<8xf32>, vector<4xf32>
  vector.store %v, %y[%i] : memref<?xf32>, vector<4xf32>
  %e = memref.load %z[%i] : memref<?xf32>
  %s = vector.broadcast %e : f32 to vector<4xf32>
  vector.store %s, %z[%i] : memref<?xf32>, vector<4xf32>
  return
}

// The memory of a workgroup as well.

// CHECK-LABEL: @shared
// CHECK:         memref.alloca() : memref<2xvector<4xf32>, #gpu.address_space<workgroup>>
// CHECK:         memref.alloca() : memref<8xf32, #gpu.address_space<workgroup>>
// CHECK-NOT:     vector.store
func.func @shared(%v: vector<4xf32>, %z: memref<?xf32>, %i: index) attributes {exec.kernel = {}} {
  %wide = memref.alloca() : memref<8xf32, #gpu.address_space<workgroup>>
  vector.store %v, %wide[%i] : memref<8xf32, #gpu.address_space<workgroup>>, vector<4xf32>
  %mixed = memref.alloca() : memref<8xf32, #gpu.address_space<workgroup>>
  vector.store %v, %mixed[%i] : memref<8xf32, #gpu.address_space<workgroup>>, vector<4xf32>
  %e = memref.load %mixed[%i] : memref<8xf32, #gpu.address_space<workgroup>>
  memref.store %e, %z[%i] : memref<?xf32>
  return
}
