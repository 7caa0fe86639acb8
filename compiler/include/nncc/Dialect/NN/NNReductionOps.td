// Reductions along axes. Axes are not negative; a reduced dimension is dropped,
// or stays with size 1 where `keepdims` is set.

/// PermutableOpInterface's method, by a function of lib/Dialect/NN/Permute.h.
class NN_Permute<string function> {
  string definition = [{
    ::mlir::Value $cppClass::buildPermuted(
        ::mlir::OpBuilder &b, ::mlir::ValueRange sources,
        ::llvm::ArrayRef<int64_t> perm,
        ::llvm::SmallVectorImpl<int64_t> &resultPerm) {
      return ::nncc::nn::}] # function # [{(*this, b, sources, perm,
                                            resultPerm);
    }
  }];
}

class NN_ReduceOp<string mnemonic, string neutral, string combine,
                  list<Trait> traits = [], string lowering = "lowerReduction">
    : NN_InferredOp<mnemonic, !listconcat([
        DeclareOpInterfaceMethods<NN_PermutableInterface>,
        DeclareOpInterfaceMethods<NN_ReductionInterface>], traits)> {
  let arguments = (ins NN_Tensor:$input, DenseI64ArrayAttr:$axes,
                       UnitAttr:$keepdims);
  let results = (outs NN_Tensor:$result);
  let hasFolder = 1;
  let extraClassDefinition = [{
    ::mlir::LogicalResult $cppClass::inferReturnTypes(
        ::mlir::MLIRContext *, ::std::optional<::mlir::Location> loc,
        Adaptor op, ::llvm::SmallVectorImpl<::mlir::Type> &types) {
      return ::nncc::nn::inferReduction(loc, op.getInput().getType(),
          op.getAxes(), op.getKeepdims(), types);
    }
    ::mlir::FailureOr<::llvm::SmallVector<::mlir::Value>>
    $cppClass::lowerToLinalg(::nncc::nn::LoweringBuilder &builder,
                             ::mlir::ValueRange operands) {
      return ::nncc::nn::}] # lowering # [{(*this, getAxes(), builder,
                                           operands[0]);
    }
    ::mlir::OpFoldResult $cppClass::fold(FoldAdaptor adaptor) {
      if (getAxes().empty())
        return getInput();
      return {};
    }
    ::mlir::TypedAttr $cppClass::getNeutral(::mlir::Type type) {
      return ::nncc::nn::scalar::}] # neutral # [{(type);
    }
    ::mlir::Value $cppClass::combine(::mlir::OpBuilder &b,
                                     ::mlir::Value element,
                                     ::mlir::Value accumulator) {
      return ::nncc::nn::scalar::}] # combine # [{(b, getLoc(),
          ::mlir::getElementTypeOrSelf(getInput().getType()),
          {accumulator, element});
    }
  }] # NN_Permute<"permuteReduction">.definition;
}

def NN_ReduceSumOp : NN_ReduceOp<"reduce_sum", "getZero", "add">;
def NN_ReduceProdOp : NN_ReduceOp<"reduce_prod", "getOne", "mul",
    [DeclareOpInterfaceMethods<NN_SymbolicValueInterface>]>;
def NN_ReduceMaxOp : NN_ReduceOp<"reduce_max", "getLeast", "max"> {
  let summary = "Maximum; of i1, whether any is true";
}
def NN_ReduceMinOp : NN_ReduceOp<"reduce_min", "getGreatest", "min"> {
  let summary = "Minimum; of i1, whether all are true";
}
def NN_ReduceMeanOp : NN_ReduceOp<"reduce_mean", "getZero", "add", [],
                                  "lowerMean"> {
  let summary = "Sum divided by the number of elements, which may be symbolic";
}

class NN_ArgReduceOp<string mnemonic> : NN_InferredOp<mnemonic,
    [DeclareOpInterfaceMethods<NN_PermutableInterface>]> {
  let arguments = (ins NN_Tensor:$input, I64Attr:$axis, UnitAttr:$keepdims,
                       UnitAttr:$select_last);
  let results = (outs NN_Tensor:$result);
  let description = [{
    The result is of i64. Of equal elements the first counts, with
    `select_last` the last.
  }];
  let extraClassDefinition = NN_Permute<"permuteArgReduction">.definition;
}
def NN_ArgMaxOp : NN_ArgReduceOp<"argmax"> {
  let summary = "Position of the maximum along an axis";
}
def NN_ArgMinOp : NN_ArgReduceOp<"argmin"> {
  let summary = "Position of the minimum along an axis";
}

class NN_SoftmaxLikeOp<string mnemonic> : NN_InferredOp<mnemonic,
    [DeclareOpInterfaceMethods<NN_PermutableInterface>]> {
  let arguments = (ins NN_Tensor:$input, I64Attr:$axis);
  let results = (outs NN_Tensor:$result);
  let extraClassDefinition = NN_Permute<"permuteAxis">.definition;
}
def NN_SoftmaxOp : NN_SoftmaxLikeOp<"softmax"> {
  let summary = "exp(x - max) / sum(exp(x - max)) along an axis";
}
def NN_LogSoftmaxOp : NN_SoftmaxLikeOp<"log_softmax"> {
  let summary = "(x - max) - log(sum(exp(x - max))) along an axis";
}

def NN_CumSumOp : NN_InferredOp<"cumsum",
    [DeclareOpInterfaceMethods<NN_PermutableInterface>]> {
  let summary = "Running sums along an axis";
  let description = [{
    Element i is the sum up to and with i, without i where `exclusive` is set;
    from the end where `reverse` is set.
  }];
  let arguments = (ins NN_Tensor:$input, I64Attr:$axis, UnitAttr:$exclusive,
                       UnitAttr:$reverse);
  let results = (outs NN_Tensor:$result);
}
