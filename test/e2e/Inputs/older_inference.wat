;; Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
;; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

;; What all_of_wasi_nn.wat has in the edition 2024-08-19 between the marks.
    (type $bytes (list u8))
    (export "tensor-data" (type (eq $bytes)))
    (export "graph-execution-context" (type $context (sub resource)))
    (export "[method]graph-execution-context.set-input" (func
      (param "self" (borrow $context)) (param "name" string) (param "tensor" (own $tensor))
      (result (result (error (own $error))))))
    (export "[method]graph-execution-context.compute" (func
      (param "self" (borrow $context)) (result (result (error (own $error))))))
    (export "[method]graph-execution-context.get-output" (func
      (param "self" (borrow $context)) (param "name" string)
      (result (result (own $tensor) (error (own $error))))))
