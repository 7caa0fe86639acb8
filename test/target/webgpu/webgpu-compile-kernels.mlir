// RUN: nncc-opt %s --linalg-to-exec --webgpu-bind-buffers --webgpu-compile-kernels | FileCheck %s

// A kernel keeps its body and gets its text and the size of its grid.

// CHECK-DAG:  #[[GROUPS:.*]] = affine_map<()[s0] -> (s0 ceildiv 64)>
// CHECK:      func.func private @kernel
// CHECK-SAME:   webgpu.num_symbols = 1 : i64
// CHECK-SAME:   webgpu.variants = [{code = "{{.*}}fn k_kernel(
// CHECK-SAME:   features = [], name = "k_kernel"}]
// CHECK-SAME:   webgpu.workgroups = #[[GROUPS]]
// CHECK:        linalg.generic
#id = affine_map<(i) -> (i)>
module attributes {nncc.inputs = [{name = "x", type = tensor<?xf32, affine_map<()[s0] -> (s0)>>}], nncc.symbols = ["n"]} {
  func.func @main(%n: index {nn.symbol = "n"}, %x: tensor<?xf32>) -> tensor<?xf32> {
    %e = tensor.empty(%n) : tensor<?xf32>
    %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
        ins(%x : tensor<?xf32>) outs(%e : tensor<?xf32>) {
      ^bb0(%p: f32, %c: f32):
        %s = arith.negf %p : f32
        linalg.yield %s : f32
    } -> tensor<?xf32>
    return %r : tensor<?xf32>
  }
}
