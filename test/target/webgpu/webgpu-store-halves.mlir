// RUN: nncc-opt %s --linalg-to-exec --webgpu-bind-buffers --exec-merge-rows="max-buffers=8 as-loop=false" --webgpu-store-halves --exec-plan-memory="alignment=256" --webgpu-compile-kernels -split-input-file -o %t
// RUN: FileCheck %s < %t

// Weights and what a product gives to the next kernel are halves; input and
// output are not. A kernel moves fewer bytes: of 12, 24 and 18 elements, 132.

// CHECK:       affine_map<() -> (132)>
// CHECK-LABEL: func.func @nncc_run
// CHECK:         %[[BYTES:.*]] = arith.constant 36 : index
// CHECK:         memref.view %arg0[%{{.*}}][%[[BYTES]]]
// CHECK:         exec.dispatch @kernel grid
// CHECK:         exec.dispatch @"kernel#2" grid
// CHECK:       func.func private @kernel(%{{.*}}: memref<12xf32> {webgpu.space = "input"},
// CHECK-SAME:    memref<24xf32> {webgpu.half, webgpu.space = "weight"},
// CHECK-SAME:    memref<18xf32> {webgpu.half, webgpu.space = "arena"},
// CHECK-SAME:    features = ["shader-f16"]
// CHECK-SAME:    features = []
// CHECK:       func.func private @"kernel#2"(%{{.*}}: memref<18xf32> {webgpu.half, webgpu.space = "arena"},
// CHECK-SAME:    memref<18xf32> {webgpu.space = "arena"},
#x = affine_map<(i, j, k) -> (i, k)>
#w = affine_map<(i, j, k) -> (k, j)>
#y = affine_map<(i, j, k) -> (i, j)>
module attributes {nncc.inputs = [{name = "x", type = tensor<3x4xf32>}]} {
  func.func @main(%x: tensor<3x4xf32>) -> tensor<3x6xf32> {
    %w = arith.constant dense<0.5> : tensor<4x6xf32>
    %z = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<3x6xf32>
    %f = linalg.fill ins(%z : f32) outs(%e : tensor<3x6xf32>) -> tensor<3x6xf32>
    %p = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%x, %w : tensor<3x4xf32>, tensor<4x6xf32>) outs(%f : tensor<3x6xf32>) {
      ^bb0(%a: f32, %b: f32, %c: f32):
        %m = arith.mulf %a, %b : f32
        %s = arith.addf %c, %m : f32
        linalg.yield %s : f32
    } -> tensor<3x6xf32>
    %v = arith.constant dense<0.25> : tensor<6x6xf32>
    %q = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%p, %v : tensor<3x6xf32>, tensor<6x6xf32>) outs(%f : tensor<3x6xf32>) {
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
module attributes {nncc.inputs = [{name = "x", type = tensor<8xf32>}]} {
  func.func @main(%x: tensor<8xf32>) -> tensor<8xf32> {
    %w = arith.constant dense<[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 1.0e5]> : tensor<8xf32>
    %v = arith.constant dense<[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]> : tensor<8xf32>
    %e = tensor.empty() : tensor<8xf32>
    %p = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel"]}
        ins(%x, %v : tensor<8xf32>, tensor<8xf32>) outs(%e : tensor<8xf32>) {
      ^bb0(%a: f32, %b: f32, %c: f32):
        %m = arith.mulf %a, %b : f32
        linalg.yield %m : f32
    } -> tensor<8xf32>
    %q = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel"]}
        ins(%p, %w : tensor<8xf32>, tensor<8xf32>) outs(%e : tensor<8xf32>) {
      ^bb0(%a: f32, %b: f32, %c: f32):
        %t = math.sin %a : f32
        %m = arith.mulf %t, %b : f32
        linalg.yield %m : f32
    } -> tensor<8xf32>
    return %q : tensor<8xf32>
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
