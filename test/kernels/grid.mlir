// RUN: nncc-opt %s --linalg-to-exec --exec-generate-kernels --canonicalize --cse | FileCheck %s

// The grid of a pooling kernel runs over images, rows and tiles of columns, since
// there may be few of each: a range of it begins and ends inside of images and
// rows. No rows are one step, to divide by.

// CHECK-DAG:     #[[GRID:.*]] = affine_map<()[s0, s1] -> ((s0 * s1) * 5)>
// CHECK:         exec.dispatch @kernel grid #[[GRID]](
// CHECK-LABEL: func.func private @kernel(
// CHECK-SAME:    {{.*}}, %[[BEGIN:[a-z0-9]+]]: index, %[[END:[a-z0-9]+]]: index) attributes
// CHECK-DAG:     %[[ONE:.*]] = arith.constant 1 : index
// CHECK-DAG:     %[[TILES:.*]] = arith.constant 5 : index
// CHECK:         %[[STEPS:.*]] = arith.maxui %{{.*}}, %[[ONE]]
// CHECK:         %[[FROM:.*]] = arith.divui %[[BEGIN]], %[[STEPS]]
// CHECK:         scf.for %[[IMAGE:.*]] = %[[FROM]] to
// CHECK:           %[[FIRST:.*]] = arith.muli %[[IMAGE]], %[[STEPS]]
// CHECK:           arith.maxui %[[BEGIN]], %[[FIRST]]
// CHECK:           arith.minui %[[END]]
// CHECK:           scf.for
// CHECK:             arith.divui %{{.*}}, %[[TILES]]
// CHECK:             scf.for
// CHECK:               scf.for
module attributes {nncc.inputs = [{name = "x", type = tensor<?x?x9x16xf32, affine_map<()[s0, s1] -> (s0, s1 + 2, 9, 16)>>}]} {
  func.func @main(%s0: index {nn.symbol = "batch"}, %s1: index {nn.symbol = "h"}, %x: tensor<?x?x9x16xf32>) -> tensor<?x?x7x16xf32> {
    %z = arith.constant 0.0 : f32
    %e = tensor.empty(%s0, %s1) : tensor<?x?x7x16xf32>
    %f = linalg.fill ins(%z : f32) outs(%e : tensor<?x?x7x16xf32>) -> tensor<?x?x7x16xf32>
    %window = tensor.empty() : tensor<3x3xf32>
    %r = linalg.generic {indexing_maps = [affine_map<(n, h, w, c, i, j) -> (n, h + i, w + j, c)>, affine_map<(n, h, w, c, i, j) -> (i, j)>, affine_map<(n, h, w, c, i, j) -> (n, h, w, c)>],
                         iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction"]}
        ins(%x, %window : tensor<?x?x9x16xf32>, tensor<3x3xf32>) outs(%f : tensor<?x?x7x16xf32>) {
      ^bb0(%a: f32, %unused: f32, %c: f32):
        %q = arith.addf %c, %a : f32
        linalg.yield %q : f32
    } -> tensor<?x?x7x16xf32>
    return %r : tensor<?x?x7x16xf32>
  }
}
