;; Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
;; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

;; A component that opens "demo", gives it {{1, bonus}}, where bonus is the host's,
;; and returns the second number that comes out.
(component $guest
  (import "bonus" (func $bonus (result f32)))
  (import "wasi:nn/tensor@0.2.0-rc-2024-10-28" (instance $tensors
    (type $kinds (enum "FP16" "FP32" "FP64" "BF16" "U8" "I32" "I64"))
    (export "tensor-type" (type $kind (eq $kinds)))
    (export "tensor" (type $tensor (sub resource)))
    (export "[constructor]tensor" (func
      (param "dimensions" (list u32)) (param "ty" $kind) (param "data" (list u8))
      (result (own $tensor))))
    (export "[method]tensor.data" (func
      (param "self" (borrow $tensor)) (result (list u8))))))
  (alias export $tensors "tensor" (type $tensor))
  (import "wasi:nn/errors@0.2.0-rc-2024-10-28" (instance $errors
    (export "error" (type (sub resource)))))
  (alias export $errors "error" (type $error))
  (import "wasi:nn/inference@0.2.0-rc-2024-10-28" (instance $inference
    (alias outer $guest $tensor (type $outer-tensor))
    (alias outer $guest $error (type $outer-error))
    (export "tensor" (type $tensor (eq $outer-tensor)))
    (export "error" (type $error (eq $outer-error)))
    (export "graph-execution-context" (type $context (sub resource)))
    (export "[method]graph-execution-context.compute" (func
      (param "self" (borrow $context))
      (param "inputs" (list (tuple string (own $tensor))))
      (result (result (list (tuple string (own $tensor))) (error (own $error))))))))
  (alias export $inference "graph-execution-context" (type $context))
  (import "wasi:nn/graph@0.2.0-rc-2024-10-28" (instance $graphs
    (alias outer $guest $error (type $outer-error))
    (alias outer $guest $context (type $outer-context))
    (export "error" (type $error (eq $outer-error)))
    (export "graph-execution-context" (type $context (eq $outer-context)))
    (export "graph" (type $graph (sub resource)))
    (export "[method]graph.init-execution-context" (func
      (param "self" (borrow $graph)) (result (result (own $context) (error (own $error))))))
    (export "load-by-name" (func
      (param "name" string) (result (result (own $graph) (error (own $error))))))))

  ;; Memory and allocation: 0 name, 16 dimensions, 32 data, 64 inputs, 96 results.
  (core module $memory
    (memory (export "memory") 1)
    (data (i32.const 0) "demo" "0")
    (data (i32.const 16) "\01\00\00\00\02\00\00\00")
    (data (i32.const 32) "\00\00\80\3f\00\00\00\40\00\00\00\00")
    (global $next (mut i32) (i32.const 1024))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (global.set $next (i32.add (global.get $next)
        (i32.and (i32.add (local.get 3) (i32.const 7)) (i32.const -8))))
      (i32.sub (global.get $next)
        (i32.and (i32.add (local.get 3) (i32.const 7)) (i32.const -8)))))
  (core instance $memory (instantiate $memory))
  (alias core export $memory "memory" (core memory $bytes))
  (alias core export $memory "realloc" (core func $realloc))
  (core func $bonus (canon lower (func $bonus)))
  (core func $make (canon lower (func $tensors "[constructor]tensor") (memory $bytes)))
  (core func $data (canon lower (func $tensors "[method]tensor.data")
    (memory $bytes) (realloc $realloc)))
  (core func $compute (canon lower
    (func $inference "[method]graph-execution-context.compute")
    (memory $bytes) (realloc $realloc)))
  (core func $init (canon lower (func $graphs "[method]graph.init-execution-context")
    (memory $bytes)))
  (core func $load (canon lower (func $graphs "load-by-name") (memory $bytes)))

  (core module $main
    (import "nn" "memory" (memory 1))
    (import "nn" "bonus" (func $bonus (result f32)))
    (import "nn" "make" (func $make (param i32 i32 i32 i32 i32) (result i32)))
    (import "nn" "data" (func $data (param i32 i32)))
    (import "nn" "compute" (func $compute (param i32 i32 i32 i32)))
    (import "nn" "init" (func $init (param i32 i32)))
    (import "nn" "load" (func $load (param i32 i32 i32)))
    (func (export "second") (result f32)
      (f32.store (i32.const 36) (call $bonus))
      (call $load (i32.const 0) (i32.const 4) (i32.const 96))
      (call $init (i32.load (i32.const 100)) (i32.const 96))
      (i32.store (i32.const 64) (i32.const 4))
      (i32.store (i32.const 68) (i32.const 1))
      (i32.store (i32.const 72) (call $make
        (i32.const 16) (i32.const 2) (i32.const 1) (i32.const 32) (i32.const 8)))
      (call $compute (i32.load (i32.const 100)) (i32.const 64) (i32.const 1) (i32.const 96))
      (if (i32.load8_u (i32.const 96)) (then unreachable))
      (call $data (i32.load offset=8 (i32.load (i32.const 100))) (i32.const 96))
      (f32.load offset=4 (i32.load (i32.const 96)))))
  (core instance $nn
    (export "memory" (memory $bytes)) (export "bonus" (func $bonus))
    (export "make" (func $make)) (export "data" (func $data))
    (export "compute" (func $compute)) (export "init" (func $init))
    (export "load" (func $load)))
  (core instance $main (instantiate $main (with "nn" (instance $nn))))
  (func (export "second-of-demo") (result f32)
    (canon lift (core func $main "second"))))
