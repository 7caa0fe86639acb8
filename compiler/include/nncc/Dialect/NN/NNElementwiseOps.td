// Elementwise ops. Operands broadcast as in numpy: ranks are aligned on the
// right, a dimension of static size 1 stretches.

class NN_ElementwiseOp<string mnemonic, dag args, string scalar,
                       list<Trait> traits = []>
    : NN_InferredOp<mnemonic, !listconcat([
        DeclareOpInterfaceMethods<NN_ElementwiseInterface, ["buildScalar"]>],
        traits)> {
  let arguments = args;
  let results = (outs NN_Tensor:$result);
  // An expression of C++ over `b` (OpBuilder), `loc`, `args` (scalars) and
  // `type` (the result's element type), defining buildScalar.
  string scalarExpr = scalar;
  let extraClassDefinition = [{
    ::mlir::Value $cppClass::buildScalar(::mlir::OpBuilder &b, ::mlir::ValueRange args) {
      ::mlir::Location loc = getLoc();
      ::mlir::Type type = getResult().getType().getElementType();
      (void)loc, (void)type;
      return }] # scalar # [{;
    }
  }];
}

class NN_UnaryOp<string mnemonic, string scalar, list<Trait> traits = []>
    : NN_ElementwiseOp<mnemonic, (ins NN_Tensor:$input), scalar, traits>;

class NN_BinaryOp<string mnemonic, string scalar, list<Trait> traits = []>
    : NN_ElementwiseOp<mnemonic, (ins NN_Tensor:$lhs, NN_Tensor:$rhs), scalar,
                       traits>;

// Shape arithmetic is made of these.
class NN_ShapeArithmeticOp<string mnemonic, string scalar>
    : NN_BinaryOp<mnemonic, scalar,
        [DeclareOpInterfaceMethods<NN_SymbolicValueInterface>]>;

// A comparison: the result is a tensor of i1.
class NN_CompareOp<string mnemonic, string scalar>
    : NN_BinaryOp<mnemonic, scalar, [NN_Comparison]>;
