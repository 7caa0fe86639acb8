// RUN: nncc-opt %s --memref-to-pointer | FileCheck %s
// RUN: nncc-opt %s --memref-to-pointer=index-bitwidth=64 | FileCheck %s --check-prefix=WIDE

// CHECK-LABEL: func.func @copy(
// CHECK-SAME:    %[[FROM:.*]]: !llvm.ptr, %[[TO:.*]]: !llvm.ptr, %[[I:.*]]: index)
// CHECK:         %[[I32:.*]] = arith.index_cast %[[I]] : index to i32
// CHECK:         %[[P:.*]] = llvm.getelementptr inbounds %[[FROM]][%[[I32]]] : (!llvm.ptr, i32) -> !llvm.ptr, f32
// CHECK:         llvm.load %[[P]] {alignment = 4 : i64} : !llvm.ptr -> vector<4xf32>
// CHECK:         llvm.getelementptr inbounds %[[TO]][8]
// CHECK:         llvm.store %{{.*}} {alignment = 4 : i64}
// WIDE-LABEL:  func.func @copy(
// WIDE:          arith.index_cast %{{.*}} : index to i64
func.func @copy(%from: memref<?xf32>, %to: memref<?xf32>, %i: index) {
  %c8 = arith.constant 8 : index
  %v = vector.load %from[%i] : memref<?xf32>, vector<4xf32>
  vector.store %v, %to[%c8] : memref<?xf32>, vector<4xf32>
  return
}

// Booleans are bytes.
// CHECK-LABEL: func.func @booleans(
// CHECK:         llvm.load %{{.*}} {alignment = 1 : i64} : !llvm.ptr -> vector<4xi8>
// CHECK:         arith.cmpi ne
// CHECK:         arith.extui %{{.*}} : i1 to i8
// CHECK:         llvm.store %{{.*}} : i8, !llvm.ptr
func.func @booleans(%x: memref<?xi1>, %b: i1, %i: index) -> vector<4xi1> {
  %v = vector.load %x[%i] : memref<?xi1>, vector<4xi1>
  memref.store %b, %x[%i] : memref<?xi1>
  return %v : vector<4xi1>
}

// CHECK-LABEL: func.func @view(
// CHECK-SAME:    %[[A:.*]]: !llvm.ptr, %[[S:.*]]: index) -> !llvm.ptr
// CHECK:         %[[V:.*]] = llvm.getelementptr inbounds %[[A]][%{{.*}}] : (!llvm.ptr, i32) -> !llvm.ptr, i8
// CHECK:         return %[[V]]
func.func @view(%a: memref<?xi8>, %s: index) -> memref<?xf32> {
  %v = memref.view %a[%s][%s] : memref<?xi8> to memref<?xf32>
  return %v : memref<?xf32>
}

// A variable may hold the address of memory.
// CHECK-LABEL: func.func @address(
// CHECK:         %[[CELL:.*]] = llvm.alloca %{{.*}} x !llvm.ptr
// CHECK:         llvm.getelementptr inbounds %[[CELL]][0] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
// CHECK:         llvm.store %{{.*}}, %{{.*}} {alignment = 4 : i64} : !llvm.ptr, !llvm.ptr
// CHECK:         %[[A:.*]] = llvm.load %{{.*}} {alignment = 4 : i64} : !llvm.ptr -> !llvm.ptr
// CHECK:         return %[[A]]
func.func @address(%a: memref<?xi8>) -> memref<?xi8> {
  %zero = arith.constant 0 : index
  %cell = memref.alloca() : memref<1xmemref<?xi8>>
  memref.store %a, %cell[%zero] : memref<1xmemref<?xi8>>
  %b = memref.load %cell[%zero] : memref<1xmemref<?xi8>>
  return %b : memref<?xi8>
}
