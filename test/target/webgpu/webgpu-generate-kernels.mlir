// RUN: nncc-opt %s --linalg-to-exec --webgpu-generate-kernels --canonicalize --cse | FileCheck %s

// A thread computes one element; threads beyond the result do nothing. Its
// reduction is a loop, the elements in between are read where they lie.

// CHECK-LABEL: func.func private @kernel(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: memref<?xf32>, %[[N:[a-z0-9]+]]: index {exec.symbol = 0 : i64}, %[[Y:[a-z0-9]+]]: memref<?xf32>
// CHECK-SAME:    webgpu.workgroup_size = 64 : i64
// CHECK-SAME:    webgpu.workgroups = #[[GROUPS:[a-z0-9]+]]
// CHECK:         %[[THREAD:.*]] = gpu.thread_id x
// CHECK:         %[[INSIDE:.*]] = arith.cmpi slt, %[[I:.*]], %[[N]]
// CHECK:         scf.if %[[INSIDE]]
// CHECK:           %[[SUM:.*]] = scf.for %{{.*}} = %c0 to %c7 step %c1 iter_args
// CHECK:             memref.load %[[X]]
// CHECK:             arith.addf
// CHECK:           memref.store %[[SUM]], %[[Y]][%[[I]]]
module attributes {nncc.inputs = [{name = "x", type = tensor<?x7xf32, affine_map<()[s0] -> (s0, 7)>>}], nncc.symbols = ["n"]} {
  func.func @main(%n: index {nn.symbol = "n"}, %x: tensor<?x7xf32>) -> tensor<?xf32> {
    %z = arith.constant 0.0 : f32
    %e = tensor.empty(%n) : tensor<?xf32>
    %f = linalg.fill ins(%z : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
    %r = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>],
                         iterator_types = ["parallel", "reduction"]}
        ins(%x : tensor<?x7xf32>) outs(%f : tensor<?xf32>) {
      ^bb0(%a: f32, %c: f32):
        %s = arith.addf %c, %a : f32
        linalg.yield %s : f32
    } -> tensor<?xf32>
    return %r : tensor<?xf32>
  }
}
