// RUN: nncc-opt %s --nn-to-linalg --split-input-file | FileCheck %s

// 8 weights a word, masked in 4 shifts; a product of two parts of the other side.
// CHECK-LABEL: func.func @main
// CHECK:         tensor.pad {{.*}} high[3, 0, 0]
// CHECK:         linalg.generic {{.*}} outs(%{{.*}} : tensor<1x2x1x2x8xi32>)
// CHECK:         linalg.generic {{.*}} outs(%{{.*}} : tensor<2x2xf32>)
// CHECK:           math.absf
// CHECK:         linalg.generic {{.*}} outs(%{{.*}} : tensor<2x2x2x2x4xi32>)
// CHECK:         linalg.generic {{.*}} outs(%{{.*}} : tensor<2x5xf32>)
// CHECK-COUNT-16:  exec.dot
// CHECK-NOT:       exec.dot
func.func @main(%x: tensor<2x32xf32>, %w: tensor<5x2x8xui8>, %s: tensor<5x2xf32>) -> tensor<2x5xf32> {
  %z = nn.constant dense<8.0> : tensor<f32>
  %y = nn.block_matmul %x, %w, %s, %z {bits = 4 : i64} : (tensor<2x32xf32>, tensor<5x2x8xui8>, tensor<5x2xf32>, tensor<f32>) -> tensor<2x5xf32>
  return %y : tensor<2x5xf32>
}

// -----

// One part of 8 or 16 bits; a zero point for each block.
// CHECK-LABEL: func.func @main
// CHECK:         linalg.generic {{.*}} outs(%{{.*}} : tensor<2x5xf32>)
// CHECK-COUNT-16:  exec.dot
// CHECK-NOT:       exec.dot
func.func @main(%x: tensor<2x30xf32>, %w: tensor<5x1x32xui8>, %s: tensor<5x1xf32>, %z: tensor<5x1xf32>) -> tensor<2x5xf32> {
  %y = nn.block_matmul %x, %w, %s, %z {bits = 8 : i64, lhs_bits = 16 : i64} : (tensor<2x30xf32>, tensor<5x1x32xui8>, tensor<5x1xf32>, tensor<5x1xf32>) -> tensor<2x5xf32>
  return %y : tensor<2x5xf32>
}

// -----

// Many rows: the weights as floats; few are unpacked at once.
// CHECK-LABEL: func.func @main
// CHECK-NOT:     scf.for
// CHECK:         linalg.generic {{.*}} outs(%{{.*}} : tensor<2x2x1x4x8x8xf32>)
// CHECK:           arith.shrui
// CHECK:         linalg.generic {{.*}} ins(%arg0, %{{.*}} : tensor<16x64xf32>, tensor<2x64x8xf32>)
// CHECK-NOT:     tensor.insert_slice
// CHECK-NOT:     exec.dot
func.func @main(%x: tensor<16x64xf32>, %w: tensor<16x2x16xui8>, %s: tensor<16x2xf32>) -> tensor<16x16xf32> {
  %z = nn.constant dense<8.0> : tensor<f32>
  %y = nn.block_matmul %x, %w, %s, %z {bits = 4 : i64} : (tensor<16x64xf32>, tensor<16x2x16xui8>, tensor<16x2xf32>, tensor<f32>) -> tensor<16x16xf32>
  return %y : tensor<16x16xf32>
}

// -----

// More of them than a cache holds: panel by panel.
// CHECK-LABEL: func.func @main
// CHECK:         scf.for
// CHECK:           tensor.extract_slice
// CHECK:           linalg.generic {{.*}} outs(%{{.*}} : tensor<4x256x1x4x8x8xf32>)
// CHECK:           linalg.generic {{.*}} ins(%arg0, %{{.*}} : tensor<16x8192xf32>, tensor<4x8192x8xf32>)
// CHECK:           tensor.insert_slice
// CHECK-NOT:     exec.dot
func.func @main(%x: tensor<16x8192xf32>, %w: tensor<64x256x16xui8>, %s: tensor<64x256xf32>) -> tensor<16x64xf32> {
  %z = nn.constant dense<8.0> : tensor<f32>
  %y = nn.block_matmul %x, %w, %s, %z {bits = 4 : i64} : (tensor<16x8192xf32>, tensor<64x256x16xui8>, tensor<64x256xf32>, tensor<f32>) -> tensor<16x64xf32>
  return %y : tensor<16x64xf32>
}

// -----

// An open number of rows decides when the network runs.
// CHECK-LABEL: func.func @main
// CHECK:         arith.cmpi uge
// CHECK:         scf.if
// CHECK:           linalg.generic {{.*}} outs(%{{.*}} : tensor<2x2x1x4x8x8xf32>)
// CHECK-NOT:       exec.dot
// CHECK:         } else {
// CHECK:           exec.dot
func.func @main(%x: tensor<?x64xf32, affine_map<()[s0] -> (s0, 64)>>, %w: tensor<16x2x16xui8>, %s: tensor<16x2xf32>) -> tensor<?x16xf32, affine_map<()[s0] -> (s0, 16)>> attributes {nn.symbols = ["n"]} {
  %z = nn.constant dense<8.0> : tensor<f32>
  %y = nn.block_matmul %x, %w, %s, %z {bits = 4 : i64} : (tensor<?x64xf32, affine_map<()[s0] -> (s0, 64)>>, tensor<16x2x16xui8>, tensor<16x2xf32>, tensor<f32>) -> tensor<?x16xf32, affine_map<()[s0] -> (s0, 16)>>
  return %y : tensor<?x16xf32, affine_map<()[s0] -> (s0, 16)>>
}
