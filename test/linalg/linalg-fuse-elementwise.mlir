// RUN: nncc-opt %s --linalg-fuse-elementwise --split-input-file | FileCheck %s

#id = affine_map<(m) -> (m)>

// CHECK-LABEL: func.func @chain
// CHECK:         linalg.generic
// CHECK:           arith.negf
// CHECK:           math.exp
// CHECK-NOT:     linalg.generic
func.func @chain(%x: tensor<8xf32>) -> tensor<8xf32> {
  %e = tensor.empty() : tensor<8xf32>
  %a = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<8xf32>) outs(%e : tensor<8xf32>) {
    ^bb0(%i: f32, %o: f32):
      %n = arith.negf %i : f32
      linalg.yield %n : f32
  } -> tensor<8xf32>
  %b = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%a : tensor<8xf32>) outs(%e : tensor<8xf32>) {
    ^bb0(%i: f32, %o: f32):
      %n = math.exp %i : f32
      linalg.yield %n : f32
  } -> tensor<8xf32>
  return %b : tensor<8xf32>
}

// -----

// A contraction reads its input many times: the exponential stays outside.

// CHECK-LABEL: func.func @contraction
// CHECK-COUNT-2: linalg.generic
func.func @contraction(%x: tensor<8x4xf32>, %w: tensor<4x8xf32>) -> tensor<8x8xf32> {
  %z = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<8x4xf32>
  %o = tensor.empty() : tensor<8x8xf32>
  %a = linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m, n)>], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>) {
    ^bb0(%i: f32, %out: f32):
      %n = math.exp %i : f32
      linalg.yield %n : f32
  } -> tensor<8x4xf32>
  %f = linalg.fill ins(%z : f32) outs(%o : tensor<8x8xf32>) -> tensor<8x8xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%a, %w : tensor<8x4xf32>, tensor<4x8xf32>) outs(%f : tensor<8x8xf32>) {
    ^bb0(%i: f32, %j: f32, %c: f32):
      %p = arith.mulf %i, %j : f32
      %q = arith.addf %c, %p : f32
      linalg.yield %q : f32
  } -> tensor<8x8xf32>
  return %r : tensor<8x8xf32>
}

// -----

// What a reduction makes is read through a reshape: of groups, and the bias with
// them, or without dimensions of one element.

// CHECK-LABEL: func.func @joined
// CHECK-SAME:    %[[X:.*]]: tensor<?x4x6x8xf32>, %[[B:.*]]: tensor<24xf32>
// CHECK:         %[[SUM:.*]] = linalg.generic
// CHECK-NOT:     collapse_shape %[[SUM]]
// CHECK:         %[[G:.*]] = tensor.expand_shape %[[B]]
// CHECK:         linalg.generic
// CHECK-SAME:      ins(%[[SUM]], %[[G]] :
// CHECK:         tensor.collapse_shape
func.func @joined(%x: tensor<?x4x6x8xf32>, %b: tensor<24xf32>, %n: index) -> tensor<?x24xf32> {
  %z = arith.constant 0.0 : f32
  %e = tensor.empty(%n) : tensor<?x4x6xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<?x4x6xf32>) -> tensor<?x4x6xf32>
  %s = linalg.generic {indexing_maps = [affine_map<(n, g, c, k) -> (n, g, c, k)>, affine_map<(n, g, c, k) -> (n, g, c)>],
                       iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x : tensor<?x4x6x8xf32>) outs(%f : tensor<?x4x6xf32>) {
    ^bb0(%i: f32, %o: f32):
      %a = arith.addf %i, %o : f32
      linalg.yield %a : f32
  } -> tensor<?x4x6xf32>
  %c = tensor.collapse_shape %s [[0], [1, 2]] : tensor<?x4x6xf32> into tensor<?x24xf32>
  %o = tensor.empty(%n) : tensor<?x24xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(n, c) -> (n, c)>, affine_map<(n, c) -> (c)>, affine_map<(n, c) -> (n, c)>],
                       iterator_types = ["parallel", "parallel"]}
      ins(%c, %b : tensor<?x24xf32>, tensor<24xf32>) outs(%o : tensor<?x24xf32>) {
    ^bb0(%i: f32, %j: f32, %out: f32):
      %a = arith.addf %i, %j : f32
      linalg.yield %a : f32
  } -> tensor<?x24xf32>
  return %r : tensor<?x24xf32>
}

// CHECK-LABEL: func.func @split
// CHECK:         %[[SUM:.*]] = linalg.generic
// CHECK-NOT:     expand_shape %[[SUM]]
// CHECK:         linalg.generic
// CHECK-SAME:      ins(%[[SUM]] : tensor<?x24xf32>)
// CHECK:           math.exp
// CHECK:         tensor.expand_shape
func.func @split(%x: tensor<?x24x8xf32>, %n: index) -> tensor<?x1x1x24xf32> {
  %z = arith.constant 0.0 : f32
  %e = tensor.empty(%n) : tensor<?x24xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<?x24xf32>) -> tensor<?x24xf32>
  %s = linalg.generic {indexing_maps = [affine_map<(n, c, k) -> (n, c, k)>, affine_map<(n, c, k) -> (n, c)>],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x : tensor<?x24x8xf32>) outs(%f : tensor<?x24xf32>) {
    ^bb0(%i: f32, %o: f32):
      %a = arith.addf %i, %o : f32
      linalg.yield %a : f32
  } -> tensor<?x24xf32>
  %c = tensor.expand_shape %s [[0, 1, 2], [3]] output_shape [%n, 1, 1, 24] : tensor<?x24xf32> into tensor<?x1x1x24xf32>
  %o = tensor.empty(%n) : tensor<?x1x1x24xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(n, h, w, c) -> (n, h, w, c)>, affine_map<(n, h, w, c) -> (n, h, w, c)>],
                       iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%c : tensor<?x1x1x24xf32>) outs(%o : tensor<?x1x1x24xf32>) {
    ^bb0(%i: f32, %out: f32):
      %a = math.exp %i : f32
      linalg.yield %a : f32
  } -> tensor<?x1x1x24xf32>
  return %r : tensor<?x1x1x24xf32>
}

// Two open sizes become three others: which of them are equal is not known.
// CHECK-LABEL: func.func @other_sizes
// CHECK:         tensor.collapse_shape %{{.*}} {{\[\[}}0, 1]]
// CHECK:         tensor.expand_shape %{{.*}} {{\[\[}}0, 1, 2]]
func.func @other_sizes(%x: tensor<?x?xf32>, %a: index, %b: index, %c: index) -> tensor<?x?x?xf32> {
  %flat = tensor.collapse_shape %x [[0, 1]] : tensor<?x?xf32> into tensor<?xf32>
  %r = tensor.expand_shape %flat [[0, 1, 2]] output_shape [%a, %b, %c] : tensor<?xf32> into tensor<?x?x?xf32>
  return %r : tensor<?x?x?xf32>
}

// One open size is the same on both sides.
// CHECK-LABEL: func.func @same_sizes
// CHECK-NOT:     tensor.collapse_shape
// CHECK:         tensor.expand_shape %{{.*}} {{\[\[}}0], [1, 2]]
func.func @same_sizes(%x: tensor<?x6xf32>, %a: index) -> tensor<?x2x3xf32> {
  %flat = tensor.collapse_shape %x [[0, 1]] : tensor<?x6xf32> into tensor<?xf32>
  %r = tensor.expand_shape %flat [[0, 1, 2]] output_shape [%a, 2, 3] : tensor<?xf32> into tensor<?x2x3xf32>
  return %r : tensor<?x2x3xf32>
}

// What one reader gets joined, and what it gets as it is: it reads one of them
// directly, and the other one through a reshape.
// CHECK-LABEL: func.func @joined_and_not
// CHECK:         %[[JOINED:.*]] = linalg.generic
// CHECK:         %[[PLAIN:.*]] = linalg.generic
// CHECK:         %[[SPLIT:.*]] = tensor.expand_shape %[[PLAIN]]
// CHECK:         linalg.generic
// CHECK-SAME:      ins(%[[JOINED]], %[[SPLIT]] :
// CHECK:           %[[K:.*]] = linalg.index 2
// CHECK-NEXT:      %[[I:.*]] = linalg.index 1
// CHECK-NEXT:      affine.apply {{.*}}(%[[K]], %[[I]])
// CHECK-NOT:       affine.apply
// CHECK:         tensor.collapse_shape
func.func @joined_and_not(%x: tensor<4x3x3x8xf32>, %y: tensor<4x9x8xf32>) -> tensor<4x9xf32> {
  %z = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4x3x3xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<4x3x3xf32>) -> tensor<4x3x3xf32>
  %s = linalg.generic {indexing_maps = [affine_map<(n, g, c, k) -> (n, g, c, k)>, affine_map<(n, g, c, k) -> (n, g, c)>],
                       iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x : tensor<4x3x3x8xf32>) outs(%f : tensor<4x3x3xf32>) {
    ^bb0(%i: f32, %o: f32):
      %a = arith.addf %i, %o : f32
      linalg.yield %a : f32
  } -> tensor<4x3x3xf32>
  %c = tensor.collapse_shape %s [[0], [1, 2]] : tensor<4x3x3xf32> into tensor<4x9xf32>
  %o = tensor.empty() : tensor<4x9xf32>
  %g = linalg.fill ins(%z : f32) outs(%o : tensor<4x9xf32>) -> tensor<4x9xf32>
  %t = linalg.generic {indexing_maps = [affine_map<(n, c, k) -> (n, c, k)>, affine_map<(n, c, k) -> (n, c)>],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%y : tensor<4x9x8xf32>) outs(%g : tensor<4x9xf32>) {
    ^bb0(%i: f32, %out: f32):
      %a = arith.addf %i, %out : f32
      linalg.yield %a : f32
  } -> tensor<4x9xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(n, c) -> (n, c)>, affine_map<(n, c) -> (n, c)>, affine_map<(n, c) -> (n, c)>],
                       iterator_types = ["parallel", "parallel"]}
      ins(%c, %t : tensor<4x9xf32>, tensor<4x9xf32>) outs(%o : tensor<4x9xf32>) {
    ^bb0(%i: f32, %j: f32, %out: f32):
      %n = linalg.index 1 : index
      %m = arith.index_cast %n : index to i32
      %w = arith.sitofp %m : i32 to f32
      %a = arith.mulf %j, %w : f32
      %b = arith.addf %i, %a : f32
      linalg.yield %b : f32
  } -> tensor<4x9xf32>
  return %r : tensor<4x9xf32>
}
