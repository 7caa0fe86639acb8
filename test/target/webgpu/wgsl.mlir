// REQUIRES: dawn
// RUN: nncc-opt %s --linalg-to-exec | nncc-translate --wgsl - | tee %t.wgsl | FileCheck %s
// RUN: %validate-wgsl %t.wgsl

// One statement a value; a reduction is a loop that is known to end, numbers
// are exact, sizes come from a uniform behind the buffers.

// CHECK:      // k_kernel, workgroups s0 ceildiv 64
// CHECK:      @group(0) @binding(0) var<storage, read_write> b0: array<f32>;
// CHECK-NEXT: @group(0) @binding(1) var<storage, read_write> b1: array<f32>;
// CHECK-NEXT: @group(0) @binding(2) var<uniform> symbols: array<vec4<u32>, 1>;
// CHECK-NEXT: @compute @workgroup_size(64)
// CHECK:      let s0 = i32(symbols[0][0]);
// CHECK:      if (v{{[0-9]+}}) {
// CHECK:        var [[SUM:v[0-9]+]] = 0f;
// CHECK:        for (var [[I:v[0-9]+]] = 0; [[I]] < 7; [[I]]++) {
// CHECK:          let [[X:v[0-9]+]] = b0[
// CHECK:          exp([[X]])
// CHECK:          [[SUM]] = v
// CHECK:        b1[{{.*}}] = [[SUM]];
module attributes {nncc.inputs = [{name = "x", type = tensor<?x7xf32, affine_map<()[s0] -> (s0, 7)>>}], nncc.symbols = ["n"]} {
  func.func @main(%n: index {nn.symbol = "n"}, %x: tensor<?x7xf32>) -> tensor<?xf32> {
    %z = arith.constant 0.0 : f32
    %e = tensor.empty(%n) : tensor<?xf32>
    %f = linalg.fill ins(%z : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
    %r = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>],
                         iterator_types = ["parallel", "reduction"]}
        ins(%x : tensor<?x7xf32>) outs(%f : tensor<?xf32>) {
      ^bb0(%a: f32, %c: f32):
        %p = math.exp %a : f32
        %s = arith.addf %c, %p : f32
        linalg.yield %s : f32
    } -> tensor<?xf32>
    return %r : tensor<?xf32>
  }
}
