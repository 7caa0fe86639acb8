// RUN: nncc-opt %s --nn-to-linalg | FileCheck %s

// CHECK-DAG: #[[IN:.*]] = affine_map<()[s0] -> (s0, 4)>
// CHECK-DAG: #[[OUT:.*]] = affine_map<()[s0] -> (s0)>
// The types keep the signs and sizes that plain tensors have not.
// CHECK: func @main(%[[N:.*]]: index {nn.symbol = "n"}, %[[X:.*]]: tensor<?x4xi8>)
// CHECK: %[[INIT:.*]] = tensor.empty(%[[N]]) : tensor<?xf32>
// CHECK: exec.extern "my.domain::Sum" {scale = 2 : i64} [tensor<?x4xui8, #[[IN]]>, tensor<?xf32, #[[OUT]]>]
// CHECK-SAME: ins(%[[X]] : tensor<?x4xi8>) outs(%[[INIT]] : tensor<?xf32>) : tensor<?xf32>
func.func @main(%x: tensor<?x4xui8, affine_map<()[s0] -> (s0, 4)>>)
    -> tensor<?xf32, affine_map<()[s0] -> (s0)>> attributes {nn.symbols = ["n"]} {
  %y = nn.extern %x {function = "my.domain::Sum", constants = {scale = 2 : i64}}
      : (tensor<?x4xui8, affine_map<()[s0] -> (s0, 4)>>) -> tensor<?xf32, affine_map<()[s0] -> (s0)>>
  return %y : tensor<?xf32, affine_map<()[s0] -> (s0)>>
}
