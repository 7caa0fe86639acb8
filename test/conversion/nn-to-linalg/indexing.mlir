// RUN: nncc-opt %s -split-input-file -nn-to-linalg | FileCheck %s

// A negative index counts from the end.
// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[DATA:.*]]: tensor<6x4xf32>, %[[INDICES:.*]]: tensor<2x3xi64>
// CHECK: %[[SIZE:.*]] = arith.constant 6 : index
// CHECK: linalg.generic {{.*}} ins(%[[INDICES]] : tensor<2x3xi64>)
// CHECK: %[[AT:.*]] = arith.index_cast
// CHECK: arith.cmpi slt
// CHECK: arith.addi %[[AT]], %[[SIZE]]
// CHECK: %[[ROW:.*]] = arith.select
// CHECK: %[[COLUMN:.*]] = linalg.index 2
// CHECK: tensor.extract %[[DATA]][%[[ROW]], %[[COLUMN]]]
func.func @main(%data: tensor<6x4xf32>, %indices: tensor<2x3xi64>) -> tensor<2x3x4xf32> {
  %0 = nn.gather %data, %indices {axis = 0 : i64} : (tensor<6x4xf32>, tensor<2x3xi64>) -> tensor<2x3x4xf32>
  return %0 : tensor<2x3x4xf32>
}

// -----

// One index that is known is a slice.
// CHECK-LABEL: func.func @main(
// CHECK: tensor.extract_slice %{{.*}}[0, 3] [6, 1] [1, 1]
// CHECK: tensor.collapse_shape
// CHECK-NOT: linalg.generic
func.func @main(%data: tensor<6x4xf32>) -> tensor<6xf32> {
  %last = nn.constant dense<-1> : tensor<i64>
  %0 = nn.gather %data, %last {axis = 1 : i64} : (tensor<6x4xf32>, tensor<i64>) -> tensor<6xf32>
  return %0 : tensor<6xf32>
}

// -----

// CHECK-LABEL: func.func @main(
// CHECK: tensor.extract %{{.*}}[%{{.*}}, %{{.*}}] : tensor<6x4xf32>
// CHECK: linalg.generic {{.*}} ins(%[[TUPLES:.*]], %[[TUPLES]] : tensor<5x2xi64>, tensor<5x2xi64>)
// CHECK: tensor.extract %{{.*}}[%{{.*}}, %{{.*}}] : tensor<6x4xf32>
func.func @main(%data: tensor<6x4xf32>, %i: tensor<2x4xi64>, %tuples: tensor<5x2xi64>) -> (tensor<2x4xf32>, tensor<5xf32>) {
  %0 = nn.gather_elements %data, %i {axis = 0 : i64} : (tensor<6x4xf32>, tensor<2x4xi64>) -> tensor<2x4xf32>
  %1 = nn.gather_nd %data, %tuples : (tensor<6x4xf32>, tensor<5x2xi64>) -> tensor<5xf32>
  return %0, %1 : tensor<2x4xf32>, tensor<5xf32>
}

// -----

// Updates in their order, slices and single elements.
// CHECK-LABEL: func.func @main(
// CHECK: scf.for {{.*}} iter_args(%[[INTO:.*]] = %{{.*}}) -> (tensor<6x4xf32>)
// CHECK: tensor.extract %{{.*}} : tensor<3x1xi64>
// CHECK: tensor.extract_slice
// CHECK: tensor.insert_slice %{{.*}} into %[[INTO]]
// CHECK: scf.for
// CHECK: scf.for {{.*}} iter_args(%[[ELEMENTS:.*]] = %{{.*}}) -> (tensor<6x4xf32>)
// CHECK: %[[BEFORE:.*]] = tensor.extract %[[ELEMENTS]]
// CHECK: %[[AFTER:.*]] = arith.addf %[[BEFORE]]
// CHECK: tensor.insert %[[AFTER]] into %[[ELEMENTS]]
func.func @main(%data: tensor<6x4xf32>, %tuples: tensor<3x1xi64>, %slices: tensor<3x4xf32>, %i: tensor<2x4xi64>, %elements: tensor<2x4xf32>) -> (tensor<6x4xf32>, tensor<6x4xf32>) {
  %0 = nn.scatter_nd %data, %tuples, %slices : (tensor<6x4xf32>, tensor<3x1xi64>, tensor<3x4xf32>) -> tensor<6x4xf32>
  %1 = nn.scatter_elements %data, %i, %elements {axis = 0 : i64, reduction = "add"} : (tensor<6x4xf32>, tensor<2x4xi64>, tensor<2x4xf32>) -> tensor<6x4xf32>
  return %0, %1 : tensor<6x4xf32>, tensor<6x4xf32>
}

// -----

// Constant tuples that are the positions of a box assign a slice; -1 is the last
// row.

// CHECK-LABEL: func.func @main(
// CHECK-SAME:    %[[DATA:.*]]: tensor<3x4x5xf32>, %[[SLICES:.*]]: tensor<2x2x5xf32>
// CHECK-NOT:   scf.for
// CHECK:       tensor.insert_slice %[[SLICES]] into %[[DATA]][1, 2, 0] [2, 2, 5] [1, 1, 1]
func.func @main(%data: tensor<3x4x5xf32>, %slices: tensor<2x2x5xf32>) -> tensor<3x4x5xf32> {
  %i = nn.constant dense<[[[1, 2], [1, 3]], [[-1, 2], [-1, -1]]]> : tensor<2x2x2xi64>
  %0 = nn.scatter_nd %data, %i, %slices : (tensor<3x4x5xf32>, tensor<2x2x2xi64>, tensor<2x2x5xf32>) -> tensor<3x4x5xf32>
  return %0 : tensor<3x4x5xf32>
}

// -----

// So do tuples of ranges; what covers all of the data takes its place.

#n = affine_map<()[n] -> (n)>
#n1 = affine_map<()[n] -> (n, 1)>
#n11 = affine_map<()[n] -> (n, 1, 1)>
#n12 = affine_map<()[n] -> (n, 1, 2)>
#n5 = affine_map<()[n] -> (n, 5)>

// CHECK-LABEL: func.func @main(
// CHECK-SAME:    %[[DATA:[a-z0-9]*]]: tensor<?x5xf32{{.*}}>, %[[COLUMN:[a-z0-9]*]]: tensor<?x1xf32{{.*}}>, %[[ALL:[a-z0-9]*]]: tensor<?x5xf32
// CHECK-NOT:   scf.for
// CHECK:       %[[PART:.*]] = tensor.insert_slice %[[COLUMN]] into %[[DATA]][0, 4] [{{.*}}, 1] [1, 1]
// CHECK:       return %[[PART]], %[[ALL]]
func.func @main(%data: tensor<?x5xf32, #n5>, %column: tensor<?x1xf32, #n1>, %all: tensor<?x5xf32, #n5>) -> (tensor<?x5xf32, #n5>, tensor<?x5xf32, #n5>)
    attributes {nn.symbols = ["n"]} {
  %rows = nn.iota : () -> tensor<?xi64, #n>
  %last = nn.constant dense<-1> : tensor<1xi64>
  %0 = nn.reshape %rows : (tensor<?xi64, #n>) -> tensor<?x1x1xi64, #n11>
  %1 = nn.broadcast_to %last : (tensor<1xi64>) -> tensor<?x1xi64, #n1>
  %2 = nn.reshape %1 : (tensor<?x1xi64, #n1>) -> tensor<?x1x1xi64, #n11>
  %3 = nn.concat %0, %2 {axis = 2 : i64} : (tensor<?x1x1xi64, #n11>, tensor<?x1x1xi64, #n11>) -> tensor<?x1x2xi64, #n12>
  %4 = nn.scatter_nd %data, %3, %column : (tensor<?x5xf32, #n5>, tensor<?x1x2xi64, #n12>, tensor<?x1xf32, #n1>) -> tensor<?x5xf32, #n5>
  %5 = nn.reshape %rows : (tensor<?xi64, #n>) -> tensor<?x1xi64, #n1>
  %6 = nn.scatter_nd %data, %5, %all : (tensor<?x5xf32, #n5>, tensor<?x1xi64, #n1>, tensor<?x5xf32, #n5>) -> tensor<?x5xf32, #n5>
  return %4, %6 : tensor<?x5xf32, #n5>, tensor<?x5xf32, #n5>
}

// -----

// CHECK-LABEL: func.func @main(
// CHECK: %[[HERE:.*]] = linalg.index 1
// CHECK: arith.cmpi eq, %{{.*}}, %[[HERE]]
// CHECK: arith.select
func.func @main(%i: tensor<3xi64>, %values: tensor<2xf32>) -> tensor<3x5xf32> {
  %0 = nn.one_hot %i, %values {axis = 1 : i64, depth = affine_map<() -> (5)>} : (tensor<3xi64>, tensor<2xf32>) -> tensor<3x5xf32>
  return %0 : tensor<3x5xf32>
}
