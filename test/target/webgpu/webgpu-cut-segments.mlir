// RUN: nncc-opt %s --linalg-to-exec=guard-pads --webgpu-cut-segments --canonicalize -split-input-file | FileCheck %s

// The host needs a number that the GPU computed: whether to go on. What follows
// is a segment of its own, and the copy that the host sees has 8-byte integers.

// CHECK-LABEL: func.func @nncc_run
// CHECK:         exec.alloc #{{.*}} {exec.host}
// CHECK:         exec.dispatch @sum
// CHECK:         exec.readback %{{.*}} to %{{.*}} : memref<?xi64> to memref<?xi32>
// CHECK:         arith.extsi %{{.*}} : i32 to i64
// CHECK:         %[[SUM:.*]] = memref.load %{{.*}} : memref<1xi64>
// CHECK:         %[[POSITIVE:.*]] = arith.cmpi sgt, %[[SUM]]
// CHECK:         scf.if %[[POSITIVE]]
// CHECK:           exec.dispatch @twice grid
// CHECK-NOT:     exec.upload
#id = affine_map<(i) -> (i)>
#none = affine_map<(i) -> ()>
module attributes {nncc.inputs = [{name = "x", type = tensor<8xi64>}]} {
  func.func @main(%x: tensor<8xi64>) -> tensor<8xi64> {
    %zero = arith.constant 0 : i64
    %e = tensor.empty() : tensor<i64>
    %f = linalg.fill ins(%zero : i64) outs(%e : tensor<i64>) -> tensor<i64>
    %sum = linalg.generic {indexing_maps = [#id, #none], iterator_types = ["reduction"]}
        ins(%x : tensor<8xi64>) outs(%f : tensor<i64>) {
      ^bb0(%a: i64, %b: i64):
        %s = arith.addi %a, %b : i64
        linalg.yield %s : i64
    } -> tensor<i64> loc("sum")
    %number = tensor.extract %sum[] : tensor<i64>
    %positive = arith.cmpi sgt, %number, %zero : i64
    %o = tensor.empty() : tensor<8xi64>
    %r = scf.if %positive -> (tensor<8xi64>) {
      %t = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
          ins(%x : tensor<8xi64>) outs(%o : tensor<8xi64>) {
        ^bb0(%a: i64, %b: i64):
          %s = arith.addi %a, %a : i64
          linalg.yield %s : i64
      } -> tensor<8xi64> loc("twice")
      scf.yield %t : tensor<8xi64>
    } else {
      scf.yield %x : tensor<8xi64>
    }
    return %r : tensor<8xi64>
  }
}

// -----

// A GPU does not compute in f64: the host does, and uploads what comes of it.

// CHECK-LABEL: func.func @nncc_run
// CHECK:         exec.readback
// CHECK:         exec.dispatch @[[KERNEL:precise.*]] grid {{.*}} {exec.host = "a GPU has 32 bits for numbers"}
// CHECK:         exec.upload %{{.*}} to %{{.*}} : memref<?xf32> to memref<?xf32>
// CHECK:         return
// CHECK:       func.func private @[[KERNEL]]({{.*}} attributes {exec.host
#id = affine_map<(i) -> (i)>
module attributes {nncc.inputs = [{name = "x", type = tensor<8xf32>}]} {
  func.func @main(%x: tensor<8xf32>) -> tensor<8xf32> {
    %o = tensor.empty() : tensor<8xf32>
    %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
        ins(%x : tensor<8xf32>) outs(%o : tensor<8xf32>) {
      ^bb0(%a: f32, %b: f32):
        %w = arith.extf %a : f32 to f64
        %s = arith.mulf %w, %w : f64
        %n = arith.truncf %s : f64 to f32
        linalg.yield %n : f32
    } -> tensor<8xf32> loc("precise")
    %z = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
        ins(%y : tensor<8xf32>) outs(%o : tensor<8xf32>) {
      ^bb0(%a: f32, %b: f32):
        %n = arith.negf %a : f32
        linalg.yield %n : f32
    } -> tensor<8xf32>
    return %z : tensor<8xf32>
  }
}

// -----

// A function of the host gets copies of what the GPU computed, and an input in
// f64 as the words that it is. A kernel on the CPU tests by itself where it
// would read the border of a padded view.

// CHECK-LABEL: func.func @nncc_run
// CHECK:         exec.dispatch @twice
// CHECK:         exec.readback %{{.*}}, %{{.*}} to %{{.*}}, %{{.*}} : memref<?xf32>, memref<?xi32> to memref<?xi32>, memref<?xi32>
// CHECK:         exec.call_extern "own::Op" {{.*}} {exec.host = "it calls a function of the host"}
// CHECK:         exec.dispatch @[[PAD:pad.*]] grid {{.*}} {exec.host
// CHECK:         exec.upload
// CHECK:         return
// CHECK:       func.func private @[[PAD]]({{.*}} attributes {exec.host
// CHECK:         linalg.generic {{.*}} outs(
// CHECK:           %[[I:.*]] = linalg.index 0
// CHECK:           %[[AT:.*]] = arith.subi %[[I]], %c1
// CHECK:           %[[INSIDE:.*]] = arith.cmpi ult, %[[AT]], %c8
// CHECK:           %[[PLACE:.*]] = arith.select %[[INSIDE]], %[[AT]], %c0
// CHECK:           %[[X:.*]] = memref.load %{{.*}}[%[[PLACE]]]
// CHECK:           arith.select %[[INSIDE]], %[[X]], %cst
#id = affine_map<(i) -> (i)>
module attributes {nncc.inputs = [{name = "x", type = tensor<8xf32>}, {name = "d", type = tensor<8xf64>}]} {
  func.func @main(%x: tensor<8xf32>, %d: tensor<8xf64>) -> tensor<10xf64> {
    %o = tensor.empty() : tensor<8xf32>
    %p = tensor.empty() : tensor<8xf64>
    %t = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
        ins(%x : tensor<8xf32>) outs(%o : tensor<8xf32>) {
      ^bb0(%a: f32, %b: f32):
        %s = arith.addf %a, %a : f32
        linalg.yield %s : f32
    } -> tensor<8xf32> loc("twice")
    %own = exec.extern "own::Op" {} [tensor<8xf32>, tensor<8xf64>, tensor<8xf64>] ins(%t, %d : tensor<8xf32>, tensor<8xf64>) outs(%p : tensor<8xf64>) : tensor<8xf64>
    %zero = arith.constant 0.0 : f64
    %padded = tensor.pad %own low[1] high[1] {
      ^bb0(%i: index):
        tensor.yield %zero : f64
    } : tensor<8xf64> to tensor<10xf64>
    %q = tensor.empty() : tensor<10xf64>
    %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
        ins(%padded : tensor<10xf64>) outs(%q : tensor<10xf64>) {
      ^bb0(%a: f64, %b: f64):
        %s = arith.mulf %a, %a : f64
        linalg.yield %s : f64
    } -> tensor<10xf64> loc("pad")
    return %y : tensor<10xf64>
  }
}

// -----

// A loop with much work, which goes on as a number says that the GPU computes,
// is open: its steps are in segments, its values in memory.

// CHECK-LABEL: func.func @nncc_run
// CHECK:         memref.store %{{.*}} : memref<1xi64>
// CHECK:         scf.while : () -> () {
// CHECK:           exec.readback
// CHECK:           %[[NUMBER:.*]] = memref.load %{{.*}} : memref<1xf32>
// CHECK:           %[[GOES_ON:.*]] = arith.cmpf olt, %[[NUMBER]]
// CHECK:           scf.condition(%[[GOES_ON]])
// CHECK:         } do {
// CHECK-NOT:       exec.host = "
// CHECK:           exec.dispatch @product
// CHECK-NOT:       exec.host = "
// CHECK:           scf.yield
// CHECK:         } attributes {webgpu.open}
#row = affine_map<(m, n, k) -> (m, k)>
#column = affine_map<(m, n, k) -> (k, n)>
#out = affine_map<(m, n, k) -> (m, n)>
module attributes {nncc.inputs = [{name = "x", type = tensor<96x96xf32>}]} {
  func.func @main(%x: tensor<96x96xf32>) -> tensor<96x96xf32> {
    %zero = arith.constant 0.0 : f32
    %limit = arith.constant 100.0 : f32
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %r:2 = scf.while (%i = %c0, %s = %x) : (index, tensor<96x96xf32>) -> (index, tensor<96x96xf32>) {
      %number = tensor.extract %s[%i, %c0] : tensor<96x96xf32>
      %goes_on = arith.cmpf olt, %number, %limit : f32
      scf.condition(%goes_on) %i, %s : index, tensor<96x96xf32>
    } do {
    ^bb0(%i: index, %s: tensor<96x96xf32>):
      %e = tensor.empty() : tensor<96x96xf32>
      %f = linalg.fill ins(%zero : f32) outs(%e : tensor<96x96xf32>) -> tensor<96x96xf32>
      %p = linalg.generic {indexing_maps = [#row, #column, #out], iterator_types = ["parallel", "parallel", "reduction"]}
          ins(%s, %x : tensor<96x96xf32>, tensor<96x96xf32>) outs(%f : tensor<96x96xf32>) {
        ^bb0(%a: f32, %b: f32, %c: f32):
          %q = arith.mulf %a, %b : f32
          %t = arith.addf %c, %q : f32
          linalg.yield %t : f32
      } -> tensor<96x96xf32> loc("product")
      %j = arith.addi %i, %c1 : index
      scf.yield %j, %p : index, tensor<96x96xf32>
    }
    return %r#1 : tensor<96x96xf32>
  }
}

// -----

// A branch with much work of which a GPU cannot do a part: each side becomes an
// open loop of one step or none.

// CHECK-LABEL: func.func @nncc_run
// CHECK:         scf.while : () -> () {
// CHECK:           scf.condition
// CHECK:         } do {
// CHECK:           exec.dispatch @product
// CHECK:           exec.readback
// CHECK:           exec.dispatch @{{.*}}precise{{.*}} {exec.host = "a GPU has 32 bits for numbers"}
// CHECK:           exec.upload
// CHECK:           exec.dispatch @sum grid #map{{[0-9]*}}({{.*}}) : memref
// CHECK:         } attributes {webgpu.open}
// CHECK:         scf.while : () -> () {
// CHECK:           scf.condition
// CHECK:         } do {
// CHECK-NOT:       exec.host = "
// CHECK:         } attributes {webgpu.open}
#id = affine_map<(m, n) -> (m, n)>
#row = affine_map<(m, n, k) -> (m, k)>
#column = affine_map<(m, n, k) -> (k, n)>
#out = affine_map<(m, n, k) -> (m, n)>
module attributes {nncc.inputs = [{name = "x", type = tensor<96x96xf32>}, {name = "c", type = tensor<i1>}]} {
  func.func @main(%x: tensor<96x96xf32>, %c: tensor<i1>) -> tensor<96x96xf32> {
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<96x96xf32>
    %condition = tensor.extract %c[] : tensor<i1>
    %r = scf.if %condition -> (tensor<96x96xf32>) {
      %f = linalg.fill ins(%zero : f32) outs(%e : tensor<96x96xf32>) -> tensor<96x96xf32>
      %p = linalg.generic {indexing_maps = [#row, #column, #out], iterator_types = ["parallel", "parallel", "reduction"]}
          ins(%x, %x : tensor<96x96xf32>, tensor<96x96xf32>) outs(%f : tensor<96x96xf32>) {
        ^bb0(%a: f32, %b: f32, %s: f32):
          %q = arith.mulf %a, %b : f32
          %t = arith.addf %s, %q : f32
          linalg.yield %t : f32
      } -> tensor<96x96xf32> loc("product")
      %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
          ins(%p : tensor<96x96xf32>) outs(%e : tensor<96x96xf32>) {
        ^bb0(%a: f32, %b: f32):
          %w = arith.extf %a : f32 to f64
          %s = arith.mulf %w, %w : f64
          %n = arith.truncf %s : f64 to f32
          linalg.yield %n : f32
      } -> tensor<96x96xf32> loc("precise")
      %z = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
          ins(%y, %p : tensor<96x96xf32>, tensor<96x96xf32>) outs(%e : tensor<96x96xf32>) {
        ^bb0(%a: f32, %b: f32, %d: f32):
          %s = arith.addf %a, %b : f32
          linalg.yield %s : f32
      } -> tensor<96x96xf32> loc("sum")
      scf.yield %z : tensor<96x96xf32>
    } else {
      %n = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
          ins(%x : tensor<96x96xf32>) outs(%e : tensor<96x96xf32>) {
        ^bb0(%a: f32, %b: f32):
          %m = arith.negf %a : f32
          linalg.yield %m : f32
      } -> tensor<96x96xf32> loc("other")
      scf.yield %n : tensor<96x96xf32>
    }
    return %r : tensor<96x96xf32>
  }
}

// -----

// What writes no element is left out.

// CHECK-LABEL: func.func @nncc_run
// CHECK-NOT:     exec.dispatch
#id = affine_map<(i, j) -> (i, j)>
module attributes {nncc.inputs = [{name = "x", type = tensor<4x0xf32>}]} {
  func.func @main(%x: tensor<4x0xf32>) -> tensor<4x0xf32> {
    %e = tensor.empty() : tensor<4x0xf32>
    %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x : tensor<4x0xf32>) outs(%e : tensor<4x0xf32>) {
      ^bb0(%a: f32, %b: f32):
        %s = arith.addf %a, %a : f32
        linalg.yield %s : f32
    } -> tensor<4x0xf32>
    return %y : tensor<4x0xf32>
  }
}

// -----

// Data tell a size. What comes before is read back for it; a dispatch behind it
// with that size runs on the GPU, and a number of the host that was computed
// before lies in its memory: the binding ends a part.

// CHECK-LABEL: func.func @nncc_run
// CHECK:         exec.dispatch @count
// CHECK:         exec.readback
// CHECK:         %[[SIZE:.*]] = memref.load %{{.*}} : memref<1xi64>
// CHECK:         memref.store %[[SIZE]], %[[SLOT:.*]][%{{.*}}] : memref<1xi64>
// CHECK:         exec.bind symbol 0 to %[[SIZE]]
// CHECK:         %[[AGAIN:.*]] = memref.load %[[SLOT]]
// CHECK:         %[[POSITIVE:.*]] = arith.cmpi sgt, %[[AGAIN]]
// CHECK:         scf.if %[[POSITIVE]]
// CHECK:           exec.dispatch @twice grid #{{.*}}({{.*}}) : memref
// CHECK-NOT:     exec.host = "
#id = affine_map<(i) -> (i)>
#none = affine_map<(i) -> ()>
module attributes {nncc.inputs = [{name = "x", type = tensor<8xi64>}], nncc.bound_symbols = 1 : i64} {
  func.func @main(%n: index {nn.symbol = "n"}, %x: tensor<8xi64>) -> tensor<?xi64> {
    %zero = arith.constant 0 : i64
    %e = tensor.empty() : tensor<i64>
    %f = linalg.fill ins(%zero : i64) outs(%e : tensor<i64>) -> tensor<i64>
    %count = linalg.generic {indexing_maps = [#id, #none], iterator_types = ["reduction"]}
        ins(%x : tensor<8xi64>) outs(%f : tensor<i64>) {
      ^bb0(%a: i64, %b: i64):
        %s = arith.addi %a, %b : i64
        linalg.yield %s : i64
    } -> tensor<i64> loc("count")
    %size = tensor.extract %count[] : tensor<i64>
    %positive = arith.cmpi sgt, %size, %zero : i64
    %memory = exec.bind symbol 0 to %size : memref<?xi8>
    %rows = affine.apply affine_map<()[s0] -> (s0 - 1)>()[%n]
    %o = tensor.empty(%rows) : tensor<?xi64>
    %one = arith.constant 1 : i64
    %g = linalg.fill ins(%one : i64) outs(%o : tensor<?xi64>) -> tensor<?xi64>
    %r = scf.if %positive -> (tensor<?xi64>) {
      %t = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
          ins(%g : tensor<?xi64>) outs(%o : tensor<?xi64>) {
        ^bb0(%a: i64, %b: i64):
          %s = arith.addi %a, %a : i64
          linalg.yield %s : i64
      } -> tensor<?xi64> loc("twice")
      scf.yield %t : tensor<?xi64>
    } else {
      scf.yield %g : tensor<?xi64>
    }
    return %r : tensor<?xi64>
  }
}
