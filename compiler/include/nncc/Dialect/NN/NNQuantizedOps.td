// Quantised numbers: an integer q stands for (q - zero_point) * scale. The
// operands broadcast as in numpy; a zero point has the type of the integers.

class NN_QuantizedOp<string mnemonic, string scalar> : NN_ScalarOp<mnemonic,
    (ins NN_Tensor:$input, NN_Tensor:$scale, NN_Tensor:$zero_point), scalar,
    [InferTypeOpAdaptor]>;

def NN_DequantizeOp : NN_QuantizedOp<"dequantize",
    "scalar::dequantize(b, loc, type, getType().getElementType(), args)"> {
  let summary = "(input - zero_point) * scale, of the scale's element type";
  // A bias of i32 stays one until nn-requantize has seen it.
  let evaluates = "!getInput().getType().getElementType().isInteger(32)";
}

def NN_QuantizeOp : NN_QuantizedOp<"quantize",
    "scalar::quantize(b, loc, type, ::mlir::getElementTypeOrSelf(getScale().getType()), getType().getElementType(), args)"> {
  let summary = "round(input / scale) + zero_point, saturated";
  let description = [{
    The result has the zero point's element type, an integer of up to 16 bits.
    Ties round to even; a NaN becomes the least number.
  }];
}

def NN_SaturateOp : NN_ScalarOp<"saturate",
    (ins NN_Tensor:$input, I64Attr:$low, I64Attr:$high),
    "scalar::saturate(b, loc, getType().getElementType(), args[0], getLow(), getHigh())",
    []> {
  let summary = "The nearest integer, bounded by low and high";
  let description = [{
    From f32 to an integer type that holds the bounds, which are less than 2^22,
    or to f32. Ties round to even; a NaN becomes `low`.
  }];
  let range = "ElementRange{double(int64_t(getLow())), double(int64_t(getHigh()))}";
  let hasVerifier = 1;
}

def NN_BlockMatmulOp : NN_InferredOp<"block_matmul"> {
  let summary = "Matrix product with weights of 2, 4 or 8 bits in blocks";
  let description = [{
    lhs `[rows..., K]` of f32, result `[rows..., N]`. `weights` is `[N, blocks,
    bytes]` of ui8, each block the integers of `bytes * 8 / bits` elements of K,
    the first in the low bits of the first byte; `scales` is `[N, blocks]`, and
    `zero_points` too or one number, both of f32. A weight stands for
    `(integer - zero_point) * scale`. The weights stay packed; lhs is rounded,
    block by block, to integers of `lhs_bits`: 8, 16, or 32, which is as exact as
    f32. (ONNX: com.microsoft MatMulNBits.)
  }];
  let arguments = (ins NN_Tensor:$lhs, NN_Tensor:$weights, NN_Tensor:$scales,
                       NN_Tensor:$zero_points, I64Attr:$bits,
                       DefaultValuedAttr<I64Attr, "32">:$lhs_bits);
  let results = (outs NN_Tensor:$result);
  let hasVerifier = 1;
}
