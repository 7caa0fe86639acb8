// Each op of two operands, and select, has its scalar form.
// RUN: nncc-opt %s -nn-to-linalg | FileCheck %s

// CHECK-LABEL: func.func @main(
func.func @main(%f32: tensor<3xf32>, %i32: tensor<3xi32>, %ui32: tensor<3xui32>, %c: tensor<i1>) -> tensor<3xf32> {
  // CHECK: arith.addi
  %0 = nn.add %i32, %i32 : (tensor<3xi32>, tensor<3xi32>) -> tensor<3xi32>
  // CHECK: arith.subf
  %1 = nn.sub %f32, %f32 : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  // CHECK: arith.muli
  %2 = nn.mul %i32, %i32 : (tensor<3xi32>, tensor<3xi32>) -> tensor<3xi32>
  // CHECK: arith.divf
  %3 = nn.div %f32, %f32 : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  // CHECK: arith.remsi
  %4 = nn.mod %i32, %i32 : (tensor<3xi32>, tensor<3xi32>) -> tensor<3xi32>
  // CHECK: arith.cmpf uno
  %5 = nn.min %f32, %f32 : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  // CHECK: arith.cmpf uno
  %6 = nn.max %f32, %f32 : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  // CHECK: arith.andi
  %7 = nn.and %i32, %i32 : (tensor<3xi32>, tensor<3xi32>) -> tensor<3xi32>
  // CHECK: arith.ori
  %8 = nn.or %i32, %i32 : (tensor<3xi32>, tensor<3xi32>) -> tensor<3xi32>
  // CHECK: arith.xori
  %9 = nn.xor %i32, %i32 : (tensor<3xi32>, tensor<3xi32>) -> tensor<3xi32>
  // CHECK: arith.shli
  %10 = nn.shift_left %ui32, %ui32 : (tensor<3xui32>, tensor<3xui32>) -> tensor<3xui32>
  // CHECK: arith.shrui
  %11 = nn.shift_right %ui32, %ui32 : (tensor<3xui32>, tensor<3xui32>) -> tensor<3xui32>
  // CHECK: arith.shrsi
  %12 = nn.shift_right %i32, %i32 : (tensor<3xi32>, tensor<3xi32>) -> tensor<3xi32>
  // CHECK: arith.cmpf oeq
  %13 = nn.equal %f32, %f32 : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xi1>
  // CHECK: arith.cmpi slt
  %14 = nn.less %i32, %i32 : (tensor<3xi32>, tensor<3xi32>) -> tensor<3xi1>
  // CHECK: arith.cmpi ult
  %15 = nn.less %ui32, %ui32 : (tensor<3xui32>, tensor<3xui32>) -> tensor<3xi1>
  // CHECK: arith.cmpf ole
  %16 = nn.less_equal %f32, %f32 : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xi1>
  // CHECK: arith.cmpf ogt
  %17 = nn.greater %f32, %f32 : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xi1>
  // CHECK: arith.cmpi sge
  %18 = nn.greater_equal %i32, %i32 : (tensor<3xi32>, tensor<3xi32>) -> tensor<3xi1>
  // CHECK: math.trunc
  %fmod = nn.mod %f32, %f32 {fmod} : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  // CHECK: arith.select
  %select = nn.select %c, %f32, %f32 : (tensor<i1>, tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return %select : tensor<3xf32>
}
