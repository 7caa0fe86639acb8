// Recurrent layers, as ONNX defines them with layout = 0. T: steps, N: batch,
// I: input size, H: hidden size, D: directions (2 when bidirectional, else 1).
// A frontend resolves layout = 1 with transposes.
//
// Common operands: input [T, N, I]; weights [D, gates * H, I]; recurrence
// [D, gates * H, H]; bias [D, 2 * gates * H], those of the input product before
// those of the recurrence; sequence_lens [N] (an integer type; a step at or
// beyond its sequence's length leaves the state as it is and gives zeros);
// initial_h [D, N, H] (zeros when absent).
//
// Common attributes: `activations`, the gates' nonlinearities, direction after
// direction (names of NN_Activation); `alphas` and `betas` their parameters,
// one entry an activation (absent: ONNX's defaults of each); `clip`, the bound
// on the activations' inputs.
//
// Results: y [T, D, N, H] and the last states [D, N, H].

class NN_RecurrentOp<string mnemonic, dag inputs, dag extra, dag outs_>
    : NN_InferredOp<mnemonic, [AttrSizedOperandSegments]> {
  let arguments = !con(inputs, (ins
    TypedArrayAttrBase<NN_Activation, "names of activations">:$activations,
    OptionalAttr<DenseF32ArrayAttr>:$alphas,
    OptionalAttr<DenseF32ArrayAttr>:$betas,
    DefaultValuedAttr<NN_Direction, "::nncc::nn::Direction::Forward">:$direction,
    OptionalAttr<F32Attr>:$clip), extra);
  let results = outs_;
}

def NN_LstmOp : NN_RecurrentOp<"lstm",
    (ins NN_Tensor:$input, NN_Tensor:$weights, NN_Tensor:$recurrence,
         Optional<NN_Tensor>:$bias, Optional<NN_Tensor>:$sequence_lens,
         Optional<NN_Tensor>:$initial_h, Optional<NN_Tensor>:$initial_c,
         Optional<NN_Tensor>:$peepholes),
    (ins UnitAttr:$input_forget),
    (outs NN_Tensor:$y, NN_Tensor:$last_h, NN_Tensor:$last_c)> {
  let summary = "Long short-term memory";
  let description = [{
    Gates in the order i, o, f, c; peepholes `[D, 3 * H]` in the order i, o, f.
    Three activations a direction: of the gates, of the cell's input and of
    the cell's output (by default sigmoid, tanh, tanh, written out).
    `input_forget` couples the input and forget gates: f = 1 - i.
    (ONNX: LSTM.)
  }];
}

def NN_GruOp : NN_RecurrentOp<"gru",
    (ins NN_Tensor:$input, NN_Tensor:$weights, NN_Tensor:$recurrence,
         Optional<NN_Tensor>:$bias, Optional<NN_Tensor>:$sequence_lens,
         Optional<NN_Tensor>:$initial_h),
    (ins UnitAttr:$linear_before_reset),
    (outs NN_Tensor:$y, NN_Tensor:$last_h)> {
  let summary = "Gated recurrent unit";
  let description = [{
    Gates in the order z, r, h. Two activations a direction: of the gates z and
    r, and of h. `linear_before_reset` applies the reset gate after the
    recurrence product and its bias. (ONNX: GRU.)
  }];
}

def NN_RnnOp : NN_RecurrentOp<"rnn",
    (ins NN_Tensor:$input, NN_Tensor:$weights, NN_Tensor:$recurrence,
         Optional<NN_Tensor>:$bias, Optional<NN_Tensor>:$sequence_lens,
         Optional<NN_Tensor>:$initial_h),
    (ins),
    (outs NN_Tensor:$y, NN_Tensor:$last_h)> {
  let summary = "Simple recurrent layer";
  let description = [{
    One activation a direction. (ONNX: RNN.)
  }];
}
