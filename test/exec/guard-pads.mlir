// RUN: nncc-opt %s -split-input-file --linalg-to-exec | FileCheck %s --check-prefix=BORDER
// RUN: nncc-opt %s -split-input-file --linalg-to-exec=guard-pads | FileCheck %s --check-prefix=GUARD

// A border is four slabs, or a test where the tensor is copied.

// BORDER-COUNT-5: exec.dispatch
// BORDER-NOT:     exec.dispatch
// GUARD-COUNT-1:  exec.dispatch
// GUARD-NOT:      exec.dispatch
// GUARD:          func.func private
// GUARD:            %[[IN:.*]] = memref.reinterpret_cast %{{.*}} to offset: [0], sizes: [4, 5], strides: [5, 1]
// GUARD:            exec.padded_view %[[IN]] low [1, 1] high [1, 2] 0.000000e+00 : f32
func.func @main(%x: tensor<4x5xf32>) -> tensor<6x8xf32> {
  %z = arith.constant 0.0 : f32
  %y = tensor.pad %x low[1, 1] high[1, 2] {
  ^bb0(%i: index, %j: index):
    tensor.yield %z : f32
  } : tensor<4x5xf32> to tensor<6x8xf32>
  return %y : tensor<6x8xf32>
}

// -----

// A convolution reads the tensor itself.

// BORDER-COUNT-4: exec.dispatch
// GUARD-COUNT-1:  exec.dispatch
// GUARD-NOT:      exec.dispatch
// GUARD:          func.func private
// GUARD:            %[[PADDED:.*]] = exec.padded_view %{{.*}} low [1] high [1] 0.000000e+00 : f32
// GUARD:            linalg.generic {{.*}} ins(%[[PADDED]],
func.func @main(%x: tensor<9xf32>, %w: tensor<3xf32>) -> tensor<9xf32> {
  %z = arith.constant 0.0 : f32
  %p = tensor.pad %x low[1] high[1] {
  ^bb0(%i: index):
    tensor.yield %z : f32
  } : tensor<9xf32> to tensor<11xf32>
  %e = tensor.empty() : tensor<9xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<9xf32>) -> tensor<9xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(i, k) -> (i + k)>, affine_map<(i, k) -> (k)>, affine_map<(i, k) -> (i)>],
                       iterator_types = ["parallel", "reduction"]}
      ins(%p, %w : tensor<11xf32>, tensor<3xf32>) outs(%f : tensor<9xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %m = arith.mulf %a, %b : f32
      %s = arith.addf %c, %m : f32
      linalg.yield %s : f32
  } -> tensor<9xf32>
  return %y : tensor<9xf32>
}

// -----

// Slices of what is padded are padded in part: every second element from the
// border on, and a column behind it. A window of a pooling is such slices.

// BORDER-COUNT-4: exec.dispatch
// GUARD-COUNT-1:  exec.dispatch
// GUARD-NOT:      exec.dispatch
// GUARD:          func.func private
// GUARD:            %[[A:.*]] = memref.reinterpret_cast %{{.*}} to offset: [0], sizes: [2, 4], strides: [7, 2]
// GUARD:            exec.padded_view %[[A]] low [0, 1] high [0, 1] 0.000000e+00 : f32
// GUARD:            %[[B:.*]] = memref.reinterpret_cast %{{.*}} to offset: [0], sizes: [2, 6], strides: [7, 1]
// GUARD-NOT:        exec.padded_view %[[B]]
// GUARD:            return
func.func @main(%x: tensor<2x7xf32>) -> tensor<2x6xf32> {
  %z = arith.constant 0.0 : f32
  %p = tensor.pad %x low[0, 2] high[0, 3] {
  ^bb0(%i: index, %j: index):
    tensor.yield %z : f32
  } : tensor<2x7xf32> to tensor<2x12xf32>
  %a = tensor.extract_slice %p[0, 0] [2, 6] [1, 2] : tensor<2x12xf32> to tensor<2x6xf32>
  %b = tensor.extract_slice %p[0, 2] [2, 6] [1, 1] : tensor<2x12xf32> to tensor<2x6xf32>
  %e = tensor.empty() : tensor<2x6xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
                       iterator_types = ["parallel", "parallel"]}
      ins(%a, %b : tensor<2x6xf32>, tensor<2x6xf32>) outs(%e : tensor<2x6xf32>) {
    ^bb0(%s: f32, %t: f32, %o: f32):
      %m = arith.maximumf %s, %t : f32
      linalg.yield %m : f32
  } -> tensor<2x6xf32>
  return %y : tensor<2x6xf32>
}
