// Convolution, pooling and resizing. Activations are channels-last:
// [N, spatial..., C] with one to three spatial dimensions. Attributes that are
// arrays have one entry a spatial dimension.

include "nncc/Dialect/NN/NNEnums.td"

def NN_ConvOp : NN_InferredOp<"conv",
    [DeclareOpInterfaceMethods<NN_LinearInterface>]> {
  let summary = "Convolution (cross-correlation)";
  let description = [{
    input `[N, S..., C]`, filter `[K..., C / groups, O]`, result
    `[N, S'..., O]` of the input's element type (i32 for i16), where
    `S' = floor((S + low + high - (K - 1) * dilation - 1) / stride) + 1`.

    Output channels `g * O / groups` up to `(g + 1) * O / groups` see the input
    channels of group g alone. `groups = C` is a depthwise convolution. There
    is no bias operand: a bias is an nn.add. (ONNX: Conv. Its filter
    `[O, C / groups, K...]` becomes this one by a transpose; `auto_pad` is
    resolved with getSamePadding of Spatial.h.)
  }];
  let arguments = (ins
    NN_Tensor:$input, NN_Tensor:$filter,
    DenseI64ArrayAttr:$strides,
    DenseI64ArrayAttr:$pads_low,
    DenseI64ArrayAttr:$pads_high,
    DenseI64ArrayAttr:$dilations,
    DefaultValuedAttr<I64Attr, "1">:$groups);
  let results = (outs NN_Tensor:$result);
}

def NN_ConvTransposeOp : NN_InferredOp<"conv_transpose",
    [DeclareOpInterfaceMethods<NN_LinearInterface>]> {
  let summary = "Transposed convolution";
  let description = [{
    input `[N, S..., C]`, filter `[K..., C / groups, O]` (as nn.conv has it:
    the channels of group g of the input meet the g-th slice of O), result
    `[N, S'..., O]`, where
    `S' = (S - 1) * stride + (K - 1) * dilation + 1 + output_padding - low - high`.

    result[s * stride + k * dilation - low] += input[s] * filter[k]. (ONNX:
    ConvTranspose. Its filter `[C, O / groups, K...]` becomes this one by a
    transpose, with a reshape that splits C when groups > 1; `output_shape` and
    `auto_pad` are resolved into pads.)
  }];
  let arguments = (ins
    NN_Tensor:$input, NN_Tensor:$filter,
    DenseI64ArrayAttr:$strides,
    DenseI64ArrayAttr:$pads_low,
    DenseI64ArrayAttr:$pads_high,
    DenseI64ArrayAttr:$output_padding,
    DenseI64ArrayAttr:$dilations,
    DefaultValuedAttr<I64Attr, "1">:$groups);
  let results = (outs NN_Tensor:$result);
}

class NN_PoolOp<string mnemonic, dag extra> : NN_InferredOp<mnemonic> {
  let arguments = !con((ins
    NN_Tensor:$input,
    DenseI64ArrayAttr:$kernel,
    DenseI64ArrayAttr:$strides,
    DenseI64ArrayAttr:$pads_low,
    DenseI64ArrayAttr:$pads_high,
    DenseI64ArrayAttr:$dilations,
    UnitAttr:$ceil_mode), extra);
  let results = (outs NN_Tensor:$result);
}

def NN_MaxPoolOp : NN_PoolOp<"max_pool", (ins)> {
  let summary = "Maximum over windows";
  let description = [{
    input `[N, S..., C]`, result `[N, S'..., C]`; S' as in nn.conv, rounded up
    with `ceil_mode` as long as the last window starts inside the input or its
    low padding. Padding never wins (-inf, or the least integer). (ONNX:
    MaxPool without its Indices output.)
  }];
}

def NN_AvgPoolOp : NN_PoolOp<"avg_pool", (ins UnitAttr:$count_include_pad)> {
  let summary = "Mean over windows";
  let description = [{
    As nn.max_pool, with the mean of each window's elements. The divisor counts
    the elements inside the input, with `count_include_pad` also those of the
    padding, never those that only `ceil_mode` adds. (ONNX: AveragePool.)
  }];
}

def NN_LpPoolOp : NN_PoolOp<"lp_pool", (ins DefaultValuedAttr<I64Attr, "2">:$p)> {
  let summary = "p-norm over windows";
  let description = [{
    As nn.max_pool, with `(sum |x|^p)^(1/p)` of each window, p = 1 or 2.
    (ONNX: LpPool.)
  }];
}

def NN_ResizeOp : NN_Op<"resize", [
    DeclareOpInterfaceMethods<NN_PermutableInterface>,
    DeclareOpInterfaceMethods<NN_LowerToLinalgInterface>]> {
  let summary = "Resampling along some axes";
  let description = [{
    The result's type is given; along every axis that is not in `axes` it
    equals the input's. Any rank and any axes, in any layout: interpolation is
    separable, one axis after another.

    `scales` has one entry an axis of `axes` and is what coordinates are
    computed with; without it they come from the sizes (ONNX `sizes`).
    `nearest_mode` belongs to the mode "nearest", `cubic_coeff_a` and
    `exclude_outside` to "cubic" (`exclude_outside` also to "linear" with
    `antialias`). `roi` holds (start, end) of every axis in `axes`, normalised
    to the input's size, for the coordinate mode "tf_crop_and_resize", which
    gives `extrapolation_value` outside of the input. The coordinate mode
    "tf_half_pixel_for_nn" and the nearest mode "simple" (ceil where an axis
    shrinks, else floor) are those of old opsets. (ONNX: Resize, Upsample.
    getResizedDim of Spatial.h computes a dimension from a scale.)
  }];
  let arguments = (ins
    NN_Tensor:$input,
    DenseI64ArrayAttr:$axes,
    OptionalAttr<DenseF32ArrayAttr>:$scales,
    DefaultValuedAttr<NN_ResizeMode, "::nncc::nn::ResizeMode::Nearest">:$mode,
    DefaultValuedAttr<NN_CoordinateMode,
                      "::nncc::nn::CoordinateMode::HalfPixel">:$coordinate_mode,
    DefaultValuedAttr<NN_NearestMode,
                      "::nncc::nn::NearestMode::RoundPreferFloor">:$nearest_mode,
    DefaultValuedAttr<F32Attr, "-0.75f">:$cubic_coeff_a,
    UnitAttr:$exclude_outside,
    UnitAttr:$antialias,
    OptionalAttr<DenseF32ArrayAttr>:$roi,
    DefaultValuedAttr<F32Attr, "0.0f">:$extrapolation_value);
  let results = (outs NN_Tensor:$result);
  let hasVerifier = 1;
}
