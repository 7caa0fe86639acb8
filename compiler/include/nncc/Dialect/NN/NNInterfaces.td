#ifndef NNCC_NN_INTERFACES
#define NNCC_NN_INTERFACES

include "mlir/IR/OpBase.td"

def NN_LowerToLinalgInterface : OpInterface<"LowerToLinalgOpInterface"> {
  let cppNamespace = "::nncc::nn";
  let description = [{An op that knows its linalg form.}];
  let methods = [
    InterfaceMethod<[{
      Emits the op's linalg form. `operands` are the lowered operands: plain
      tensors without an encoding. Returns one plain tensor a result. On
      failure an error has been emitted at the op.
    }], "::mlir::FailureOr<::llvm::SmallVector<::mlir::Value>>",
    "lowerToLinalg", (ins "::nncc::nn::LoweringBuilder &":$builder,
                          "::mlir::ValueRange":$operands)>
  ];
}

def NN_ElementwiseInterface : OpInterface<"ElementwiseOpInterface"> {
  let cppNamespace = "::nncc::nn";
  let description = [{
    An op that computes each result element from the operands' elements at the
    same (numpy-broadcast) position.
  }];
  let methods = [
    InterfaceMethod<[{
      Emits the op on scalars. Integer scalars are signless; the op's tensor
      types say whether they are signed.
    }], "::mlir::Value", "buildScalar",
    (ins "::mlir::OpBuilder &":$b, "::mlir::ValueRange":$args)>,
    InterfaceMethod<[{
      What an integer that is the result lies between, given what the operands
      lie between.
    }], "::nncc::nn::ElementRange", "inferRange",
      (ins "::llvm::ArrayRef<::nncc::nn::ElementRange>":$operands)>
  ];
}

def NN_ReductionInterface : OpInterface<"ReductionOpInterface"> {
  let cppNamespace = "::nncc::nn";
  let description = [{An op that combines the elements along some axes.}];
  let methods = [
    InterfaceMethod<[{The value that a reduction starts from.}],
      "::mlir::TypedAttr", "getNeutral", (ins "::mlir::Type":$elementType)>,
    InterfaceMethod<[{Combines an element with the accumulator.}],
      "::mlir::Value", "combine", (ins "::mlir::OpBuilder &":$b,
        "::mlir::Value":$element, "::mlir::Value":$accumulator)>
  ];
}

def NN_SymbolicValueInterface : OpInterface<"SymbolicValueOpInterface"> {
  let cppNamespace = "::nncc::nn";
  let description = [{
    An op on small integer tensors that shape computations are made of.
  }];
  let methods = [
    InterfaceMethod<[{
      The elements of the one result in row-major order, as expressions over
      the program's symbols, given the operands' elements (none where unknown).
    }], "::nncc::nn::SymbolicElements", "inferElements",
      (ins "::llvm::ArrayRef<::nncc::nn::SymbolicElements>":$operands)>,
    InterfaceMethod<[{
      How many operands, the first ones, the op takes the result's elements
      from, if it only moves elements; 0 if it computes them.
    }], "unsigned", "getNumMovedOperands", (ins), "", "return 0;">
  ];
}

// For an op that only moves elements.
def NN_MovesElements : DeclareOpInterfaceMethods<NN_SymbolicValueInterface,
    ["getNumMovedOperands"]>;

def NN_PermutableInterface : OpInterface<"PermutableOpInterface"> {
  let cppNamespace = "::nncc::nn";
  let description = [{
    An op with one result that can be computed on operands whose dimensions are
    in another order. (Every elementwise op can, without this interface.)
  }];
  let methods = [
    InterfaceMethod<[{
      Operand i is the transpose of sources[i] by `perm`: its dimension d is
      dimension perm[d] of the source. Emits the op on the sources and sets
      `resultPerm`, so that the op's result is the transpose of the value
      returned by `resultPerm`. Returns null, having emitted nothing, where the
      op does not commute with the permutation.
    }], "::mlir::Value", "buildPermuted",
      (ins "::mlir::OpBuilder &":$b, "::mlir::ValueRange":$sources,
           "::llvm::ArrayRef<int64_t>":$perm,
           "::llvm::SmallVectorImpl<int64_t> &":$resultPerm)>
  ];
}

def NN_LinearInterface : OpInterface<"LinearOpInterface"> {
  let cppNamespace = "::nncc::nn";
  let description = [{
    An op that is linear in an operand, its weights, whose last dimension is the
    result's last one: scaling either of the two along it scales the other.
  }];
  let methods = [
    InterfaceMethod<[{
      The operand number of the weights, none where their last dimension is not
      the result's.
    }], "::std::optional<unsigned>", "getWeightsOperand">
  ];
}

#endif
