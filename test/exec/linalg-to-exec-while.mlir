// RUN: nncc-opt %s --linalg-to-exec | FileCheck %s

// Tensors are carried in buffers, numbers as they are.

// CHECK-LABEL: func.func @nncc_run(
// CHECK:         %[[STATE:.*]] = exec.alloc #{{.*}} : memref<?xi8>
// CHECK:         exec.dispatch
// CHECK:         scf.while (%{{.*}} = %{{.*}}) : (index) -> index
// CHECK:           memref.load
// CHECK:           scf.condition
// CHECK:         do
// CHECK:           exec.dispatch @double
// CHECK:           exec.dispatch @{{.*}} grid {{.*}}
// CHECK:           scf.yield
#id = affine_map<(i) -> (i)>
func.func @main(%x: tensor<4xf32>, %c: tensor<i1>) -> tensor<4xf32> {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %most = arith.constant 5 : index
  %r:3 = scf.while (%i = %zero, %go = %c, %s = %x) : (index, tensor<i1>, tensor<4xf32>) -> (index, tensor<i1>, tensor<4xf32>) {
    %holds = tensor.extract %go[] : tensor<i1>
    %inside = arith.cmpi slt, %i, %most : index
    %both = arith.andi %holds, %inside : i1
    scf.condition(%both) %i, %go, %s : index, tensor<i1>, tensor<4xf32>
  } do {
  ^bb0(%i: index, %go: tensor<i1>, %s: tensor<4xf32>):
    %e = tensor.empty() : tensor<4xf32>
    %next = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
        ins(%s : tensor<4xf32>) outs(%e : tensor<4xf32>) {
      ^bb0(%a: f32, %o: f32):
        %d = arith.addf %a, %a : f32
        linalg.yield %d : f32
    } -> tensor<4xf32> loc("double")
    %j = arith.addi %i, %one : index
    scf.yield %j, %go, %next : index, tensor<i1>, tensor<4xf32>
  }
  return %r#2 : tensor<4xf32>
}
