// RUN: nncc-opt %s --webgpu-to-spirv | FileCheck %s

// Elements lie in structs of runtime arrays; the symbol is a word of the
// uniform, which has rows of four.

// CHECK-LABEL: spirv.module @__spv__k_sum Logical GLSL450
// CHECK:         spirv.func @k_sum(
// CHECK-SAME:      !spirv.ptr<!spirv.struct<(!spirv.rtarray<f32, stride=4> [0])>, StorageBuffer>
// CHECK-SAME:      !spirv.ptr<!spirv.struct<(!spirv.array<1 x vector<4xi32>, stride=16> [0])>, Uniform>
// CHECK-SAME:      #spirv.entry_point_abi<workgroup_size = [64, 1, 1]>
// CHECK:         spirv.mlir.loop
// CHECK:         spirv.FAdd
// CHECK:         spirv.ControlBarrier <Workgroup>, <Workgroup>, <AcquireRelease|UniformMemory|WorkgroupMemory>
func.func private @sum(%x: memref<?xf32>, %n: index {exec.symbol = 1 : i64}) attributes {exec.kernel = {}, webgpu.workgroup_size = 64 : i64, webgpu.workgroups = affine_map<()[s0, s1] -> (s1)>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %z = arith.constant 0.0 : f32
  %s = scf.for %i = %c0 to %n step %c1 iter_args(%a = %z) -> (f32) {
    %v = memref.load %x[%i] : memref<?xf32>
    %t = arith.addf %a, %v : f32
    scf.yield %t : f32
  }
  gpu.barrier
  memref.store %s, %x[%c0] : memref<?xf32>
  return
}
