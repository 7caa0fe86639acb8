;; Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
;; SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

;; A component that imports all of wasi:nn and exports the same: linked with models it
;; can be called as their own component can.
(component $guest
  (import "wasi:nn/tensor@0.2.0-rc-2024-10-28" (instance $tensor
    (type $u32s (list u32))
    (export "tensor-dimensions" (type $dimensions (eq $u32s)))
    (type $kinds (enum "FP16" "FP32" "FP64" "BF16" "U8" "I32" "I64"))
    (export "tensor-type" (type $kind (eq $kinds)))
    (type $bytes (list u8))
    (export "tensor-data" (type $data (eq $bytes)))
    (export "tensor" (type $tensor (sub resource)))
    (export "[constructor]tensor" (func
      (param "dimensions" $dimensions) (param "ty" $kind) (param "data" $data)
      (result (own $tensor))))
    (export "[method]tensor.dimensions" (func (param "self" (borrow $tensor)) (result $dimensions)))
    (export "[method]tensor.ty" (func (param "self" (borrow $tensor)) (result $kind)))
    (export "[method]tensor.data" (func (param "self" (borrow $tensor)) (result $data)))))
  (alias export $tensor "tensor" (type $tensor-type))
  (import "wasi:nn/errors@0.2.0-rc-2024-10-28" (instance $errors
    (type $codes (enum "invalid-argument" "invalid-encoding" "timeout" "runtime-error"
      "unsupported-operation" "too-large" "not-found" "security" "unknown"))
    (export "error-code" (type $code (eq $codes)))
    (export "error" (type $error (sub resource)))
    (export "[method]error.code" (func (param "self" (borrow $error)) (result $code)))
    (export "[method]error.data" (func (param "self" (borrow $error)) (result string)))))
  (alias export $errors "error" (type $error-type))
  (import "wasi:nn/inference@0.2.0-rc-2024-10-28" (instance $inference
    (alias outer $guest $error-type (type $outer-error))
    (alias outer $guest $tensor-type (type $outer-tensor))
    (export "error" (type $error (eq $outer-error)))
    (export "tensor" (type $tensor (eq $outer-tensor)))
    ;; begin edition
    (type $pair (tuple string (own $tensor)))
    (export "named-tensor" (type $named (eq $pair)))
    (export "graph-execution-context" (type $context (sub resource)))
    (export "[method]graph-execution-context.compute" (func
      (param "self" (borrow $context)) (param "inputs" (list $named))
      (result (result (list $named) (error (own $error))))))
    ;; end edition
  ))
  (alias export $inference "graph-execution-context" (type $context-type))
  (import "wasi:nn/graph@0.2.0-rc-2024-10-28" (instance $graph
    (alias outer $guest $error-type (type $outer-error))
    (alias outer $guest $context-type (type $outer-context))
    (export "error" (type $error (eq $outer-error)))
    (export "graph-execution-context" (type $context (eq $outer-context)))
    (export "graph" (type $graph (sub resource)))
    (type $encodings (enum "openvino" "onnx" "tensorflow" "pytorch" "tensorflowlite" "ggml"
      "autodetect"))
    (export "graph-encoding" (type $encoding (eq $encodings)))
    (type $targets (enum "cpu" "gpu" "tpu"))
    (export "execution-target" (type $target (eq $targets)))
    (type $bytes (list u8))
    (export "graph-builder" (type $builder (eq $bytes)))
    (export "[method]graph.init-execution-context" (func
      (param "self" (borrow $graph)) (result (result (own $context) (error (own $error))))))
    (export "load" (func
      (param "builder" (list $builder)) (param "encoding" $encoding) (param "target" $target)
      (result (result (own $graph) (error (own $error))))))
    (export "load-by-name" (func
      (param "name" string) (result (result (own $graph) (error (own $error))))))))
  (export "wasi:nn/tensor@0.2.0-rc-2024-10-28" (instance $tensor))
  (export "wasi:nn/errors@0.2.0-rc-2024-10-28" (instance $errors))
  (export "wasi:nn/inference@0.2.0-rc-2024-10-28" (instance $inference))
  (export "wasi:nn/graph@0.2.0-rc-2024-10-28" (instance $graph)))
