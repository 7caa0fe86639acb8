// RUN: nncc-opt %s --linalg-to-exec --exec-generate-kernels --cse | FileCheck %s

// Whole tiles of 16 columns: 2 rows of 4 vectors in registers; a row that is left
// over comes by itself.

// CHECK-LABEL: func.func private @kernel(
// CHECK-SAME:    %[[A:.*]]: memref<?xf32>, %[[ROWS:.*]]: index {exec.symbol = 0 : i64}, %[[B:.*]]: memref<?xf32>, %[[C:.*]]: memref<?xf32>
// CHECK:         scf.for
// CHECK:           %{{.*}}:8 = scf.for {{.*}} iter_args
// CHECK-COUNT-4:     vector.load %[[B]]
// CHECK:           vector.store {{.*}}, %[[C]]
// CHECK:           %{{.*}}:4 = scf.for {{.*}} iter_args
// CHECK-NOT:     memref.store
module attributes {nncc.inputs = [{name = "x", type = tensor<?x48xf32, affine_map<()[s0] -> (s0, 48)>>}]} {
  func.func @main(%s0: index {nn.symbol = "rows"}, %x: tensor<?x48xf32>, %w: tensor<48x16xf32>) -> tensor<?x16xf32> {
    %z = arith.constant 0.0 : f32
    %e = tensor.empty(%s0) : tensor<?x16xf32>
    %f = linalg.fill ins(%z : f32) outs(%e : tensor<?x16xf32>) -> tensor<?x16xf32>
    %r = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>],
                         iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%x, %w : tensor<?x48xf32>, tensor<48x16xf32>) outs(%f : tensor<?x16xf32>) {
      ^bb0(%a: f32, %b: f32, %c: f32):
        %p = arith.mulf %a, %b : f32
        %q = arith.addf %c, %p : f32
        linalg.yield %q : f32
    } -> tensor<?x16xf32>
    return %r : tensor<?x16xf32>
  }
}
