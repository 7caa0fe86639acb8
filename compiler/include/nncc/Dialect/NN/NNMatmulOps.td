// Matrix products.

def NN_MatmulOp : NN_InferredOp<"matmul",
    [DeclareOpInterfaceMethods<NN_LinearInterface>]> {
  let summary = "Matrix product with broadcast batch dimensions";
  let description = [{
    lhs `[batch..., M, K]`, rhs `[batch..., K, N]`, result `[batch..., M, N]`
    of the operands' element type. Batch dimensions broadcast as in numpy; an
    lhs of rank 1 is `[1, K]` and an rhs of rank 1 `[K, 1]`, with that dimension
    dropped from the result. Products of i16 are summed up in i32, the result's
    type then; other integers wrap. (ONNX: MatMul, and Gemm after its decomposition.)
  }];
  let arguments = (ins NN_Tensor:$lhs, NN_Tensor:$rhs);
  let results = (outs NN_Tensor:$result);
}
