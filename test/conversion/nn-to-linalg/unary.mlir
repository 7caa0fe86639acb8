// Each op of one operand has its scalar form.
// RUN: nncc-opt %s -nn-to-linalg | FileCheck %s

// CHECK-LABEL: func.func @main(
func.func @main(%x: tensor<3xf32>, %n: tensor<3xi32>) -> (tensor<3xf32>, tensor<3xi32>, tensor<3xi1>, tensor<3xi1>) {
  // CHECK: math.exp
  %0 = nn.exp %x : (tensor<3xf32>) -> tensor<3xf32>
  // CHECK: math.log
  %1 = nn.log %0 : (tensor<3xf32>) -> tensor<3xf32>
  // CHECK: math.sqrt
  %2 = nn.sqrt %1 : (tensor<3xf32>) -> tensor<3xf32>
  // CHECK: math.sin
  %3 = nn.sin %2 : (tensor<3xf32>) -> tensor<3xf32>
  // CHECK: math.cos
  %4 = nn.cos %3 : (tensor<3xf32>) -> tensor<3xf32>
  // CHECK: math.tan
  %5 = nn.tan %4 : (tensor<3xf32>) -> tensor<3xf32>
  // CHECK: math.asin
  %6 = nn.asin %5 : (tensor<3xf32>) -> tensor<3xf32>
  // CHECK: math.acos
  %7 = nn.acos %6 : (tensor<3xf32>) -> tensor<3xf32>
  // CHECK: math.atan
  %8 = nn.atan %7 : (tensor<3xf32>) -> tensor<3xf32>
  // CHECK: math.sinh
  %9 = nn.sinh %8 : (tensor<3xf32>) -> tensor<3xf32>
  // CHECK: math.cosh
  %10 = nn.cosh %9 : (tensor<3xf32>) -> tensor<3xf32>
  // CHECK: math.tanh
  %11 = nn.tanh %10 : (tensor<3xf32>) -> tensor<3xf32>
  // CHECK: math.asinh
  %12 = nn.asinh %11 : (tensor<3xf32>) -> tensor<3xf32>
  // CHECK: math.acosh
  %13 = nn.acosh %12 : (tensor<3xf32>) -> tensor<3xf32>
  // CHECK: math.atanh
  %14 = nn.atanh %13 : (tensor<3xf32>) -> tensor<3xf32>
  // CHECK: math.erf
  %15 = nn.erf %14 : (tensor<3xf32>) -> tensor<3xf32>
  // CHECK: math.floor
  %16 = nn.floor %15 : (tensor<3xf32>) -> tensor<3xf32>
  // CHECK: math.ceil
  %17 = nn.ceil %16 : (tensor<3xf32>) -> tensor<3xf32>
  // CHECK: math.roundeven
  %18 = nn.round %17 : (tensor<3xf32>) -> tensor<3xf32>
  // CHECK: math.absf
  %19 = nn.abs %18 : (tensor<3xf32>) -> tensor<3xf32>
  // CHECK: arith.negf
  %20 = nn.neg %19 : (tensor<3xf32>) -> tensor<3xf32>
  // CHECK: arith.select
  %21 = nn.sign %20 : (tensor<3xf32>) -> tensor<3xf32>
  // CHECK: math.sqrt
  %22 = nn.rsqrt %21 : (tensor<3xf32>) -> tensor<3xf32>
  // CHECK: arith.divf
  %23 = nn.reciprocal %22 : (tensor<3xf32>) -> tensor<3xf32>
  // CHECK: math.exp
  %24 = nn.sigmoid %23 : (tensor<3xf32>) -> tensor<3xf32>
  // CHECK: math.log
  %25 = nn.softplus %24 : (tensor<3xf32>) -> tensor<3xf32>
  // CHECK: arith.xori
  %not = nn.not %n : (tensor<3xi32>) -> tensor<3xi32>
  // CHECK: arith.cmpf uno
  %nan = nn.is_nan %25 : (tensor<3xf32>) -> tensor<3xi1>
  // CHECK: arith.constant 0xFF800000
  // CHECK-NOT: arith.constant 0x7F800000
  // CHECK: return
  %inf = nn.is_inf %25 {positive = false} : (tensor<3xf32>) -> tensor<3xi1>
  return %25, %not, %nan, %inf : tensor<3xf32>, tensor<3xi32>, tensor<3xi1>, tensor<3xi1>
}
