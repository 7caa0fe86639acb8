// RUN: nncc-opt %s --nn-nest-concats --split-input-file | FileCheck %s

// All features again in front of each layer.

// CHECK-LABEL: func.func @dense
// CHECK-SAME:    %[[A:[^:]+]]: tensor<2x4xf32>
// CHECK:         %[[B:.+]] = nn.relu %[[A]]
// CHECK:         %[[AB:.+]] = nn.concat %[[A]], %[[B]] {axis = 1 : i64}
// CHECK:         %[[C:.+]] = nn.slice %[[AB]]
// CHECK:         %[[ABC:.+]] = nn.concat %[[AB]], %[[C]] {axis = 1 : i64} : (tensor<2x8xf32>, tensor<2x4xf32>)
// CHECK:         %[[D:.+]] = nn.slice %[[ABC]]
// CHECK:         %[[ABCD:.+]] = nn.concat %[[ABC]], %[[D]] {axis = 1 : i64} : (tensor<2x12xf32>, tensor<2x4xf32>)
// CHECK:         return %[[ABCD]]
func.func @dense(%a: tensor<2x4xf32>) -> tensor<2x16xf32> {
  %b = nn.relu %a : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %ab = nn.concat %a, %b {axis = 1 : i64} : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x8xf32>
  %c = nn.slice %ab {starts = affine_map<() -> (0, 2)>, sizes = affine_map<() -> (2, 4)>, steps = array<i64: 1, 1>} : (tensor<2x8xf32>) -> tensor<2x4xf32>
  %abc = nn.concat %a, %b, %c {axis = 1 : i64} : (tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x12xf32>
  %d = nn.slice %abc {starts = affine_map<() -> (0, 5)>, sizes = affine_map<() -> (2, 4)>, steps = array<i64: 1, 1>} : (tensor<2x12xf32>) -> tensor<2x4xf32>
  %abcd = nn.concat %a, %b, %c, %d {axis = 1 : i64} : (tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x16xf32>
  return %abcd : tensor<2x16xf32>
}

// -----

// In the middle, twice, along a size that is open.

// CHECK-LABEL: func.func @middle
// CHECK-SAME:    %[[A:[^:]+]]: {{.+}}, %[[B:[^:]+]]: tensor
// CHECK:         %[[AB:.+]] = nn.concat %[[A]], %[[B]] {axis = 0 : i64}
// CHECK:         %[[Y:.+]] = nn.concat %[[B]], %[[AB]], %[[B]], %[[AB]] {axis = 0 : i64}
// CHECK:         return %[[AB]], %[[Y]]
func.func @middle(%a: tensor<?x2xf32, affine_map<()[s0] -> (s0, 2)>>, %b: tensor<3x2xf32>)
    -> (tensor<?x2xf32, affine_map<()[s0] -> (s0 + 3, 2)>>, tensor<?x2xf32, affine_map<()[s0] -> (s0 * 2 + 12, 2)>>) {
  %ab = nn.concat %a, %b {axis = 0 : i64} : (tensor<?x2xf32, affine_map<()[s0] -> (s0, 2)>>, tensor<3x2xf32>) -> tensor<?x2xf32, affine_map<()[s0] -> (s0 + 3, 2)>>
  %y = nn.concat %b, %a, %b, %b, %a, %b {axis = 0 : i64} : (tensor<3x2xf32>, tensor<?x2xf32, affine_map<()[s0] -> (s0, 2)>>, tensor<3x2xf32>, tensor<3x2xf32>, tensor<?x2xf32, affine_map<()[s0] -> (s0, 2)>>, tensor<3x2xf32>) -> tensor<?x2xf32, affine_map<()[s0] -> (s0 * 2 + 12, 2)>>
  return %ab, %y : tensor<?x2xf32, affine_map<()[s0] -> (s0 + 3, 2)>>, tensor<?x2xf32, affine_map<()[s0] -> (s0 * 2 + 12, 2)>>
}

// -----

// Not along another axis, and not what comes later.

// CHECK-LABEL: func.func @others
// CHECK-SAME:    %[[A:[^:]+]]: {{.+}}, %[[B:[^:]+]]: tensor
// CHECK:         nn.concat %[[A]], %[[B]] {axis = 0 : i64}
// CHECK:         nn.concat %[[A]], %[[B]], %[[A]] {axis = 1 : i64}
// CHECK:         nn.concat %[[A]], %[[B]] {axis = 1 : i64}
func.func @others(%a: tensor<2x2xf32>, %b: tensor<2x2xf32>) -> (tensor<4x2xf32>, tensor<2x6xf32>, tensor<2x4xf32>) {
  %u = nn.concat %a, %b {axis = 0 : i64} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<4x2xf32>
  %v = nn.concat %a, %b, %a {axis = 1 : i64} : (tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x6xf32>
  %w = nn.concat %a, %b {axis = 1 : i64} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x4xf32>
  return %u, %v, %w : tensor<4x2xf32>, tensor<2x6xf32>, tensor<2x4xf32>
}
