// RUN: nncc-opt %s --linalg-winograd | FileCheck %s

// Images of open sizes are walked in blocks of 8 x 16 pixels, the last of which
// overlap those before them. Smaller images are one block, filled up with zeros.

// CHECK-LABEL: func.func @main
// CHECK-SAME:    %[[H:.+]]: index, %[[W:.+]]: index
// At least a block high and wide.
// CHECK:         cmpi uge, %[[H]], %c8
// CHECK:         cmpi uge, %[[W]], %c16
// CHECK:         %[[WHOLE:.+]] = scf.for {{.*}}
// CHECK:           tensor.extract_slice {{.*}} [1, 10, 18, 64] [1, 1, 1, 1]
// CHECK-NOT:       tensor.pad
// CHECK:           linalg.generic {{.*}} ins({{.*}} : tensor<16x1x4x8x64xf32>, tensor<16x64x64xf32>)
// The tensor that the epilogue adds is read where the block lies.
// CHECK:           tensor.extract_slice {{.*}} [1, 8, 16, 64] [1, 1, 1, 1]
// CHECK:           arith.addf
// CHECK:           tensor.insert_slice {{.*}} [1, 8, 16, 64] [1, 1, 1, 1]
// Narrower than a block.
// CHECK:         cmpi ult, %[[W]], %c16
// CHECK:         %[[NARROW:.+]] = scf.for {{.*}} iter_args({{.*}} = %[[WHOLE]])
// CHECK:           tensor.pad
// CHECK:           tensor<1x10x?x64xf32> to tensor<1x10x18x64xf32>
// Lower.
// CHECK:         cmpi ult, %[[H]], %c8
// CHECK:         %[[LOW:.+]] = scf.for {{.*}} iter_args({{.*}} = %[[NARROW]])
// CHECK:           tensor<1x?x18x64xf32> to tensor<1x10x18x64xf32>
// Both.
// CHECK:         %[[ALL:.+]] = scf.for {{.*}} iter_args({{.*}} = %[[LOW]])
// CHECK:           tensor<1x?x?x64xf32> to tensor<1x10x18x64xf32>
// CHECK:           tensor<1x?x?x64xf32> to tensor<1x8x16x64xf32>
// CHECK:         return %[[ALL]]
func.func @main(%h: index, %w: index, %x: tensor<1x?x?x64xf32>, %b: tensor<1x?x?x64xf32>) -> tensor<1x?x?x64xf32> {
  %v = arith.constant dense<1.0> : tensor<3x3x64x64xf32>
  %z = arith.constant 0.0 : f32
  %e = tensor.empty(%h, %w) : tensor<1x?x?x64xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<1x?x?x64xf32>) -> tensor<1x?x?x64xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(n, h, w, o, i, j, c) -> (n, h + i, w + j, c)>, affine_map<(n, h, w, o, i, j, c) -> (i, j, c, o)>, affine_map<(n, h, w, o, i, j, c) -> (n, h, w, o)>],
                       iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%x, %v : tensor<1x?x?x64xf32>, tensor<3x3x64x64xf32>) outs(%f : tensor<1x?x?x64xf32>) {
    ^bb0(%i: f32, %j: f32, %c: f32):
      %p = arith.mulf %i, %j : f32
      %q = arith.addf %c, %p : f32
      linalg.yield %q : f32
  } -> tensor<1x?x?x64xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(n, h, w, o) -> (n, h, w, o)>, affine_map<(n, h, w, o) -> (n, h, w, o)>, affine_map<(n, h, w, o) -> (n, h, w, o)>],
                       iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%r, %b : tensor<1x?x?x64xf32>, tensor<1x?x?x64xf32>) outs(%e : tensor<1x?x?x64xf32>) {
    ^bb0(%i: f32, %j: f32, %c: f32):
      %p = arith.addf %i, %j : f32
      linalg.yield %p : f32
  } -> tensor<1x?x?x64xf32>
  return %y : tensor<1x?x?x64xf32>
}
