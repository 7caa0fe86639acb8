enable subgroups;
@group(0) @binding(0) var<storage, read_write> sums: array<f32, 64>;
@compute @workgroup_size(64) fn sum(@builtin(local_invocation_index) i: u32) {
  sums[i] = subgroupAdd(f32(i));
}
