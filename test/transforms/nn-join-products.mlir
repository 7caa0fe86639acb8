// RUN: nncc-opt %s --nn-join-products --split-input-file | FileCheck %s

// Queries, keys and values; weights that stand behind the first product come
// before it.

// CHECK-LABEL: func.func @attention
// CHECK-SAME:    %[[X:[^:]+]]:
// CHECK:         %[[W:.+]] = nn.concat %{{.+}}, %{{.+}}, %{{.+}} {axis = 1 : i64} : {{.*}} -> tensor<8x24xf32>
// CHECK:         %[[P:.+]] = nn.matmul %[[X]], %[[W]]
// CHECK:         %[[B:.+]] = nn.concat {{.*}} {axis = 0 : i64} : {{.*}} -> tensor<24xf32>
// CHECK:         %[[A:.+]] = nn.add %[[P]], %[[B]]
// CHECK:         %[[Q:.+]] = nn.slice %[[A]]
// CHECK:         %[[K:.+]] = nn.slice %[[A]]
// CHECK:         %[[V:.+]] = nn.slice %[[A]]
// CHECK-NOT:     nn.add
// CHECK:         %[[T:.+]] = nn.transpose %[[K]]
// CHECK:         %[[S:.+]] = nn.matmul %[[Q]], %[[T]]
// CHECK:         nn.matmul %[[S]], %[[V]]
func.func @attention(%x: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %u = nn.constant dense<1.0> : tensor<8x8xf32>
  %a = nn.constant dense<[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]> : tensor<8xf32>
  %p = nn.matmul %x, %u : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
  %q = nn.add %p, %a : (tensor<2x4x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  %v = nn.constant dense<2.0> : tensor<8x8xf32>
  %b = nn.constant dense<3.0> : tensor<1x1x8xf32>
  %r = nn.matmul %x, %v : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
  %k = nn.add %r, %b : (tensor<2x4x8xf32>, tensor<1x1x8xf32>) -> tensor<2x4x8xf32>
  %t = nn.transpose %k {perm = array<i64: 0, 2, 1>} : (tensor<2x4x8xf32>) -> tensor<2x8x4xf32>
  %s = nn.matmul %q, %t : (tensor<2x4x8xf32>, tensor<2x8x4xf32>) -> tensor<2x4x4xf32>
  %w = nn.constant dense<4.0> : tensor<8x8xf32>
  %m = nn.matmul %x, %w : (tensor<2x4x8xf32>, tensor<8x8xf32>) -> tensor<2x4x8xf32>
  %n = nn.add %m, %a : (tensor<2x4x8xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  %y = nn.matmul %s, %n : (tensor<2x4x4xf32>, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %y : tensor<2x4x8xf32>
}

// -----

// Not what elementwise ops read, outputs, or results of many times the operand.

// CHECK-LABEL: func.func @apart
// CHECK-NOT:     nn.concat
// CHECK-NOT:     nn.slice
// CHECK:         return
func.func @apart(%x: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>, tensor<32x4xf32>, tensor<32x4xf32>) {
  %u = nn.constant dense<1.0> : tensor<8x8xf32>
  %v = nn.constant dense<2.0> : tensor<8x8xf32>
  %p = nn.matmul %x, %u : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  %q = nn.sigmoid %p : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %r = nn.matmul %x, %v : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  %w = nn.constant dense<1.0> : tensor<8x32xf32>
  %z = nn.constant dense<2.0> : tensor<8x32xf32>
  %s = nn.matmul %x, %w : (tensor<4x8xf32>, tensor<8x32xf32>) -> tensor<4x32xf32>
  %t = nn.matmul %x, %z : (tensor<4x8xf32>, tensor<8x32xf32>) -> tensor<4x32xf32>
  %a = nn.transpose %s {perm = array<i64: 1, 0>} : (tensor<4x32xf32>) -> tensor<32x4xf32>
  %b = nn.transpose %t {perm = array<i64: 1, 0>} : (tensor<4x32xf32>) -> tensor<32x4xf32>
  return %q, %r, %a, %b : tensor<4x8xf32>, tensor<4x8xf32>, tensor<32x4xf32>, tensor<32x4xf32>
}
