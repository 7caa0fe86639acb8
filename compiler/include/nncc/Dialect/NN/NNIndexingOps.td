// Reading and writing at computed positions. Indices are of i32 or i64; a
// negative one counts from the end. Axes are not negative.

def NN_GatherOp : NN_InferredOp<"gather", [NN_MovesElements]> {
  let summary = "Slices of `data` along an axis";
  let description = [{
    `[D0.., axis, Dn..]` and indices `[I...]` give `[D0.., I..., Dn..]`.
  }];
  let arguments = (ins NN_Tensor:$data, NN_Tensor:$indices, I64Attr:$axis);
  let results = (outs NN_Tensor:$result);
  let hasFolder = 1;
}

def NN_GatherElementsOp : NN_InferredOp<"gather_elements"> {
  let summary = "result[.., i, ..] = data[.., indices[.., i, ..], ..]";
  let arguments = (ins NN_Tensor:$data, NN_Tensor:$indices, I64Attr:$axis);
  let results = (outs NN_Tensor:$result);
}

def NN_GatherNDOp : NN_InferredOp<"gather_nd"> {
  let summary = "Slices of `data` at index tuples";
  let description = [{
    The last dimension of `indices`, of static size, holds tuples that index the
    dimensions of `data` from `batch_dims` on; the first `batch_dims` are common.
  }];
  let arguments = (ins NN_Tensor:$data, NN_Tensor:$indices,
                       DefaultValuedAttr<I64Attr, "0">:$batch_dims);
  let results = (outs NN_Tensor:$result);
}

def NN_ScatterNDOp : NN_InferredOp<"scatter_nd"> {
  let summary = "`data` with slices at index tuples updated";
  let description = [{
    The last dimension of `indices`, of static size k, holds tuples that index
    the first k dimensions of `data`. Updates happen in row-major order.
  }];
  let arguments = (ins NN_Tensor:$data, NN_Tensor:$indices, NN_Tensor:$updates,
    DefaultValuedAttr<NN_ScatterReduction,
                      "::nncc::nn::ScatterReduction::None">:$reduction);
  let results = (outs NN_Tensor:$result);
}

def NN_ScatterElementsOp : NN_InferredOp<"scatter_elements"> {
  let summary = "`data` with elements at indices along an axis updated";
  let arguments = (ins NN_Tensor:$data, NN_Tensor:$indices, NN_Tensor:$updates,
    I64Attr:$axis,
    DefaultValuedAttr<NN_ScatterReduction,
                      "::nncc::nn::ScatterReduction::None">:$reduction);
  let results = (outs NN_Tensor:$result);
}

def NN_OneHotOp : NN_InferredOp<"one_hot"> {
  let summary = "A vector for each index: `values[1]` there, else `values[0]`";
  let description = [{
    `depth`, a map with one result, is the size of the new dimension, which the
    result has at `axis` (up to the rank of `indices`). Indices may be of any
    number type; one out of range gives no `values[1]`.
  }];
  let arguments = (ins NN_Tensor:$indices, NN_Tensor:$values,
                       AffineMapAttr:$depth, I64Attr:$axis);
  let results = (outs NN_Tensor:$result);
}
