// What the compiler hands to the target for y = exp(x) * w + x, z = all of x
// turned around: two outputs, one symbol, one weight, one buffer in the arena.
module attributes {
  nncc.symbols = ["batch"],
  nncc.symbol_bounds = [array<i64: 1, 1000>],
  nncc.inputs = [{name = "x", type = tensor<?x4xf32, affine_map<()[s0] -> (s0, 4)>>}],
  nncc.outputs = [{name = "y", type = tensor<?x4xf32, affine_map<()[s0] -> (s0, 4)>>},
                  {name = "small", type = tensor<?x4xi1, affine_map<()[s0] -> (s0, 4)>>}]
} {
  func.func private @"/scale/Mul"(%x: memref<?xf32>, %w: memref<?xf32>, %y: memref<?xf32>, %small: memref<?xi1>, %batch: index, %begin: index, %end: index) {
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    %c0 = arith.constant 0 : index
    scf.for %i = %begin to %end step %c1 {
      %o = arith.muli %i, %c4 : index
      %v = vector.load %x[%o] : memref<?xf32>, vector<4xf32>
      %f = vector.load %w[%c0] : memref<?xf32>, vector<4xf32>
      %e = math.exp %v : vector<4xf32>
      %m = arith.mulf %e, %f : vector<4xf32>
      %a = arith.addf %m, %v : vector<4xf32>
      vector.store %a, %y[%o] : memref<?xf32>, vector<4xf32>
      %one = arith.constant dense<1.0> : vector<4xf32>
      %s = arith.cmpf olt, %v, %one : vector<4xf32>
      vector.store %s, %small[%o] : memref<?xi1>, vector<4xi1>
    }
    return
  }

  func.func @nncc_run(%arena: memref<?xi8>, %weights: memref<?xi8>, %batch: index, %x: memref<?xf32>) -> (memref<?xf32>, memref<?xi1>, index, index, index, index) {
    %c0 = arith.constant 0 : index
    %c4 = arith.constant 4 : index
    %c16 = arith.constant 16 : index
    %c64 = arith.constant 64 : index
    %n = arith.muli %batch, %c4 : index
    %bytes = arith.muli %batch, %c16 : index
    %w = memref.view %weights[%c64][%c4] : memref<?xi8> to memref<?xf32>
    %y = memref.view %arena[%c0][%n] : memref<?xi8> to memref<?xf32>
    %small = memref.view %arena[%bytes][%n] : memref<?xi8> to memref<?xi1>
    call @"/scale/Mul"(%x, %w, %y, %small, %batch, %c0, %batch) : (memref<?xf32>, memref<?xf32>, memref<?xf32>, memref<?xi1>, index, index, index) -> ()
    return %y, %small, %batch, %c4, %batch, %c4 : memref<?xf32>, memref<?xi1>, index, index, index, index
  }

  func.func @nncc_arena_bytes(%batch: index) -> index {
    %c20 = arith.constant 20 : index
    %bytes = arith.muli %batch, %c20 : index
    return %bytes : index
  }
}
