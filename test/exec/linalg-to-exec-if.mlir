// RUN: nncc-opt %s --linalg-to-exec | FileCheck %s

// A branch writes where its result lies, which may be a part of another tensor.
// What is there already is copied.

// CHECK-LABEL: func.func @nncc_run(
// CHECK:         scf.if
// CHECK:           exec.dispatch @double
// CHECK-NOT:       exec.dispatch
// CHECK:         } else {
// CHECK:           exec.dispatch @kernel grid
// CHECK-NOT:       exec.dispatch
// CHECK:         }
// CHECK:         exec.dispatch @tail
// CHECK-NOT:     exec.dispatch
// CHECK:         return
#id = affine_map<(i) -> (i)>
func.func @main(%x: tensor<4xf32>, %c: tensor<i1>) -> tensor<8xf32> {
  %go = tensor.extract %c[] : tensor<i1>
  %e = tensor.empty() : tensor<4xf32>
  %r = scf.if %go -> tensor<4xf32> {
    %d = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
        ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) {
      ^bb0(%a: f32, %o: f32):
        %t = arith.addf %a, %a : f32
        linalg.yield %t : f32
    } -> tensor<4xf32> loc("double")
    scf.yield %d : tensor<4xf32>
  } else {
    scf.yield %x : tensor<4xf32>
  }
  %all = tensor.empty() : tensor<8xf32>
  %front = tensor.insert_slice %r into %all[0] [4] [1] : tensor<4xf32> into tensor<8xf32>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) {
    ^bb0(%a: f32, %o: f32):
      %t = arith.negf %a : f32
      linalg.yield %t : f32
  } -> tensor<4xf32> loc("tail")
  %both = tensor.insert_slice %y into %front[4] [4] [1] : tensor<4xf32> into tensor<8xf32>
  return %both : tensor<8xf32>
}
