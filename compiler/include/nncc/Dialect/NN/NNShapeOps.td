// Constants, shapes, and ops that move elements about. Axes are not negative.
// Sizes and positions that may be symbolic are maps `()[s0, ...] -> (...)` with
// one result a dimension (makeSymbolMap of Symbols.h makes them).

def NN_ConstantOp : NN_Op<"constant", [ConstantLike,
    InferTypeOpAdaptor,
    DeclareOpInterfaceMethods<NN_LowerToLinalgInterface>]> {
  let summary = "Constant of the type of its attribute";
  let arguments = (ins ElementsAttr:$value);
  let results = (outs NN_Tensor:$result);
  let hasFolder = 1;
  let assemblyFormat = "attr-dict $value";
}

def NN_ShapeOfOp : NN_InferredOp<"shape_of",
    [DeclareOpInterfaceMethods<NN_SymbolicValueInterface>]> {
  let summary = "The input's sizes as a 1-D tensor of i64";
  let arguments = (ins NN_Tensor:$input);
  let results = (outs NN_Tensor:$result);
  let hasFolder = 1;
}

def NN_SizesOp : NN_InferredOp<"sizes",
    [DeclareOpInterfaceMethods<NN_SymbolicValueInterface>]> {
  let summary = "Expressions over the symbols as a 1-D tensor of i64";
  let arguments = (ins AffineMapAttr:$exprs);
  let results = (outs NN_Tensor:$result);
}

def NN_BindSizesOp : Op<NN_Dialect, "bind_sizes", [MemoryEffects<[MemWrite]>,
    DeclareOpInterfaceMethods<NN_LowerToLinalgInterface>]> {
  let summary = "Sizes that are known only when the program runs";
  let description = [{
    From here on the symbol `first` + i is element i of `values`, a 1-D i64.
    Stands before all tensors whose sizes need these symbols; in the body of a loop
    each step binds them again.
    The run fails where an element is negative or the sizes are too large.
  }];
  let arguments = (ins NN_Tensor:$values, I64Attr:$first);
  let assemblyFormat = "$values `from` $first attr-dict `:` type($values)";
  let hasVerifier = 1;
}

def NN_CheckSizesOp : Op<NN_Dialect, "check_sizes", [MemoryEffects<[MemWrite]>,
    DeclareOpInterfaceMethods<NN_LowerToLinalgInterface>]> {
  let summary = "The run fails unless sizes are equal";
  let arguments = (ins AffineMapAttr:$lhs, AffineMapAttr:$rhs);
  let assemblyFormat = "$lhs `is` $rhs attr-dict";
}

def NN_ReshapeOp : NN_Op<"reshape", [
    DeclareOpInterfaceMethods<NN_PermutableInterface>,
    DeclareOpInterfaceMethods<NN_LowerToLinalgInterface>,
    NN_MovesElements]> {
  let summary = "The same elements in row-major order with the result's sizes";
  let arguments = (ins NN_Tensor:$input);
  let results = (outs NN_Tensor:$result);
  let builders = [OpBuilder<(ins "::mlir::Value":$input,
                                 "::llvm::ArrayRef<::mlir::AffineExpr>":$dims)>];
  let hasFolder = 1;
  let hasCanonicalizer = 1;
  let hasVerifier = 1;
}

def NN_BroadcastToOp : NN_Op<"broadcast_to", [
    DeclareOpInterfaceMethods<NN_PermutableInterface>,
    DeclareOpInterfaceMethods<NN_LowerToLinalgInterface>,
    NN_MovesElements]> {
  let summary = "The input stretched to the result's sizes as numpy broadcasts";
  let arguments = (ins NN_Tensor:$input);
  let results = (outs NN_Tensor:$result);
  let builders = [OpBuilder<(ins "::mlir::Value":$input,
                                 "::llvm::ArrayRef<::mlir::AffineExpr>":$dims)>];
  let hasFolder = 1;
  let hasVerifier = 1;
}

def NN_TransposeOp : NN_InferredOp<"transpose",
    [NN_MovesElements]> {
  let summary = "Result dimension i is dimension perm[i] of the input";
  let arguments = (ins NN_Tensor:$input, DenseI64ArrayAttr:$perm);
  let results = (outs NN_Tensor:$result);
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def NN_ConcatOp : NN_InferredOp<"concat",
    [DeclareOpInterfaceMethods<NN_PermutableInterface>,
     NN_MovesElements]> {
  let summary = "The inputs one after another along an axis";
  let arguments = (ins Variadic<NN_Tensor>:$inputs, I64Attr:$axis);
  let results = (outs NN_Tensor:$result);
  let hasFolder = 1;
}

def NN_SliceOp : NN_InferredOp<"slice",
    [DeclareOpInterfaceMethods<NN_PermutableInterface>,
     NN_MovesElements]> {
  let summary = "Evenly spaced elements along every dimension";
  let description = [{
    Result element i along a dimension is input element `starts + i * steps`;
    `sizes` are the result's sizes. Steps may be negative. All three have one
    entry for every dimension of the input.
  }];
  let arguments = (ins NN_Tensor:$input, AffineMapAttr:$starts,
                       AffineMapAttr:$sizes, DenseI64ArrayAttr:$steps);
  let results = (outs NN_Tensor:$result);
  let hasFolder = 1;
}

def NN_PadOp : NN_InferredOp<"pad",
    [DeclareOpInterfaceMethods<NN_PermutableInterface>]> {
  let summary = "A border around the input";
  let description = [{
    `low` and `high` say how many elements are added along each dimension;
    constants may be negative, which removes elements. The border is `value`
    (zero when absent), or what the mode takes from the input: "reflect" without
    the edge, "edge", "wrap".
  }];
  let arguments = (ins NN_Tensor:$input, AffineMapAttr:$low, AffineMapAttr:$high,
    DefaultValuedAttr<NN_PadMode, "::nncc::nn::PadMode::Constant">:$mode,
    OptionalAttr<TypedAttrInterface>:$value);
  let results = (outs NN_Tensor:$result);
  let hasFolder = 1;
}

def NN_IotaOp : NN_Op<"iota", [
    DeclareOpInterfaceMethods<NN_LowerToLinalgInterface>,
    DeclareOpInterfaceMethods<NN_SymbolicValueInterface>]> {
  let summary = "The position along an axis, in the result's element type";
  let arguments = (ins DefaultValuedAttr<I64Attr, "0">:$axis);
  let results = (outs NN_Tensor:$result);
  let hasVerifier = 1;
}

def NN_TileOp : NN_InferredOp<"tile",
    [DeclareOpInterfaceMethods<NN_PermutableInterface>]> {
  let summary = "The input repeated along each dimension";
  let arguments = (ins NN_Tensor:$input, AffineMapAttr:$repeats);
  let results = (outs NN_Tensor:$result);
  let hasFolder = 1;
}
