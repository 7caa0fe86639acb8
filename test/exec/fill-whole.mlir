// RUN: nncc-opt %s --linalg-to-exec | FileCheck %s --check-prefix=BORDER
// RUN: nncc-opt %s --linalg-to-exec=fill-whole | FileCheck %s --check-prefix=WHOLE

// A border is four slabs, or all of the tensor before its interior is written.

// BORDER-COUNT-5: exec.dispatch
// BORDER-NOT:     exec.dispatch
// WHOLE-COUNT-2:  exec.dispatch
// WHOLE-NOT:      exec.dispatch
// WHOLE:          func.func private
// WHOLE:            linalg.yield %cst
func.func @main(%x: tensor<4x5xf32>) -> tensor<6x8xf32> {
  %z = arith.constant 0.0 : f32
  %y = tensor.pad %x low[1, 1] high[1, 2] {
  ^bb0(%i: index, %j: index):
    tensor.yield %z : f32
  } : tensor<4x5xf32> to tensor<6x8xf32>
  return %y : tensor<6x8xf32>
}
