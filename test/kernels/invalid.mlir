// RUN: nncc-opt %s -split-input-file -exec-generate-kernels -verify-diagnostics

#id = affine_map<(i) -> (i)>
func.func private @no_view(%x: memref<4xf32>, %b: index, %e: index) attributes {exec.kernel = {}} {
  // expected-error@+1 {{kernel operand of type 'memref<4xf32>' is not a view of an argument}}
  linalg.generic {indexing_maps = [#id], iterator_types = ["parallel"]} outs(%x : memref<4xf32>) {
  ^bb0(%o: f32):
    linalg.yield %o : f32
  }
  return
}

// -----

#id = affine_map<(i) -> (i)>
func.func private @size(%x: memref<?xf32>, %n: memref<1xindex>, %b: index, %e: index) attributes {exec.kernel = {}} {
  %c0 = arith.constant 0 : index
  %s = memref.load %n[%c0] : memref<1xindex>
  %v = memref.reinterpret_cast %x to offset: [0], sizes: [%s], strides: [1] : memref<?xf32> to memref<?xf32>
  // expected-error@+1 {{has a size or place that is no function of the symbols}}
  linalg.generic {indexing_maps = [#id], iterator_types = ["parallel"]} outs(%v : memref<?xf32>) {
  ^bb0(%o: f32):
    linalg.yield %o : f32
  }
  return
}

// -----

#id = affine_map<(i) -> (i)>
#none = affine_map<(i) -> ()>
func.func private @operand(%x: memref<?xf32>, %s: f32, %b: index, %e: index) attributes {exec.kernel = {}} {
  %v = memref.reinterpret_cast %x to offset: [0], sizes: [4], strides: [1] : memref<?xf32> to memref<4xf32>
  // expected-error@+1 {{kernel operand of type 'f32' is not a view of an argument}}
  linalg.generic {indexing_maps = [#none, #id], iterator_types = ["parallel"]} ins(%s : f32) outs(%v : memref<4xf32>) {
  ^bb0(%i: f32, %o: f32):
    linalg.yield %i : f32
  }
  return
}

// -----

#sum = affine_map<(i, j) -> (i)>
#in = affine_map<(i, j) -> (i, j)>
func.func private @start(%x: memref<?xf32>, %y: memref<?xf32>, %s: f32, %b: index, %e: index) attributes {exec.kernel = {}} {
  %v = memref.reinterpret_cast %x to offset: [0], sizes: [4, 8], strides: [8, 1] : memref<?xf32> to memref<4x8xf32>
  %w = memref.reinterpret_cast %y to offset: [0], sizes: [4], strides: [1] : memref<?xf32> to memref<4xf32>
  // expected-error@+1 {{a reduction starts from a value that is not constant}}
  linalg.fill ins(%s : f32) outs(%w : memref<4xf32>)
  linalg.generic {indexing_maps = [#in, #sum], iterator_types = ["parallel", "reduction"]} ins(%v : memref<4x8xf32>) outs(%w : memref<4xf32>) {
  ^bb0(%i: f32, %o: f32):
    %a = arith.addf %i, %o : f32
    linalg.yield %a : f32
  }
  return
}

// -----

// expected-error@+1 {{a kernel holds one generic and an epilogue}}
func.func private @empty(%x: memref<?xf32>, %b: index, %e: index) attributes {exec.kernel = {}} {
  return
}

// -----

#in = affine_map<(i, j) -> (i, j)>
#sum = affine_map<(i, j) -> (i)>
#id = affine_map<(i) -> (i)>
func.func private @epilogue(%x: memref<?xf32>, %y: memref<?xf32>, %b: index, %e: index) attributes {exec.kernel = {}} {
  %v = memref.reinterpret_cast %x to offset: [0], sizes: [4, 8], strides: [8, 1] : memref<?xf32> to memref<4x8xf32>
  %w = memref.reinterpret_cast %y to offset: [0], sizes: [4], strides: [1] : memref<?xf32> to memref<4xf32>
  %c = arith.constant 0.0 : f32
  %a = memref.alloc() : memref<4xf32>
  linalg.fill ins(%c : f32) outs(%a : memref<4xf32>)
  linalg.generic {indexing_maps = [#in, #sum], iterator_types = ["parallel", "reduction"]} ins(%v : memref<4x8xf32>) outs(%a : memref<4xf32>) {
  ^bb0(%i: f32, %o: f32):
    %s = arith.addf %i, %o : f32
    linalg.yield %s : f32
  }
  // expected-error@+1 {{an epilogue does not read loop indices}}
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%a : memref<4xf32>) outs(%w : memref<4xf32>) {
  ^bb0(%i: f32, %o: f32):
    %n = linalg.index 0 : index
    %k = arith.index_cast %n : index to i32
    %f = arith.sitofp %k : i32 to f32
    %s = arith.addf %i, %f : f32
    linalg.yield %s : f32
  }
  return
}
