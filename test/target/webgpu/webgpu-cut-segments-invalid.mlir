// RUN: nncc-opt %s --webgpu-cut-segments -verify-diagnostics

func.func @nncc_run(%arena: memref<?xi8>, %weights: memref<?xi8>, %n: index {exec.symbol = 0 : i64}, %x: memref<?xi8>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %counts = memref.view %x[%zero][%one] : memref<?xi8> to memref<?xi64>
  scf.for %i = %zero to %n step %one {
    %count = memref.load %counts[%zero] : memref<?xi64>
    // expected-error@+1 {{data tell a size within a loop or branch}}
    %memory = exec.bind symbol 0 to %count : memref<?xi8>
  }
  return
}
