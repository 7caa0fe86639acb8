// RUN: nncc-opt %s --linalg-narrow-weights=least-bytes=8 --canonicalize | FileCheck %s

// Pairs (1, -2) and (127, -128) fit into bytes.
// CHECK-LABEL: func.func @small
// CHECK:         %[[W:.*]] = arith.constant dense_resource<{{.*}}> : tensor<2xi16>
// CHECK:         linalg.generic {{.*}} ins(%arg0, %[[W]] : tensor<2xi32>, tensor<2xi16>)
// CHECK:         ^bb0(%[[A:.*]]: i32, %[[B:.*]]: i16, %{{.*}}: i32):
// CHECK:           %[[P:.*]] = exec.widen %[[B]] : i16 to i32
// CHECK:           exec.dot %[[A]], %[[P]]
func.func @small(%x: tensor<2xi32>) -> tensor<2xi32> {
  %w = arith.constant dense<[0xfffe0001, 0xff80007f]> : tensor<2xi32>
  %o = tensor.empty() : tensor<2xi32>
  %r = linalg.generic {indexing_maps = [affine_map<(n) -> (n)>, affine_map<(n) -> (n)>, affine_map<(n) -> (n)>], iterator_types = ["parallel"]}
      ins(%x, %w : tensor<2xi32>, tensor<2xi32>) outs(%o : tensor<2xi32>) {
    ^bb0(%i: i32, %j: i32, %c: i32):
      %d = exec.dot %i, %j : i32
      linalg.yield %d : i32
  } -> tensor<2xi32>
  return %r : tensor<2xi32>
}

// 128 does not.
// CHECK-LABEL: func.func @large
// CHECK-NOT:     exec.widen
func.func @large(%x: tensor<2xi32>) -> tensor<2xi32> {
  %w = arith.constant dense<[0xfffe0001, 0xff800080]> : tensor<2xi32>
  %o = tensor.empty() : tensor<2xi32>
  %r = linalg.generic {indexing_maps = [affine_map<(n) -> (n)>, affine_map<(n) -> (n)>, affine_map<(n) -> (n)>], iterator_types = ["parallel"]}
      ins(%x, %w : tensor<2xi32>, tensor<2xi32>) outs(%o : tensor<2xi32>) {
    ^bb0(%i: i32, %j: i32, %c: i32):
      %d = exec.dot %i, %j : i32
      linalg.yield %d : i32
  } -> tensor<2xi32>
  return %r : tensor<2xi32>
}

// Those of dot products of bytes become narrow whatever their size.
// CHECK-LABEL: func.func @bytes
// CHECK:         exec.widen
// CHECK-LABEL: func.func @few
// CHECK-NOT:     exec.widen
func.func @bytes(%x: tensor<1xi32>) -> tensor<1xi32> {
  %w = arith.constant dense<[0xfffe0001]> : tensor<1xi32>
  %o = tensor.empty() : tensor<1xi32>
  %r = linalg.generic {indexing_maps = [affine_map<(n) -> (n)>, affine_map<(n) -> (n)>, affine_map<(n) -> (n)>], iterator_types = ["parallel"]}
      ins(%x, %w : tensor<1xi32>, tensor<1xi32>) outs(%o : tensor<1xi32>) {
    ^bb0(%i: i32, %j: i32, %c: i32):
      %d = exec.dot %i, %j {bytes} : i32
      linalg.yield %d : i32
  } -> tensor<1xi32>
  return %r : tensor<1xi32>
}

func.func @few(%x: tensor<1xi32>) -> tensor<1xi32> {
  %w = arith.constant dense<[0xfffe0001]> : tensor<1xi32>
  %o = tensor.empty() : tensor<1xi32>
  %r = linalg.generic {indexing_maps = [affine_map<(n) -> (n)>, affine_map<(n) -> (n)>, affine_map<(n) -> (n)>], iterator_types = ["parallel"]}
      ins(%x, %w : tensor<1xi32>, tensor<1xi32>) outs(%o : tensor<1xi32>) {
    ^bb0(%i: i32, %j: i32, %c: i32):
      %d = exec.dot %i, %j : i32
      linalg.yield %d : i32
  } -> tensor<1xi32>
  return %r : tensor<1xi32>
}
