// RUN: nncc-opt %s -split-input-file -nn-to-linalg=max-scatter-tests=120 | FileCheck %s

// Each element looks for the last update that is meant for it: 4 * 6 elements
// with 3 updates in their lines are 72 tests.

// CHECK-LABEL: func.func @main(
// CHECK-SAME:    %[[DATA:.*]]: tensor<4x6xf32>, %[[INDICES:.*]]: tensor<4x3xi64>, %[[UPDATES:.*]]: tensor<4x3xf32>
// CHECK-NOT:   scf.for
// CHECK:       %[[LAST:.*]] = linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction"]} ins(%[[INDICES]]
// CHECK:         linalg.index 1
// CHECK:         arith.cmpi eq
// CHECK:         arith.maxsi
// CHECK:       linalg.generic {{.*}} ins(%[[DATA]], %[[LAST]]
// CHECK:         tensor.extract %[[UPDATES]]
// CHECK:         arith.select
func.func @main(%data: tensor<4x6xf32>, %i: tensor<4x3xi64>, %updates: tensor<4x3xf32>) -> tensor<4x6xf32> {
  %0 = nn.scatter_elements %data, %i, %updates {axis = 1 : i64} : (tensor<4x6xf32>, tensor<4x3xi64>, tensor<4x3xf32>) -> tensor<4x6xf32>
  return %0 : tensor<4x6xf32>
}

// -----

// Updates that join are reduced.

// CHECK-LABEL: func.func @main(
// CHECK-NOT:   scf.for
// CHECK:       linalg.generic {{.*}} iterator_types = ["parallel"]}
// CHECK:       linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction"]}
// CHECK:         arith.select
// CHECK:         arith.addf
func.func @main(%data: tensor<4x6xf32>, %i: tensor<5x2xi64>, %updates: tensor<5xf32>) -> tensor<4x6xf32> {
  %0 = nn.scatter_nd %data, %i, %updates {reduction = "add"} : (tensor<4x6xf32>, tensor<5x2xi64>, tensor<5xf32>) -> tensor<4x6xf32>
  return %0 : tensor<4x6xf32>
}

// -----

// Slices are found by their rows: 6 times 3 tests.

// CHECK-LABEL: func.func @main(
// CHECK-SAME:    %[[DATA:.*]]: tensor<6x50xf32>, %{{.*}}: tensor<3x1xi64>, %[[UPDATES:.*]]: tensor<3x50xf32>
// CHECK:       %[[LAST:.*]] = linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]}
// CHECK:       linalg.generic {{.*}} iterator_types = ["parallel", "parallel"]} ins(%[[DATA]], %[[LAST]]
// CHECK:         tensor.extract %[[UPDATES]]
func.func @main(%data: tensor<6x50xf32>, %i: tensor<3x1xi64>, %updates: tensor<3x50xf32>) -> tensor<6x50xf32> {
  %0 = nn.scatter_nd %data, %i, %updates : (tensor<6x50xf32>, tensor<3x1xi64>, tensor<3x50xf32>) -> tensor<6x50xf32>
  return %0 : tensor<6x50xf32>
}

// -----

// More tests than allowed; fewer lines in the updates than in the data; a loop.

// CHECK-LABEL: func.func @main(
// CHECK-COUNT-2: tensor.insert
func.func @main(%data: tensor<4x6xf32>, %i: tensor<6x2xi64>, %updates: tensor<6xf32>, %j: tensor<3x2xi64>, %elements: tensor<3x2xf32>) -> (tensor<4x6xf32>, tensor<4x6xf32>) {
  %0 = nn.scatter_nd %data, %i, %updates : (tensor<4x6xf32>, tensor<6x2xi64>, tensor<6xf32>) -> tensor<4x6xf32>
  %1 = nn.scatter_elements %data, %j, %elements {axis = 1 : i64} : (tensor<4x6xf32>, tensor<3x2xi64>, tensor<3x2xf32>) -> tensor<4x6xf32>
  return %0, %1 : tensor<4x6xf32>, tensor<4x6xf32>
}
