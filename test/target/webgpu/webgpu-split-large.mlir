// RUN: nncc-opt %s --webgpu-split-large=max-bytes=4096 --cse -split-input-file | FileCheck %s

// What follows reads the parts where they were made: rows 0 to 7 and 8 to 15 of
// a tensor of 8 KB, which is put together for the result alone.

// CHECK-LABEL: func.func @chain
// CHECK-SAME:    %[[X:.*]]: tensor<16x4xf32>, %[[W:.*]]: tensor<4x128xf32>
// CHECK:         %[[X0:.*]] = tensor.extract_slice %[[X]][0, 0] [8, 4] [1, 1]
// CHECK:         %[[F0:.*]] = linalg.fill
// CHECK:         %[[P0:.*]] = linalg.generic {{.*}} ins(%[[X0]], %[[W]] : tensor<8x4xf32>, tensor<4x128xf32>) outs(%[[F0]] : tensor<8x128xf32>)
// CHECK:         %[[R0:.*]] = linalg.generic {{.*}} ins(%[[P0]] : tensor<8x128xf32>)
// CHECK:         %[[X1:.*]] = tensor.extract_slice %[[X]][8, 0] [8, 4] [1, 1]
// CHECK:         %[[P1:.*]] = linalg.generic {{.*}} ins(%[[X1]], %[[W]]
// CHECK:         %[[R1:.*]] = linalg.generic {{.*}} ins(%[[P1]] : tensor<8x128xf32>)
// CHECK-NOT:     tensor.insert_slice %[[P0]]
// CHECK:         %[[ONE:.*]] = tensor.insert_slice %[[R0]] into %{{.*}}[0, 0] [8, 128] [1, 1]
// CHECK:         %[[ALL:.*]] = tensor.insert_slice %[[R1]] into %[[ONE]][8, 0] [8, 128] [1, 1]
// CHECK:         return %[[ALL]]
#x = affine_map<(i, j, k) -> (i, k)>
#w = affine_map<(i, j, k) -> (k, j)>
#y = affine_map<(i, j, k) -> (i, j)>
#id = affine_map<(i, j) -> (i, j)>
func.func @chain(%x: tensor<16x4xf32>, %w: tensor<4x128xf32>) -> tensor<16x128xf32> {
  %z = arith.constant 0.0 : f32
  %d = tensor.empty() : tensor<16x128xf32>
  %g = linalg.fill ins(%z : f32) outs(%d : tensor<16x128xf32>) -> tensor<16x128xf32>
  %p = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<16x4xf32>, tensor<4x128xf32>) outs(%g : tensor<16x128xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %m = arith.mulf %a, %b : f32
      %s = arith.addf %c, %m : f32
      linalg.yield %s : f32
  } -> tensor<16x128xf32>
  %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%p : tensor<16x128xf32>) outs(%d : tensor<16x128xf32>) {
    ^bb0(%a: f32, %c: f32):
      %m = arith.maximumf %a, %z : f32
      linalg.yield %m : f32
  } -> tensor<16x128xf32>
  return %r : tensor<16x128xf32>
}

// -----

// Parts of a convolution read rows that overlap: 9 rows of 512 bytes are too
// many, so that 6 rows of the result are computed from 8. Who asks for the
// row is told that of the whole.

// CHECK-LABEL: func.func @window
// CHECK:         tensor.extract_slice %{{.*}}[0, 0] [8, 128] [1, 1]
// CHECK:         linalg.index 0
// CHECK:         tensor.extract_slice %{{.*}}[6, 0] [8, 128] [1, 1]
// CHECK:         %[[ROW:.*]] = linalg.index 0
// CHECK:         arith.addi %[[ROW]], %c6
// CHECK:         tensor.extract_slice %{{.*}}[12, 0] [4, 128] [1, 1]
// CHECK:         tensor.insert_slice %{{.*}} into %{{.*}}[12] [2] [1]
#in = affine_map<(i, k, l) -> (i + k, l)>
#taps = affine_map<(i, k, l) -> (k, l)>
#out = affine_map<(i, k, l) -> (i)>
func.func @window(%x: tensor<16x128xf32>, %w: tensor<3x128xf32>) -> tensor<14xf32> {
  %z = arith.constant 0.0 : f32
  %d = tensor.empty() : tensor<14xf32>
  %g = linalg.fill ins(%z : f32) outs(%d : tensor<14xf32>) -> tensor<14xf32>
  %p = linalg.generic {indexing_maps = [#in, #taps, #out], iterator_types = ["parallel", "reduction", "reduction"]}
      ins(%x, %w : tensor<16x128xf32>, tensor<3x128xf32>) outs(%g : tensor<14xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %i = linalg.index 0 : index
      %j = arith.index_cast %i : index to i32
      %n = arith.sitofp %j : i32 to f32
      %m = arith.mulf %a, %n : f32
      %s = arith.addf %c, %m : f32
      linalg.yield %s : f32
  } -> tensor<14xf32>
  return %p : tensor<14xf32>
}

// -----

// The sum over all is no loop of parallel steps: it stays, and what is small.

// CHECK-LABEL: func.func @stays
// CHECK-NOT:     tensor.extract_slice
// CHECK:         return
#all = affine_map<(i) -> (i)>
#none = affine_map<(i) -> ()>
func.func @stays(%x: tensor<2048xf32>, %y: tensor<1024xf32>) -> (tensor<f32>, tensor<1024xf32>) {
  %z = arith.constant 0.0 : f32
  %d = tensor.empty() : tensor<f32>
  %g = linalg.fill ins(%z : f32) outs(%d : tensor<f32>) -> tensor<f32>
  %p = linalg.generic {indexing_maps = [#all, #none], iterator_types = ["reduction"]}
      ins(%x : tensor<2048xf32>) outs(%g : tensor<f32>) {
    ^bb0(%a: f32, %c: f32):
      %s = arith.addf %c, %a : f32
      linalg.yield %s : f32
  } -> tensor<f32>
  %e = tensor.empty() : tensor<1024xf32>
  %q = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel"]}
      ins(%y : tensor<1024xf32>) outs(%e : tensor<1024xf32>) {
    ^bb0(%a: f32, %c: f32):
      %s = arith.addf %a, %a : f32
      linalg.yield %s : f32
  } -> tensor<1024xf32>
  return %p, %q : tensor<f32>, tensor<1024xf32>
}
