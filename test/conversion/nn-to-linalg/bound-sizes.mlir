// RUN: nncc-opt %s --nn-to-linalg --split-input-file | FileCheck %s
// RUN: nncc-opt %s --nn-to-linalg --linalg-to-exec --split-input-file | FileCheck %s --check-prefix=EXEC

// The symbol is an argument, as all are, though callers do not give it.

// CHECK-LABEL: func.func @main
// CHECK-SAME:  (%[[S:.*]]: index {nn.symbol = "s"}, %[[N:.*]]: index {nn.symbol = "n"}, %{{.*}}: index {nn.symbol = "m"}, %[[X:.*]]: tensor<2xi64>
// CHECK:       %[[V:.*]] = tensor.extract %[[X]]
// CHECK:       exec.bind symbol 1 to %[[V]], %{{.*}} : memref<?xi8>
// CHECK:       exec.check %[[N]] is %[[S]]

// What needs a size is allocated behind its binding.
// EXEC:        exec.bind symbol 1 to
// EXEC:        exec.check
// EXEC:        exec.alloc
#n = affine_map<()[s0, s1] -> (s1)>
module attributes {nncc.inputs = [{name = "x", type = tensor<2xi64>}, {name = "y", type = tensor<?xf32, affine_map<()[s0] -> (s0)>>}]} {
  func.func @main(%x: tensor<2xi64>, %y: tensor<?xf32, affine_map<()[s0] -> (s0)>>) -> tensor<?xf32, #n>
      attributes {nn.symbols = ["s", "n", "m"], nn.bound_symbols = 2 : i64} {
    nn.bind_sizes %x from 1 : tensor<2xi64>
    nn.check_sizes affine_map<()[s0, s1] -> (s1)> is affine_map<()[s0] -> (s0)>
    %0 = nn.slice %y {starts = affine_map<() -> (0)>, sizes = #n, steps = array<i64: 1>} : (tensor<?xf32, affine_map<()[s0] -> (s0)>>) -> tensor<?xf32, #n>
    %1 = nn.neg %0 : (tensor<?xf32, #n>) -> tensor<?xf32, #n>
    return %1 : tensor<?xf32, #n>
  }
}

// -----

// CHECK-LABEL: func.func @main
// CHECK:       tensor.from_elements
module attributes {nncc.inputs = [{name = "x", type = tensor<?xf32, affine_map<()[s0] -> (s0)>>}]} {
  func.func @main(%x: tensor<?xf32, affine_map<()[s0] -> (s0)>>) -> tensor<2xi64> attributes {nn.symbols = ["s"]} {
    %0 = nn.sizes {exprs = affine_map<()[s0] -> (s0 * 2, 3)>} : () -> tensor<2xi64>
    return %0 : tensor<2xi64>
  }
}
