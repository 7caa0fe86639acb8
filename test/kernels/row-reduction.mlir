// RUN: nncc-opt %s --linalg-to-exec --exec-generate-kernels --cse | FileCheck %s

// A sum along the contiguous dimension: four accumulators of four lanes, lanes
// past the end masked, and the lanes added up at the end.

// CHECK-LABEL: func.func private @kernel(
// CHECK:         %{{.*}}:4 = scf.for {{.*}} iter_args
// CHECK-COUNT-4:   vector.load
// CHECK:         scf.for {{.*}} iter_args
// CHECK:         scf.if
// CHECK:           arith.select {{.*}} : vector<4xi1>, vector<4xf32>
// CHECK:         vector.extract
// CHECK:         memref.store
func.func @main(%x: tensor<5x37xf32>) -> tensor<5xf32> {
  %z = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<5xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<5xf32>) -> tensor<5xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(m, k) -> (m, k)>, affine_map<(m, k) -> (m)>],
                       iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<5x37xf32>) outs(%f : tensor<5xf32>) {
    ^bb0(%a: f32, %c: f32):
      %q = arith.addf %c, %a : f32
      linalg.yield %q : f32
  } -> tensor<5xf32>
  return %r : tensor<5xf32>
}
