// Result types that follow from symbolic sizes are checked by the verifier;
// reshapes prove that sizes are equal.
// RUN: nncc-opt %s | FileCheck %s

// CHECK-LABEL: @main
func.func @main(%x: tensor<?x?x12xf32, affine_map<()[s0, s1] -> (s0, s1, 12)>>,
                %past: tensor<?x?x12xf32, affine_map<()[s0, s1, s2] -> (s0, s2, 12)>>)
    attributes {nn.symbols = ["batch", "seq", "past"]} {
  // CHECK: nn.concat
  // CHECK-SAME: -> tensor<?x?x12xf32, #[[CONCAT:.*]]>
  %0 = nn.concat %past, %x {axis = 1 : i64} : (tensor<?x?x12xf32, affine_map<()[s0, s1, s2] -> (s0, s2, 12)>>, tensor<?x?x12xf32, affine_map<()[s0, s1] -> (s0, s1, 12)>>) -> tensor<?x?x12xf32, affine_map<()[s0, s1, s2] -> (s0, s1 + s2, 12)>>
  // CHECK: nn.reshape
  %1 = nn.reshape %0 : (tensor<?x?x12xf32, affine_map<()[s0, s1, s2] -> (s0, s1 + s2, 12)>>) -> tensor<?x3x4xf32, affine_map<()[s0, s1, s2] -> (s0 * s1 + s0 * s2, 3, 4)>>
  // CHECK: nn.transpose
  %2 = nn.transpose %1 {perm = array<i64: 1, 0, 2>} : (tensor<?x3x4xf32, affine_map<()[s0, s1, s2] -> (s0 * s1 + s0 * s2, 3, 4)>>) -> tensor<3x?x4xf32, affine_map<()[s0, s1, s2] -> (3, s0 * s1 + s0 * s2, 4)>>
  // CHECK: nn.reduce_max
  %3 = nn.reduce_max %2 {axes = array<i64: 0>, keepdims} : (tensor<3x?x4xf32, affine_map<()[s0, s1, s2] -> (3, s0 * s1 + s0 * s2, 4)>>) -> tensor<1x?x4xf32, affine_map<()[s0, s1, s2] -> (1, s0 * s1 + s0 * s2, 4)>>
  return
}
