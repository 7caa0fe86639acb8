// RUN: nncc-opt %s --linalg-to-exec --webgpu-bind-buffers --exec-merge-rows="max-buffers=8 as-loop=false" --webgpu-store-halves --exec-plan-memory="alignment=256" --webgpu-compile-kernels -split-input-file -o %t
// RUN: FileCheck %s < %t

// Weights and what a product gives to the next kernel are halves; input and
// output are not. A kernel moves fewer bytes: of 12, 384 and 288 elements, 1392.

// CHECK:       affine_map<() -> (1392)>
// CHECK-LABEL: func.func @nncc_run
// CHECK:         %[[BYTES:.*]] = arith.constant 576 : index
// CHECK:         memref.view %arg0[%{{.*}}][%[[BYTES]]]
// CHECK:         exec.dispatch @kernel grid
// CHECK:         exec.dispatch @"kernel#2" grid
// CHECK:       func.func private @kernel(%{{.*}}: memref<12xf32> {webgpu.space = "input"},
// CHECK-SAME:    memref<384xf32> {webgpu.half, webgpu.space = "weight"},
// CHECK-SAME:    memref<288xf32> {webgpu.half, webgpu.space = "arena"},
// CHECK-SAME:    features = ["shader-f16"]
// CHECK-SAME:    features = []
// CHECK:       func.func private @"kernel#2"(%{{.*}}: memref<288xf32> {webgpu.half, webgpu.space = "arena"},
// CHECK-SAME:    memref<18xf32> {webgpu.space = "arena"},
#x = affine_map<(i, j, k) -> (i, k)>
#w = affine_map<(i, j, k) -> (k, j)>
#y = affine_map<(i, j, k) -> (i, j)>
module attributes {nncc.inputs = [{name = "x", type = tensor<3x4xf32>}]} {
  func.func @main(%x: tensor<3x4xf32>) -> tensor<3x6xf32> {
    %w = arith.constant dense<0.5> : tensor<4x96xf32>
    %z = arith.constant 0.0 : f32
    %d = tensor.empty() : tensor<3x96xf32>
    %g = linalg.fill ins(%z : f32) outs(%d : tensor<3x96xf32>) -> tensor<3x96xf32>
    %p = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%x, %w : tensor<3x4xf32>, tensor<4x96xf32>) outs(%g : tensor<3x96xf32>) {
      ^bb0(%a: f32, %b: f32, %c: f32):
        %m = arith.mulf %a, %b : f32
        %s = arith.addf %c, %m : f32
        linalg.yield %s : f32
    } -> tensor<3x96xf32>
    %e = tensor.empty() : tensor<3x6xf32>
    %f = linalg.fill ins(%z : f32) outs(%e : tensor<3x6xf32>) -> tensor<3x6xf32>
    %v = arith.constant dense<0.25> : tensor<96x6xf32>
    %q = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%p, %v : tensor<3x96xf32>, tensor<96x6xf32>) outs(%f : tensor<3x6xf32>) {
      ^bb0(%a: f32, %b: f32, %c: f32):
        %m = arith.mulf %a, %b : f32
        %s = arith.addf %c, %m : f32
        linalg.yield %s : f32
    } -> tensor<3x6xf32>
    return %q : tensor<3x6xf32>
  }
}

// -----

// What a sine reads stays as it is, and a weight that f16 cannot hold.

// CHECK-LABEL: func.func @nncc_run
// CHECK-NOT:   webgpu.half
// CHECK:       func.func private
#id = affine_map<(i) -> (i)>
module attributes {nncc.inputs = [{name = "x", type = tensor<512xf32>}]} {
  func.func @main(%x: tensor<512xf32>) -> tensor<512xf32> {
    %w = arith.constant dense<1.0e5> : tensor<512xf32>
    %v = arith.constant dense<2.0> : tensor<512xf32>
    %e = tensor.empty() : tensor<512xf32>
    %p = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel"]}
        ins(%x, %v : tensor<512xf32>, tensor<512xf32>) outs(%e : tensor<512xf32>) {
      ^bb0(%a: f32, %b: f32, %c: f32):
        %m = arith.mulf %a, %b : f32
        linalg.yield %m : f32
    } -> tensor<512xf32>
    %q = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel"]}
        ins(%p, %w : tensor<512xf32>, tensor<512xf32>) outs(%e : tensor<512xf32>) {
      ^bb0(%a: f32, %b: f32, %c: f32):
        %t = math.sin %a : f32
        %m = arith.mulf %t, %b : f32
        linalg.yield %m : f32
    } -> tensor<512xf32>
    return %q : tensor<512xf32>
  }
}

// -----

// The sums of a normalisation are statistics; what only its rows see is theirs.

// CHECK-LABEL: func.func @nncc_run
// CHECK:         exec.dispatch @"kernel+rows" grid
// CHECK:       func.func private @"kernel+rows"(
// CHECK-NOT:     webgpu.half
// CHECK:         call
#rows = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
module attributes {nncc.inputs = [{name = "x", type = tensor<5x7xf32>}]} {
  func.func @main(%x: tensor<5x7xf32>) -> tensor<5x7xf32> {
    %z = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<5xf32>
    %f = linalg.fill ins(%z : f32) outs(%e : tensor<5xf32>) -> tensor<5xf32>
    %s = linalg.generic {indexing_maps = [#rows, #row], iterator_types = ["parallel", "reduction"]}
        ins(%x : tensor<5x7xf32>) outs(%f : tensor<5xf32>) {
      ^bb0(%a: f32, %c: f32):
        %t = arith.addf %c, %a : f32
        linalg.yield %t : f32
    } -> tensor<5xf32>
    %o = tensor.empty() : tensor<5x7xf32>
    %d = linalg.generic {indexing_maps = [#rows, #row, #rows], iterator_types = ["parallel", "parallel"]}
        ins(%x, %s : tensor<5x7xf32>, tensor<5xf32>) outs(%o : tensor<5x7xf32>) {
      ^bb0(%a: f32, %b: f32, %c: f32):
        %p = arith.divf %a, %b : f32
        linalg.yield %p : f32
    } -> tensor<5x7xf32>
    return %d : tensor<5x7xf32>
  }
}

// -----

// What is computed from sums alone is a statistic, too, here for two kernels;
// and few weights stay as they are.

// CHECK-LABEL: func.func @nncc_run
// CHECK-COUNT-4: exec.dispatch
// CHECK-NOT:   webgpu.half
#columns = affine_map<(i, j) -> (j, i)>
#first = affine_map<(i, j) -> (i)>
#last = affine_map<(i, j) -> (j)>
#all = affine_map<(i, j) -> (i, j)>
module attributes {nncc.inputs = [{name = "x", type = tensor<5x7xf32>}]} {
  func.func @main(%x: tensor<5x7xf32>) -> (tensor<7x7xf32>, tensor<7xf32>) {
    %z = arith.constant 0.0 : f32
    %w = arith.constant dense<[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]> : tensor<7xf32>
    %e = tensor.empty() : tensor<7xf32>
    %f = linalg.fill ins(%z : f32) outs(%e : tensor<7xf32>) -> tensor<7xf32>
    %s = linalg.generic {indexing_maps = [#columns, #first], iterator_types = ["parallel", "reduction"]}
        ins(%x : tensor<5x7xf32>) outs(%f : tensor<7xf32>) {
      ^bb0(%a: f32, %c: f32):
        %t = arith.addf %c, %a : f32
        linalg.yield %t : f32
    } -> tensor<7xf32>
    %u = tensor.empty() : tensor<7x7xf32>
    %d = linalg.generic {indexing_maps = [#first, #last, #all], iterator_types = ["parallel", "parallel"]}
        ins(%s, %s : tensor<7xf32>, tensor<7xf32>) outs(%u : tensor<7x7xf32>) {
      ^bb0(%a: f32, %b: f32, %y: f32):
        %p = arith.subf %a, %b : f32
        linalg.yield %p : f32
    } -> tensor<7x7xf32>
    %v = linalg.generic {indexing_maps = [#all, #last, #all], iterator_types = ["parallel", "parallel"]}
        ins(%d, %w : tensor<7x7xf32>, tensor<7xf32>) outs(%u : tensor<7x7xf32>) {
      ^bb0(%a: f32, %b: f32, %y: f32):
        %p = arith.mulf %a, %b : f32
        linalg.yield %p : f32
    } -> tensor<7x7xf32>
    %m = linalg.generic {indexing_maps = [#columns, #first], iterator_types = ["parallel", "reduction"]}
        ins(%d : tensor<7x7xf32>) outs(%f : tensor<7xf32>) {
      ^bb0(%a: f32, %c: f32):
        %t = arith.maximumf %c, %a : f32
        linalg.yield %t : f32
    } -> tensor<7xf32>
    return %v, %m : tensor<7x7xf32>, tensor<7xf32>
  }
}

// -----

// Scores of a softmax: an error in one is an error of the exponential.

// CHECK-LABEL: func.func @nncc_run
// CHECK:       func.func private @kernel(%{{.*}}: memref<75xf32> {webgpu.space = "input"},
// CHECK-SAME:    memref<105xf32> {webgpu.half, webgpu.space = "weight"},
// CHECK-SAME:    memref<35xf32> {webgpu.space = "arena"},
#x = affine_map<(i, j, k) -> (i, k)>
#w = affine_map<(i, j, k) -> (k, j)>
#y = affine_map<(i, j, k) -> (i, j)>
#rows = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
module attributes {nncc.inputs = [{name = "x", type = tensor<5x15xf32>}]} {
  func.func @main(%x: tensor<5x15xf32>) -> tensor<5x7xf32> {
    %z = arith.constant 0.0 : f32
    %low = arith.constant -3.40282347E+38 : f32
    %w = arith.constant dense<0.5> : tensor<15x7xf32>
    %o = tensor.empty() : tensor<5x7xf32>
    %g = linalg.fill ins(%z : f32) outs(%o : tensor<5x7xf32>) -> tensor<5x7xf32>
    %p = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%x, %w : tensor<5x15xf32>, tensor<15x7xf32>) outs(%g : tensor<5x7xf32>) {
      ^bb0(%a: f32, %b: f32, %c: f32):
        %m = arith.mulf %a, %b : f32
        %s = arith.addf %c, %m : f32
        linalg.yield %s : f32
    } -> tensor<5x7xf32>
    %e = tensor.empty() : tensor<5xf32>
    %f = linalg.fill ins(%low : f32) outs(%e : tensor<5xf32>) -> tensor<5xf32>
    %h = linalg.generic {indexing_maps = [#rows, #row], iterator_types = ["parallel", "reduction"]}
        ins(%p : tensor<5x7xf32>) outs(%f : tensor<5xf32>) {
      ^bb0(%a: f32, %c: f32):
        %t = arith.maximumf %c, %a : f32
        linalg.yield %t : f32
    } -> tensor<5xf32>
    %d = linalg.generic {indexing_maps = [#rows, #row, #rows], iterator_types = ["parallel", "parallel"]}
        ins(%p, %h : tensor<5x7xf32>, tensor<5xf32>) outs(%o : tensor<5x7xf32>) {
      ^bb0(%a: f32, %b: f32, %c: f32):
        %q = arith.subf %a, %b : f32
        %r = math.exp %q : f32
        linalg.yield %r : f32
    } -> tensor<5x7xf32>
    return %d : tensor<5x7xf32>
  }
}

// -----

// A mask of numbers that f16 has not, and what it is added to; what a kernel
// rounds and the next one reads, and all that this is computed from.

// CHECK-LABEL: func.func @nncc_run
// CHECK-COUNT-4: exec.dispatch
// CHECK-NOT:   webgpu.half
#id = affine_map<(i) -> (i)>
module attributes {nncc.inputs = [{name = "x", type = tensor<512xf32>}, {name = "m", type = tensor<512xf32>}]} {
  func.func @main(%x: tensor<512xf32>, %m: tensor<512xf32>) -> (tensor<512xf32>, tensor<512xf32>) {
    %low = arith.constant -3.40282347E+38 : f32
    %w = arith.constant dense<2.5> : tensor<512xf32>
    %e = tensor.empty() : tensor<512xf32>
    %p = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
        ins(%m : tensor<512xf32>) outs(%e : tensor<512xf32>) {
      ^bb0(%a: f32, %c: f32):
        %t = arith.mulf %a, %low : f32
        linalg.yield %t : f32
    } -> tensor<512xf32>
    %q = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel"]}
        ins(%p, %x : tensor<512xf32>, tensor<512xf32>) outs(%e : tensor<512xf32>) {
      ^bb0(%a: f32, %b: f32, %c: f32):
        %t = arith.addf %a, %b : f32
        linalg.yield %t : f32
    } -> tensor<512xf32>
    %r = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel"]}
        ins(%x, %w : tensor<512xf32>, tensor<512xf32>) outs(%e : tensor<512xf32>) {
      ^bb0(%a: f32, %b: f32, %c: f32):
        %s = arith.mulf %a, %b : f32
        %t = math.roundeven %s : f32
        linalg.yield %t : f32
    } -> tensor<512xf32>
    %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
        ins(%r : tensor<512xf32>) outs(%e : tensor<512xf32>) {
      ^bb0(%a: f32, %c: f32):
        %t = math.absf %a : f32
        linalg.yield %t : f32
    } -> tensor<512xf32>
    return %q, %y : tensor<512xf32>, tensor<512xf32>
  }
}
