// REQUIRES: dawn
// RUN: nncc-opt %s --linalg-to-exec | nncc-translate --wgsl - > %t.all
// RUN: FileCheck %s < %t.all
// RUN: awk -v RS='' '/enable subgroups/' %t.all > %t.wgsl
// RUN: %validate-wgsl %t.wgsl

// A shared sum comes in two texts. In the first, each subgroup combines, and
// the first lane of each writes what it has; of four lanes at least, so that a
// workgroup of 64 has at most 16 of them.

// CHECK:      // k_kernel, workgroups 5, needs subgroups, subgroup_id
// CHECK-NEXT: enable subgroups;
// CHECK-NEXT: requires subgroup_id;
// CHECK:      var<workgroup> w0: array<f32, 16>;
// CHECK:      @builtin(subgroup_id) subgroup: u32,
// CHECK:      [[SUM:v[0-9]+]] = subgroupAdd(
// CHECK:      [[LANE:v[0-9]+]] = i32(lane);
// CHECK:      [[FIRST:v[0-9]+]] = [[LANE]] < 1;
// CHECK:      if ([[FIRST]]) {
// CHECK:        [[PLACE:v[0-9]+]] = i32(subgroup);
// CHECK:        w0[[[PLACE]]] = [[SUM]];
// CHECK:      workgroupBarrier();
// CHECK:      [[COUNT:v[0-9]+]] = i32(subgroups);
// CHECK:      for (var [[I:v[0-9]+]] = 1; [[I]] < [[COUNT]]; [[I]]++) {

// CHECK:      // k_kernel, workgroups 5
// CHECK-NOT:  subgroup
// CHECK:      var<workgroup> w0: array<f32, 64>;
func.func @main(%x: tensor<5x100xf32>) -> tensor<5xf32> {
  %z = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<5xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<5xf32>) -> tensor<5xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(m, k) -> (m, k)>, affine_map<(m, k) -> (m)>],
                       iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<5x100xf32>) outs(%f : tensor<5xf32>) {
    ^bb0(%a: f32, %c: f32):
      %q = arith.addf %c, %a : f32
      linalg.yield %q : f32
  } -> tensor<5xf32>
  return %r : tensor<5xf32>
}
