// RUN: nncc-opt %s -split-input-file --webgpu-fold-transposes | FileCheck %s

// A product reads the operand as it was before it was transposed.

// CHECK:       #[[MAP:.*]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK-LABEL: @main(%arg0: tensor<8x16xf32>, %arg1: tensor<12x16xf32>
// CHECK-COUNT-1: linalg.generic {indexing_maps = [#{{.*}}, #[[MAP]], #{{.*}}]{{.*}} ins(%arg0, %arg1 :
// CHECK-NOT:     linalg.generic
#id = affine_map<(i, j) -> (i, j)>
#swap = affine_map<(i, j) -> (j, i)>
func.func @main(%x: tensor<8x16xf32>, %y: tensor<12x16xf32>) -> tensor<8x12xf32> {
  %z = arith.constant 0.0 : f32
  %t = tensor.empty() : tensor<16x12xf32>
  %yt = linalg.generic {indexing_maps = [#swap, #id], iterator_types = ["parallel", "parallel"]}
      ins(%y : tensor<12x16xf32>) outs(%t : tensor<16x12xf32>) {
    ^bb0(%a: f32, %b: f32):
      linalg.yield %a : f32
  } -> tensor<16x12xf32>
  %e = tensor.empty() : tensor<8x12xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<8x12xf32>) -> tensor<8x12xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %yt : tensor<8x16xf32>, tensor<16x12xf32>) outs(%f : tensor<8x12xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %p = arith.mulf %a, %b : f32
      %q = arith.addf %c, %p : f32
      linalg.yield %q : f32
  } -> tensor<8x12xf32>
  return %r : tensor<8x12xf32>
}

// -----

// A padded one, of three channels; with eight, vectors of channels are worth
// the copy.

// CHECK-LABEL: @main
// CHECK:         %[[PADDED:.*]] = tensor.pad %arg0 low[0, 1] high[0, 2]
// CHECK:         linalg.generic {{.*}} ins(%[[PADDED]], %{{.*}} : tensor<3x12xf32>, tensor<3xf32>)
// CHECK:         linalg.generic {{.*}} ins(%arg1 : tensor<8x9xf32>)
// CHECK:         tensor.pad %{{.*}} low[1, 0] high[2, 0]
#id = affine_map<(i, j) -> (i, j)>
#swap = affine_map<(i, j) -> (j, i)>
#window = affine_map<(i, c, k) -> (i + k, c)>
#result = affine_map<(i, c, k) -> (i, c)>
#sizes = affine_map<(i, c, k) -> (k)>
func.func @main(%x: tensor<3x9xf32>, %y: tensor<8x9xf32>) -> (tensor<10x3xf32>, tensor<10x8xf32>) {
  %z = arith.constant 0.0 : f32
  %w = tensor.empty() : tensor<3xf32>
  %t = tensor.empty() : tensor<9x3xf32>
  %xt = linalg.generic {indexing_maps = [#swap, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<3x9xf32>) outs(%t : tensor<9x3xf32>) {
    ^bb0(%a: f32, %b: f32):
      linalg.yield %a : f32
  } -> tensor<9x3xf32>
  %xp = tensor.pad %xt low[1, 0] high[2, 0] {
  ^bb0(%i: index, %j: index):
    tensor.yield %z : f32
  } : tensor<9x3xf32> to tensor<12x3xf32>
  %e = tensor.empty() : tensor<10x3xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<10x3xf32>) -> tensor<10x3xf32>
  %r = linalg.generic {indexing_maps = [#window, #sizes, #result], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%xp, %w : tensor<12x3xf32>, tensor<3xf32>) outs(%f : tensor<10x3xf32>) {
    ^bb0(%a: f32, %s: f32, %c: f32):
      %q = arith.maximumf %c, %a : f32
      linalg.yield %q : f32
  } -> tensor<10x3xf32>
  %t8 = tensor.empty() : tensor<9x8xf32>
  %yt = linalg.generic {indexing_maps = [#swap, #id], iterator_types = ["parallel", "parallel"]}
      ins(%y : tensor<8x9xf32>) outs(%t8 : tensor<9x8xf32>) {
    ^bb0(%a: f32, %b: f32):
      linalg.yield %a : f32
  } -> tensor<9x8xf32>
  %yp = tensor.pad %yt low[1, 0] high[2, 0] {
  ^bb0(%i: index, %j: index):
    tensor.yield %z : f32
  } : tensor<9x8xf32> to tensor<12x8xf32>
  %e8 = tensor.empty() : tensor<10x8xf32>
  %f8 = linalg.fill ins(%z : f32) outs(%e8 : tensor<10x8xf32>) -> tensor<10x8xf32>
  %r8 = linalg.generic {indexing_maps = [#window, #sizes, #result], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%yp, %w : tensor<12x8xf32>, tensor<3xf32>) outs(%f8 : tensor<10x8xf32>) {
    ^bb0(%a: f32, %s: f32, %c: f32):
      %q = arith.maximumf %c, %a : f32
      linalg.yield %q : f32
  } -> tensor<10x8xf32>
  return %r, %r8 : tensor<10x3xf32>, tensor<10x8xf32>
}
