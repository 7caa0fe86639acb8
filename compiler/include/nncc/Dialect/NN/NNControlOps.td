// Loops and branches. Bodies use the values around them directly. Tensors keep
// their types from step to step, and both branches give the same types, but for
// sizes that the op itself binds: the symbols `first_size` + i for i less than
// `num_sizes`, each less 1 (see bind_sizes).

def NN_YieldOp : Op<NN_Dialect, "yield", [Pure, Terminator,
    ParentOneOf<["LoopOp", "IfOp"]>]> {
  let summary = "What a step of a loop or a branch gives";
  let arguments = (ins Variadic<NN_Tensor>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
}

def NN_LoopOp : NN_Op<"loop", [AttrSizedOperandSegments,
    SingleBlock, DeclareOpInterfaceMethods<NN_LowerToLinalgInterface>]> {
  let summary = "Steps that hand tensors on to each other";
  let description = [{
    The number of steps is `count`, a map with one result, or `limit`, an i64
    of rank 0 known only at run time; with a `condition`, an i1 of rank 0, it
    is the largest number: the loop ends when the condition is false.

    The body gets the number of the step, an i64 of rank 0, and the states,
    which start as `initial`. It yields the next condition if there is one, the
    next states, and elements that are stacked along a new first dimension of
    size `count` (without a condition only). Results are the last states and
    the stacks. (ONNX: Loop, Scan.)

    States that change their sizes have symbols in the body and as results: those
    of `first_size` on are bound to the sizes of `initial` first and to those of
    the next states after each step. The `num_sizes` symbols that follow them are
    the op's own.
  }];
  let arguments = (ins OptionalAttr<AffineMapAttr>:$count,
                       Optional<NN_Tensor>:$limit,
                       Optional<NN_Tensor>:$condition,
                       Variadic<NN_Tensor>:$initial,
                       OptionalAttr<I64Attr>:$first_size,
                       OptionalAttr<I64Attr>:$num_sizes);
  let results = (outs Variadic<NN_Tensor>:$outputs);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    (`count` $count^)? (`limit` `(` $limit^ `:` type($limit) `)`)?
    (`while` `(` $condition^ `:` type($condition) `)`)?
    (`from` `(` $initial^ `:` type($initial) `)`)?
    (`sizes` $first_size^ `,` $num_sizes)? attr-dict
    (`->` type($outputs)^)? `do` $body
  }];
  let hasVerifier = 1;
}

def NN_IfOp : NN_Op<"if", [DeclareOpInterfaceMethods<NN_LowerToLinalgInterface>]> {
  let summary = "One of two branches, as an i1 of rank 0 says";
  let description = [{
    Sizes of results in which the branches differ are symbols that the branch
    which is taken binds.
  }];
  let arguments = (ins NN_Tensor:$condition,
                       OptionalAttr<I64Attr>:$first_size,
                       OptionalAttr<I64Attr>:$num_sizes);
  let results = (outs Variadic<NN_Tensor>:$outputs);
  let regions = (region SizedRegion<1>:$then_branch, SizedRegion<1>:$else_branch);
  let assemblyFormat = [{
    $condition (`sizes` $first_size^ `,` $num_sizes)? attr-dict
    `:` type($condition) (`->` type($outputs)^)?
    `then` $then_branch `else` $else_branch
  }];
  let hasVerifier = 1;
}
