// RUN: rm -rf %t && mkdir %t
// RUN: nncc-opt %s --linalg-to-exec --exec-merge-rows="max-buffers=8 as-loop=false" | nncc-translate --spirv - -o %t
// RUN: spirv-val --target-env vulkan1.1 %t/k_kernel_rows.spv
// RUN: spirv-dis %t/k_kernel_rows.spv | FileCheck %s

// The bindings are those of the WGSL: buffers, then the symbols as a uniform.

// CHECK:     OpEntryPoint GLCompute %{{.*}} "k_kernel_rows"
// CHECK:     OpExecutionMode %{{.*}} LocalSize 64 1 1
// CHECK-DAG: OpDecorate %{{.*}} Binding 0
// CHECK-DAG: OpDecorate %{{.*}} Binding 1
// CHECK-DAG: OpDecorate %{{.*}} Binding 2
// CHECK-DAG: OpDecorate %{{.*}} Binding 3
// CHECK-DAG: OpVariable %{{.*}} StorageBuffer
// CHECK-DAG: OpVariable %{{.*}} Uniform
// CHECK-DAG: OpVariable %{{.*}} Workgroup
// CHECK:     OpControlBarrier
#rows = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
module attributes {nncc.inputs = [{name = "x", type = tensor<?x7xf32, affine_map<()[s0] -> (s0, 7)>>}], nncc.symbols = ["n"]} {
  func.func @main(%n: index {nn.symbol = "n"}, %x: tensor<?x7xf32>) -> tensor<?x7xf32> {
    %z = arith.constant 0.0 : f32
    %e = tensor.empty(%n) : tensor<?xf32>
    %f = linalg.fill ins(%z : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
    %s = linalg.generic {indexing_maps = [#rows, #row], iterator_types = ["parallel", "reduction"]}
        ins(%x : tensor<?x7xf32>) outs(%f : tensor<?xf32>) {
      ^bb0(%a: f32, %c: f32):
        %t = arith.addf %c, %a : f32
        linalg.yield %t : f32
    } -> tensor<?xf32>
    %o = tensor.empty(%n) : tensor<?x7xf32>
    %d = linalg.generic {indexing_maps = [#rows, #row, #rows], iterator_types = ["parallel", "parallel"]}
        ins(%x, %s : tensor<?x7xf32>, tensor<?xf32>) outs(%o : tensor<?x7xf32>) {
      ^bb0(%a: f32, %b: f32, %c: f32):
        %p = arith.divf %a, %b : f32
        linalg.yield %p : f32
    } -> tensor<?x7xf32>
    return %d : tensor<?x7xf32>
  }
}
