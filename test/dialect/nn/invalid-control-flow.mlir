// RUN: nncc-opt %s -split-input-file -verify-diagnostics

func.func @no_bound(%x: tensor<4xf32>) {
  // expected-error@+1 {{needs either a count or a limit}}
  %y = nn.loop from(%x : tensor<4xf32>) -> tensor<4xf32> do {
  ^bb0(%i: tensor<i64>, %s: tensor<4xf32>):
    nn.yield %s : tensor<4xf32>
  }
  return
}

// -----

func.func @limit(%x: tensor<4xf32>, %l: tensor<i32>) {
  // expected-error@+1 {{limit is an i64 of rank 0}}
  %y = nn.loop limit(%l : tensor<i32>) from(%x : tensor<4xf32>) -> tensor<4xf32> do {
  ^bb0(%i: tensor<i64>, %s: tensor<4xf32>):
    nn.yield %s : tensor<4xf32>
  }
  return
}

// -----

func.func @condition(%x: tensor<4xf32>, %c: tensor<1xi1>) {
  // expected-error@+1 {{the condition is an i1 of rank 0}}
  %y = nn.loop while(%c : tensor<1xi1>) from(%x : tensor<4xf32>) -> tensor<4xf32> do {
  ^bb0(%i: tensor<i64>, %s: tensor<4xf32>):
    nn.yield %c, %s : tensor<1xi1>, tensor<4xf32>
  }
  return
}

// -----

func.func @arguments(%x: tensor<4xf32>) {
  // expected-error@+1 {{the body takes the step, an i64, and the states}}
  %y = nn.loop count affine_map<() -> (3)> from(%x : tensor<4xf32>) -> tensor<4xf32> do {
  ^bb0(%s: tensor<4xf32>):
    nn.yield %s : tensor<4xf32>
  }
  return
}

// -----

func.func @next_condition(%x: tensor<4xf32>, %c: tensor<i1>) {
  // expected-error@+1 {{the body yields the next condition first}}
  %y = nn.loop while(%c : tensor<i1>) from(%x : tensor<4xf32>) -> tensor<4xf32> do {
  ^bb0(%i: tensor<i64>, %s: tensor<4xf32>):
    nn.yield %s : tensor<4xf32>
  }
  return
}

// -----

func.func @count(%x: tensor<4xf32>) {
  // expected-error@+1 {{the body yields 2 tensors for 1 states and 1 results}}
  %y = nn.loop count affine_map<() -> (3)> from(%x : tensor<4xf32>) -> tensor<4xf32> do {
  ^bb0(%i: tensor<i64>, %s: tensor<4xf32>):
    nn.yield %s, %s : tensor<4xf32>, tensor<4xf32>
  }
  return
}

// -----

func.func @state(%x: tensor<4xf32>, %z: tensor<5xf32>) {
  // expected-error@+1 {{state 0 changes its type from 'tensor<4xf32>' to 'tensor<5xf32>'}}
  %y = nn.loop count affine_map<() -> (3)> from(%x : tensor<4xf32>) -> tensor<4xf32> do {
  ^bb0(%i: tensor<i64>, %s: tensor<4xf32>):
    nn.yield %z : tensor<5xf32>
  }
  return
}

// -----

func.func @stack_without_count(%x: tensor<4xf32>, %l: tensor<i64>) {
  // expected-error@+1 {{stacks elements, but their number is not known}}
  %y = nn.loop limit(%l : tensor<i64>) -> tensor<3x4xf32> do {
  ^bb0(%i: tensor<i64>):
    nn.yield %x : tensor<4xf32>
  }
  return
}

// -----

func.func @stack(%x: tensor<4xf32>) {
  // expected-error@+1 {{result 0 is not the stack of what the body yields}}
  %y = nn.loop count affine_map<() -> (3)> -> tensor<2x4xf32> do {
  ^bb0(%i: tensor<i64>):
    nn.yield %x : tensor<4xf32>
  }
  return
}

// -----

// What the op binds is one size.
#n = affine_map<()[s0] -> (s0)>
#grown = affine_map<()[s0, s1] -> (s1)>
func.func @sizes(%x: tensor<?xf32, #n>, %y: tensor<3xf32>) {
  // expected-error@+1 {{does not bind a symbol to one size}}
  %a, %b = nn.loop count affine_map<() -> (3)> from(%x, %y : tensor<?xf32, #n>, tensor<3xf32>)
      sizes 1, 1 -> tensor<?xf32, #grown>, tensor<?xf32, #grown> do {
  ^bb0(%i: tensor<i64>, %s: tensor<?xf32, #grown>, %t: tensor<?xf32, #grown>):
    nn.yield %s, %t : tensor<?xf32, #grown>, tensor<?xf32, #grown>
  }
  return
}

// -----

func.func @branches(%x: tensor<4xf32>, %c: tensor<i1>) {
  // expected-error@+1 {{a branch does not give the types of the results}}
  %y = nn.if %c : tensor<i1> -> tensor<4xf32> then {
    nn.yield %x : tensor<4xf32>
  } else {
    nn.yield
  }
  return
}

// -----

func.func @branch_condition(%x: tensor<4xf32>, %c: tensor<i8>) {
  // expected-error@+1 {{the condition is an i1 of rank 0}}
  %y = nn.if %c : tensor<i8> -> tensor<4xf32> then {
    nn.yield %x : tensor<4xf32>
  } else {
    nn.yield %x : tensor<4xf32>
  }
  return
}
