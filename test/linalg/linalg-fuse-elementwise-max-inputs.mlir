// RUN: nncc-opt %s --linalg-fuse-elementwise=max-inputs=2 | FileCheck %s
// RUN: nncc-opt %s --linalg-fuse-elementwise=max-inputs=3 | FileCheck %s --check-prefix=JOINED

// What a body extracts from is an input, too: %table, %x and %y would be three.

// CHECK-COUNT-2:  linalg.generic
// JOINED-COUNT-1: linalg.generic
// JOINED-NOT:     linalg.generic
#id = affine_map<(m) -> (m)>
func.func @main(%x: tensor<8xi64>, %y: tensor<8xf32>, %table: tensor<9xf32>) -> tensor<8xf32> {
  %e = tensor.empty() : tensor<8xf32>
  %a = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<8xi64>) outs(%e : tensor<8xf32>) {
    ^bb0(%i: i64, %o: f32):
      %at = arith.index_cast %i : i64 to index
      %v = tensor.extract %table[%at] : tensor<9xf32>
      linalg.yield %v : f32
  } -> tensor<8xf32>
  %b = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel"]}
      ins(%a, %y : tensor<8xf32>, tensor<8xf32>) outs(%e : tensor<8xf32>) {
    ^bb0(%p: f32, %q: f32, %o: f32):
      %s = arith.addf %p, %q : f32
      linalg.yield %s : f32
  } -> tensor<8xf32>
  return %b : tensor<8xf32>
}
