// RUN: nncc-opt %s --split-input-file --linalg-shard-constants="max-elements=32 max-inputs=3" | FileCheck %s
// RUN: nncc-opt %s --split-input-file --linalg-shard-constants="max-elements=32 max-inputs=2" | FileCheck %s --check-prefix=FEW
// RUN: nncc-opt %s --split-input-file --linalg-shard-constants | FileCheck %s --check-prefix=ANY

// Rows are looked up in each shard, at an index within it. A kernel that would
// read too many buffers reads the whole.

// CHECK-LABEL: func @gather
// CHECK-DAG:     %[[A:.+]] = arith.constant dense_resource<{{.+}}> : tensor<8x4xf32>
// CHECK-DAG:     %[[B:.+]] = arith.constant dense_resource<{{.+}}> : tensor<7x4xf32>
// CHECK:         %[[ROW:.+]] = arith.index_cast
// CHECK-DAG:     %[[LAST:.+]] = arith.constant 7 : index
// CHECK:         %[[IN_A:.+]] = arith.minsi %{{.+}}, %[[LAST]]
// CHECK:         %[[FROM_A:.+]] = tensor.extract %[[A]][%[[IN_A]], %{{.+}}]
// CHECK:         %[[BEGIN:.+]] = arith.constant 8 : index
// CHECK:         %[[MOVED:.+]] = arith.subi %[[ROW]], %[[BEGIN]]
// CHECK:         %[[BELOW:.+]] = arith.maxsi %[[MOVED]]
// CHECK:         %[[IN_B:.+]] = arith.minsi %[[BELOW]]
// CHECK:         %[[FROM_B:.+]] = tensor.extract %[[B]][%[[IN_B]], %{{.+}}]
// CHECK:         %[[IS_B:.+]] = arith.cmpi sge, %[[ROW]], %[[BEGIN]]
// CHECK:         %[[ELEMENT:.+]] = arith.select %[[IS_B]], %[[FROM_B]], %[[FROM_A]]
// CHECK:         linalg.yield %[[ELEMENT]]
// FEW-LABEL:   func @gather
// FEW:           tensor.extract %{{.+}} : tensor<15x4xf32>
// ANY-LABEL:   func @gather
// ANY:           tensor.extract %{{.+}} : tensor<15x4xf32>
func.func @gather(%rows: tensor<5xi64>) -> tensor<5x4xf32> {
  %table = arith.constant dense<1.5> : tensor<15x4xf32>
  %e = tensor.empty() : tensor<5x4xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i, j)>],
                       iterator_types = ["parallel", "parallel"]}
      ins(%rows : tensor<5xi64>) outs(%e : tensor<5x4xf32>) {
    ^bb0(%row: i64, %o: f32):
      %at = arith.index_cast %row : i64 to index
      %column = linalg.index 1 : index
      %v = tensor.extract %table[%at, %column] : tensor<15x4xf32>
      linalg.yield %v : f32
  } -> tensor<5x4xf32>
  return %r : tensor<5x4xf32>
}

// -----

// A product with panels of eight columns, of which the last is not full: its parts,
// with their part of the bias, are put side by side.

// CHECK-LABEL: func @product
// CHECK-DAG:     %[[A:.+]] = arith.constant dense_resource<{{.+}}> : tensor<2x2x8xf32>
// CHECK-DAG:     %[[B:.+]] = arith.constant dense_resource<{{.+}}> : tensor<1x2x8xf32>
// CHECK:         %[[P:.+]] = linalg.generic
// CHECK-SAME:      ins(%{{.+}}, %[[A]] : tensor<3x2xf32>, tensor<2x2x8xf32>) outs(%{{.+}} : tensor<3x16xf32>)
// CHECK:         %[[Q:.+]] = linalg.generic
// CHECK-SAME:      ins(%{{.+}}, %[[B]] : tensor<3x2xf32>, tensor<1x2x8xf32>) outs(%{{.+}} : tensor<3x5xf32>)
// CHECK:         %[[BIAS_P:.+]] = tensor.extract_slice %[[BIAS:.+]][0] [16] [1]
// CHECK:         %[[X:.+]] = linalg.generic
// CHECK-SAME:      ins(%[[P]], %[[BIAS_P]]
// CHECK:           linalg.index 1
// CHECK-NOT:       arith.addi
// CHECK:         %[[BIAS_Q:.+]] = tensor.extract_slice %[[BIAS]][16] [5] [1]
// CHECK:         %[[Y:.+]] = linalg.generic
// CHECK-SAME:      ins(%[[Q]], %[[BIAS_Q]]
// CHECK:           %[[STEP:.+]] = linalg.index 1
// CHECK:           %[[FIRST:.+]] = arith.constant 16 : index
// CHECK:           arith.addi %[[STEP]], %[[FIRST]]
// CHECK:         %[[LEFT:.+]] = tensor.insert_slice %[[X]] into %{{.+}}[0, 0] [3, 16] [1, 1]
// CHECK:         %[[ALL:.+]] = tensor.insert_slice %[[Y]] into %[[LEFT]][0, 16] [3, 5] [1, 1]
// CHECK:         return %[[ALL]]
func.func @product(%x: tensor<3x2xf32>, %bias: tensor<21xf32>) -> tensor<3x21xf32> {
  %w = arith.constant dense<0.5> : tensor<3x2x8xf32>
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<3x21xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<3x21xf32>) -> tensor<3x21xf32>
  %p = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>,
                                        affine_map<(m, n, k) -> (n floordiv 8, k, n mod 8)>,
                                        affine_map<(m, n, k) -> (m, n)>],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<3x2xf32>, tensor<3x2x8xf32>) outs(%f : tensor<3x21xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %m = arith.mulf %a, %b : f32
      %s = arith.addf %c, %m : f32
      linalg.yield %s : f32
  } -> tensor<3x21xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (n)>,
                                        affine_map<(m, n) -> (m, n)>],
                       iterator_types = ["parallel", "parallel"]}
      ins(%p, %bias : tensor<3x21xf32>, tensor<21xf32>) outs(%e : tensor<3x21xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %column = linalg.index 1 : index
      %number = arith.index_cast %column : index to i64
      %shift = arith.sitofp %number : i64 to f32
      %s = arith.addf %a, %b : f32
      %t = arith.addf %s, %shift : f32
      linalg.yield %t : f32
  } -> tensor<3x21xf32>
  return %r : tensor<3x21xf32>
}

// -----

// What is read along a sum, or is a result, stays whole.

// CHECK-LABEL: func @whole
// CHECK-DAG:     arith.constant dense<1.000000e+00> : tensor<40x2xf32>
// CHECK-DAG:     arith.constant dense<2.000000e+00> : tensor<40xf32>
func.func @whole(%x: tensor<3x40xf32>) -> (tensor<3x2xf32>, tensor<40xf32>) {
  %w = arith.constant dense<1.0> : tensor<40x2xf32>
  %y = arith.constant dense<2.0> : tensor<40xf32>
  %e = tensor.empty() : tensor<3x2xf32>
  %zero = arith.constant 0.0 : f32
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<3x2xf32>) -> tensor<3x2xf32>
  %p = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>,
                                        affine_map<(m, n, k) -> (m, n)>],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<3x40xf32>, tensor<40x2xf32>) outs(%f : tensor<3x2xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %m = arith.mulf %a, %b : f32
      %s = arith.addf %c, %m : f32
      linalg.yield %s : f32
  } -> tensor<3x2xf32>
  return %p, %y : tensor<3x2xf32>, tensor<40xf32>
}
