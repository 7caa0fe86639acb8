// RUN: nncc-opt %s --record-signature | FileCheck %s

// Names that the function does not give are made up; symbols move to the module.

// CHECK: module attributes {
// CHECK-SAME: nncc.inputs = [{name = "x", type = tensor<?x3xf32, #{{.*}}>}, {name = "input1", type = tensor<2xi64>}]
// CHECK-SAME: nncc.outputs = [{name = "y", type = tensor<?x3xf32, #{{.*}}>}]
// CHECK-SAME: nncc.symbols = ["batch"]
func.func @main(%x: tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>> {nn.name = "x"}, %n: tensor<2xi64>)
    -> (tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>> {nn.name = "y"}) attributes {nn.symbols = ["batch"]} {
  return %x : tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>
}
