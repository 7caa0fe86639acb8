// RUN: nncc-opt %s --nn-to-linalg --split-input-file | FileCheck %s

// What is stacked is written in place, a row a step; the number of the step
// cuts a slice.

// CHECK-LABEL: func.func @main(
// CHECK-SAME:    %[[N:.*]]: index {nn.symbol = "n"}, %[[X:.*]]: tensor<?x4xf32>, %[[S:.*]]: tensor<4xf32>
// CHECK:         %[[STACK:.*]] = tensor.empty(%[[N]]) : tensor<?x4xf32>
// CHECK:         %[[LOOP:.*]]:2 = scf.for %[[I:.*]] = %{{.*}} to %[[N]] step %{{.*}} iter_args(%[[SUM:.*]] = %[[S]], %[[OUT:.*]] = %[[STACK]])
// CHECK:           tensor.extract_slice %[[X]][%{{.*}}, 0] [1, 4] [1, 1]
// CHECK:           %[[NEXT:.*]] = linalg.generic
// CHECK:           %[[ROWS:.*]] = tensor.insert_slice %[[NEXT]] into %[[OUT]][%[[I]], 0] [1, 4] [1, 1]
// CHECK:           scf.yield %[[NEXT]], %[[ROWS]]
// CHECK:         return %[[LOOP]]#1
#n = affine_map<()[s0] -> (s0)>
#x = affine_map<()[s0] -> (s0, 4)>
func.func @main(%x: tensor<?x4xf32, #x>, %s: tensor<4xf32>) -> tensor<?x4xf32, #x> attributes {nn.symbols = ["n"]} {
  %last, %sums = nn.loop count #n from(%s : tensor<4xf32>) -> tensor<4xf32>, tensor<?x4xf32, #x> do {
  ^bb0(%i: tensor<i64>, %sum: tensor<4xf32>):
    %row = nn.gather %x, %i {axis = 0 : i64} : (tensor<?x4xf32, #x>, tensor<i64>) -> tensor<4xf32>
    %next = nn.add %sum, %row : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    nn.yield %next, %next : tensor<4xf32>, tensor<4xf32>
  }
  return %sums : tensor<?x4xf32, #x>
}

// -----

// The condition is tested before each step, together with the limit.

// CHECK-LABEL: func.func @main(
// CHECK-SAME:    %[[X:.*]]: tensor<4xf32>, %[[C:.*]]: tensor<i1>, %[[L:.*]]: tensor<i64>)
// CHECK:         %[[MOST:.*]] = arith.index_cast
// CHECK:         scf.while (%[[STEP:.*]] = %{{.*}}, %[[GO:.*]] = %[[C]], %[[S:.*]] = %[[X]])
// CHECK:           %[[HOLDS:.*]] = tensor.extract %[[GO]][]
// CHECK:           %[[INSIDE:.*]] = arith.cmpi slt, %[[STEP]], %[[MOST]]
// CHECK:           %[[BOTH:.*]] = arith.andi %[[HOLDS]], %[[INSIDE]]
// CHECK:           scf.condition(%[[BOTH]])
// CHECK:         do
// CHECK:           scf.yield
func.func @main(%x: tensor<4xf32>, %c: tensor<i1>, %l: tensor<i64>) -> tensor<4xf32> {
  %y = nn.loop limit(%l : tensor<i64>) while(%c : tensor<i1>) from(%x : tensor<4xf32>) -> tensor<4xf32> do {
  ^bb0(%i: tensor<i64>, %s: tensor<4xf32>):
    %next = nn.add %s, %s : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    %sum = nn.reduce_max %next {axes = array<i64: 0>} : (tensor<4xf32>) -> tensor<f32>
    %bound = nn.constant dense<10.0> : tensor<f32>
    %go = nn.less %sum, %bound : (tensor<f32>, tensor<f32>) -> tensor<i1>
    nn.yield %go, %next : tensor<i1>, tensor<4xf32>
  }
  return %y : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @main(
// CHECK-SAME:    %{{.*}}: tensor<4xf32>, %[[C:.*]]: tensor<i1>)
// CHECK:         %[[HOLDS:.*]] = tensor.extract %[[C]][]
// CHECK:         scf.if %[[HOLDS]] -> (tensor<4xf32>)
// CHECK:           math.exp
// CHECK:         else
// CHECK:           math.sin
func.func @main(%x: tensor<4xf32>, %c: tensor<i1>) -> tensor<4xf32> {
  %y = nn.if %c : tensor<i1> -> tensor<4xf32> then {
    %a = nn.exp %x : (tensor<4xf32>) -> tensor<4xf32>
    nn.yield %a : tensor<4xf32>
  } else {
    %b = nn.sin %x : (tensor<4xf32>) -> tensor<4xf32>
    nn.yield %b : tensor<4xf32>
  }
  return %y : tensor<4xf32>
}

// -----

// The state has a size of its own, which is bound to that of the first state and
// again after each step, once the next state lies in other memory.

// CHECK-LABEL: func.func @main(
// CHECK-SAME:    %[[S:.*]]: index {nn.symbol = "s"}, %[[T:.*]]: index {nn.symbol = "t"}, %[[X:.*]]: tensor<2xf32>
// CHECK:         exec.bind symbol 0 to %{{.*}} : memref<?xi8>
// CHECK:         %[[FIRST:.*]] = tensor.insert_slice %[[X]] into %{{.*}}[0] [2] [1]
// CHECK:         %[[LAST:.*]] = scf.for {{.*}} iter_args(%[[STATE:.*]] = %[[FIRST]])
// CHECK:           %[[NEXT:.*]] = tensor.insert_slice %[[X]] into
// CHECK:           exec.bind symbol 1 to
// CHECK:           %[[COPY:.*]] = tensor.insert_slice %[[NEXT]] into
// CHECK:           exec.bind symbol 0 to
// CHECK-NEXT:      scf.yield %[[COPY]]
#s = affine_map<()[s0] -> (s0)>
#longer = affine_map<()[s0] -> (s0 + 2)>
func.func @main(%x: tensor<2xf32>) -> tensor<?xf32, #s> attributes {nn.symbols = ["s", "t"], nn.bound_symbols = 2 : i64} {
  %y = nn.loop count affine_map<() -> (3)> from(%x : tensor<2xf32>) sizes 0, 1 -> tensor<?xf32, #s> do {
  ^bb0(%i: tensor<i64>, %state: tensor<?xf32, #s>):
    %next = nn.concat %state, %x {axis = 0 : i64} : (tensor<?xf32, #s>, tensor<2xf32>) -> tensor<?xf32, #longer>
    nn.yield %next : tensor<?xf32, #longer>
  }
  return %y : tensor<?xf32, #s>
}

// -----

// The branch that runs tells the size.

// CHECK-LABEL: func.func @main(
// CHECK:         exec.bind symbol 0 to : memref<?xi8>
// CHECK:         scf.if
// CHECK:           exec.bind symbol 0 to %{{.*}} : memref<?xi8>
// CHECK:         else
// CHECK:           exec.bind symbol 0 to %{{.*}} : memref<?xi8>
#r = affine_map<()[s0] -> (s0)>
func.func @main(%x: tensor<2xf32>, %y: tensor<3xf32>, %c: tensor<i1>) -> tensor<?xf32, #r> attributes {nn.symbols = ["r"], nn.bound_symbols = 1 : i64} {
  %z = nn.if %c sizes 0, 1 : tensor<i1> -> tensor<?xf32, #r> then {
    nn.yield %x : tensor<2xf32>
  } else {
    nn.yield %y : tensor<3xf32>
  }
  return %z : tensor<?xf32, #r>
}
