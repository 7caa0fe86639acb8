// Elementwise ops. Operands broadcast as in numpy: ranks are aligned on the
// right, a dimension of static size 1 stretches, and two different symbolic
// sizes are taken as equal. All operands have one element type unless an op
// says otherwise.

// The element types that an op takes (ElementKind of Elementwise.h).
class NN_Kind<string kind> {
  string cpp = "::nncc::nn::ElementKind::" # kind;
}
def NN_AnyKind : NN_Kind<"Any">;
def NN_FloatKind : NN_Kind<"Float">;
def NN_NumberKind : NN_Kind<"Number">;    // Float, or an integer but i1
def NN_IntegerKind : NN_Kind<"Integer">;  // with i1
def NN_BoolKind : NN_Kind<"Bool">;        // i1

// `scalar` is an expression of C++ that gives the result for the scalars `args`,
// over `b` (OpBuilder), `loc` and `type`, the first operand's element type.
class NN_ScalarOp<string mnemonic, dag args, string scalar, list<Trait> traits>
    : NN_Op<mnemonic, !listconcat([
        DeclareOpInterfaceMethods<NN_LowerToLinalgInterface>,
        DeclareOpInterfaceMethods<NN_ElementwiseInterface>], traits)> {
  let arguments = args;
  let results = (outs NN_Tensor:$result);
  let hasFolder = 1;
  // An expression of C++ that gives the value that the op is equal to, or null.
  string identity = "::mlir::Value()";
  // Whether the op is evaluated where its operands are small constants.
  string evaluates = "true";
  // An expression of C++ that gives the range of an integer result for the
  // operands' `ranges` (ElementRange.h), over `type`, the first operand's
  // element type.
  string range = "::nncc::nn::ElementRange()";
  string commonDefinition = [{
    ::mlir::OpFoldResult $cppClass::fold(FoldAdaptor adaptor) {
      if (::mlir::Value value = }] # identity # [{)
        return value;
      if (!(}] # evaluates # [{))
        return {};
      return ::nncc::nn::foldElementwise(*this, adaptor.getOperands());
    }
    ::mlir::Value $cppClass::buildScalar(::mlir::OpBuilder &b,
                                         ::mlir::ValueRange args) {
      ::mlir::Location loc = getLoc();
      ::mlir::Type type = ::mlir::getElementTypeOrSelf((*this)->getOperand(0).getType());
      (void)loc, (void)type;
      return }] # scalar # [{;
    }
    ::nncc::nn::ElementRange
    $cppClass::inferRange(::llvm::ArrayRef<::nncc::nn::ElementRange> ranges) {
      ::mlir::Type type = ::mlir::getElementTypeOrSelf((*this)->getOperand(0).getType());
      (void)type, (void)ranges;
      return }] # range # [{;
    }
    ::mlir::FailureOr<::llvm::SmallVector<::mlir::Value>>
    $cppClass::lowerToLinalg(::nncc::nn::LoweringBuilder &builder,
                             ::mlir::ValueRange operands) {
      return ::nncc::nn::lowerElementwise(*this, builder, operands);
    }
  }];
  let extraClassDefinition = commonDefinition;
}

class NN_ElementwiseOp<string mnemonic, dag args, NN_Kind kind, string result,
                       string scalar, list<Trait> traits = []>
    : NN_ScalarOp<mnemonic, args, scalar, !listconcat([InferTypeOpAdaptor],
                                             traits)> {
  // More definitions of a subclass.
  string moreDefinitions = "";
  let extraClassDefinition = commonDefinition # moreDefinitions # [{
    ::mlir::LogicalResult $cppClass::inferReturnTypes(
        ::mlir::MLIRContext *, ::std::optional<::mlir::Location> loc,
        Adaptor op, ::llvm::SmallVectorImpl<::mlir::Type> &types) {
      return ::nncc::nn::inferElementwise(loc, getOperationName(), op.getOperands(),
          }] # kind.cpp # [{, ::nncc::nn::ElementwiseResult::}] # result # [{, types);
    }
  }];
}

class NN_UnaryOp<string mnemonic, NN_Kind kind, string scalar,
                 string result = "Operand", list<Trait> traits = []>
    : NN_ElementwiseOp<mnemonic, (ins NN_Tensor:$input), kind, result, scalar,
                       traits>;

class NN_BinaryOp<string mnemonic, NN_Kind kind, string scalar,
                  string result = "Operand", list<Trait> traits = []>
    : NN_ElementwiseOp<mnemonic, (ins NN_Tensor:$lhs, NN_Tensor:$rhs), kind,
                       result, scalar, traits>;

// A binary op that shape computations are made of. `symbolic` is a function of
// C++ that gives the result for two expressions, null where none says it.
class NN_ShapeArithmeticOp<string mnemonic, NN_Kind kind, string scalar,
                           string symbolic, string result = "Operand",
                           list<Trait> traits = []>
    : NN_BinaryOp<mnemonic, kind, scalar, result, !listconcat([
        DeclareOpInterfaceMethods<NN_SymbolicValueInterface>], traits)> {
  let moreDefinitions = [{
    ::nncc::nn::SymbolicElements $cppClass::inferElements(
        ::llvm::ArrayRef<::nncc::nn::SymbolicElements> operands) {
      return ::nncc::nn::inferBinaryElements(*this, operands,
                                             ::nncc::nn::}] # symbolic # [{);
    }
  }];
}

//===----------------------------------------------------------------------===//
// One operand
//===----------------------------------------------------------------------===//

def NN_AbsOp : NN_UnaryOp<"abs", NN_NumberKind, "scalar::abs(b, loc, type, args)">;
def NN_NegOp : NN_UnaryOp<"neg", NN_NumberKind, "scalar::neg(b, loc, type, args)">;
def NN_SignOp : NN_UnaryOp<"sign", NN_NumberKind, "scalar::sign(b, loc, type, args)">;
def NN_ReluOp : NN_UnaryOp<"relu", NN_NumberKind, "scalar::relu(b, loc, type, args)"> {
  let summary = "max(x, 0); a NaN stays";
}
def NN_ExpOp : NN_UnaryOp<"exp", NN_FloatKind, "b.create<::mlir::math::ExpOp>(loc, args[0])">;
def NN_LogOp : NN_UnaryOp<"log", NN_FloatKind, "b.create<::mlir::math::LogOp>(loc, args[0])">;
def NN_SqrtOp : NN_UnaryOp<"sqrt", NN_FloatKind, "b.create<::mlir::math::SqrtOp>(loc, args[0])">;
def NN_RsqrtOp : NN_UnaryOp<"rsqrt", NN_FloatKind, "scalar::rsqrt(b, loc, type, args)"> {
  let summary = "1 / sqrt(x)";
}
def NN_ReciprocalOp : NN_UnaryOp<"reciprocal", NN_FloatKind, "scalar::reciprocal(b, loc, type, args)">;
def NN_SinOp : NN_UnaryOp<"sin", NN_FloatKind, "b.create<::mlir::math::SinOp>(loc, args[0])">;
def NN_CosOp : NN_UnaryOp<"cos", NN_FloatKind, "b.create<::mlir::math::CosOp>(loc, args[0])">;
def NN_TanOp : NN_UnaryOp<"tan", NN_FloatKind, "b.create<::mlir::math::TanOp>(loc, args[0])">;
def NN_AsinOp : NN_UnaryOp<"asin", NN_FloatKind, "b.create<::mlir::math::AsinOp>(loc, args[0])">;
def NN_AcosOp : NN_UnaryOp<"acos", NN_FloatKind, "b.create<::mlir::math::AcosOp>(loc, args[0])">;
def NN_AtanOp : NN_UnaryOp<"atan", NN_FloatKind, "b.create<::mlir::math::AtanOp>(loc, args[0])">;
def NN_SinhOp : NN_UnaryOp<"sinh", NN_FloatKind, "b.create<::mlir::math::SinhOp>(loc, args[0])">;
def NN_CoshOp : NN_UnaryOp<"cosh", NN_FloatKind, "b.create<::mlir::math::CoshOp>(loc, args[0])">;
def NN_TanhOp : NN_UnaryOp<"tanh", NN_FloatKind, "b.create<::mlir::math::TanhOp>(loc, args[0])">;
def NN_AsinhOp : NN_UnaryOp<"asinh", NN_FloatKind, "b.create<::mlir::math::AsinhOp>(loc, args[0])">;
def NN_AcoshOp : NN_UnaryOp<"acosh", NN_FloatKind, "b.create<::mlir::math::AcoshOp>(loc, args[0])">;
def NN_AtanhOp : NN_UnaryOp<"atanh", NN_FloatKind, "b.create<::mlir::math::AtanhOp>(loc, args[0])">;
def NN_ErfOp : NN_UnaryOp<"erf", NN_FloatKind, "b.create<::mlir::math::ErfOp>(loc, args[0])">;
def NN_SigmoidOp : NN_UnaryOp<"sigmoid", NN_FloatKind, "scalar::sigmoid(b, loc, type, args)"> {
  let summary = "1 / (1 + exp(-x))";
}
def NN_SoftplusOp : NN_UnaryOp<"softplus", NN_FloatKind, "scalar::softplus(b, loc, type, args)"> {
  let summary = "log(exp(x) + 1)";
}
def NN_FloorOp : NN_UnaryOp<"floor", NN_FloatKind, "b.create<::mlir::math::FloorOp>(loc, args[0])">;
def NN_CeilOp : NN_UnaryOp<"ceil", NN_FloatKind, "b.create<::mlir::math::CeilOp>(loc, args[0])">;
def NN_RoundOp : NN_UnaryOp<"round", NN_FloatKind, "b.create<::mlir::math::RoundEvenOp>(loc, args[0])"> {
  let summary = "The nearest integer, the even one of two";
}
def NN_NotOp : NN_UnaryOp<"not", NN_IntegerKind, "scalar::bitNot(b, loc, type, args)"> {
  let summary = "The complement of every bit";
  let range = "type.isInteger(1) ? range::negateTruth(ranges[0]) : ElementRange()";
}
def NN_IsNaNOp : NN_UnaryOp<"is_nan", NN_FloatKind, "scalar::isNaN(b, loc, type, args)", "Bool">;
def NN_IsInfOp : NN_ElementwiseOp<"is_inf",
    (ins NN_Tensor:$input, DefaultValuedAttr<BoolAttr, "true">:$negative,
         DefaultValuedAttr<BoolAttr, "true">:$positive),
    NN_FloatKind, "Bool",
    "scalar::isInf(b, loc, type, args, getNegative(), getPositive())"> {
  let summary = "Whether an element is one of the infinities named";
}

def NN_CastOp : NN_ScalarOp<"cast", (ins NN_Tensor:$input),
    "scalar::cast(b, loc, type, getResult().getType().getElementType(), args)",
    [DeclareOpInterfaceMethods<NN_SymbolicValueInterface>]> {
  let summary = "Conversion to the result's element type";
  let description = [{
    A float becomes an integer by truncation; to and from i1 is `x != 0`, and
    1 or 0. What is out of the range of the result is not specified, as in ONNX.
  }];
  let range = "getType().getElementType().isInteger(1) ? range::negateTruth(range::equal({ranges[0], {0, 0}})) : ranges[0]";
  let identity = "getInput().getType() == getType() ? getInput() : ::mlir::Value()";
  let builders = [OpBuilder<(ins "::mlir::Value":$input,
                                 "::mlir::Type":$elementType)>];
  let hasVerifier = 1;
}

def NN_BitcastOp : NN_ScalarOp<"bitcast", (ins NN_Tensor:$input),
    "scalar::bitcast(b, loc, getResult().getType().getElementType(), args)", []> {
  let summary = "The same bits as another element type of that many";
  let identity = "getInput().getType() == getType() ? getInput() : ::mlir::Value()";
  let builders = [OpBuilder<(ins "::mlir::Value":$input,
                                 "::mlir::Type":$elementType)>];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Two operands
//===----------------------------------------------------------------------===//

def NN_AddOp : NN_ShapeArithmeticOp<"add", NN_NumberKind, "scalar::add(b, loc, type, args)", "symbolicAdd"> {
  let identity = "::nncc::nn::foldNeutral(*this, 0, true)";
  let range = "range::add(ranges)";
}
def NN_SubOp : NN_ShapeArithmeticOp<"sub", NN_NumberKind, "scalar::sub(b, loc, type, args)", "symbolicSub"> {
  let identity = "::nncc::nn::foldNeutral(*this, 0, false)";
  let range = "range::sub(ranges)";
}
def NN_MulOp : NN_ShapeArithmeticOp<"mul", NN_NumberKind, "scalar::mul(b, loc, type, args)", "symbolicMul"> {
  let identity = "::nncc::nn::foldNeutral(*this, 1, true)";
}
def NN_DivOp : NN_ShapeArithmeticOp<"div", NN_NumberKind, "scalar::div(b, loc, type, args)", "symbolicDiv"> {
  let identity = "::nncc::nn::foldNeutral(*this, 1, false)";
  let summary = "Quotient; of integers, truncated";
}
def NN_ModOp : NN_ElementwiseOp<"mod",
    (ins NN_Tensor:$lhs, NN_Tensor:$rhs, UnitAttr:$fmod), NN_NumberKind, "Operand",
    "scalar::mod(b, loc, type, args, getFmod())",
    [DeclareOpInterfaceMethods<NN_SymbolicValueInterface>]> {
  let summary = "Remainder with the divisor's sign; with `fmod` the dividend's";
}
def NN_MinOp : NN_ShapeArithmeticOp<"min", NN_NumberKind, "scalar::minNaN(b, loc, type, args)", "symbolicMin"> {
  let summary = "Minimum; NaN if either is";
  let range = "range::min(ranges)";
}
def NN_MaxOp : NN_ShapeArithmeticOp<"max", NN_NumberKind, "scalar::maxNaN(b, loc, type, args)", "symbolicMax"> {
  let summary = "Maximum; NaN if either is";
  let range = "range::max(ranges)";
}
def NN_PowOp : NN_BinaryOp<"pow", NN_NumberKind,
    "scalar::pow(b, loc, type, ::mlir::getElementTypeOrSelf(getRhs().getType()), args, getKnownNumber(getRhs()))",
    "Lhs"> {
  let summary = "Power, of the base's element type; the exponent's may differ";
  let identity = "::nncc::nn::foldNeutral(*this, 1, false)";
}
def NN_AndOp : NN_ShapeArithmeticOp<"and", NN_IntegerKind, "b.create<::mlir::arith::AndIOp>(loc, args[0], args[1])", "symbolicAnd"> {
  let range = "type.isInteger(1) ? range::min(ranges) : ElementRange()";
}
def NN_OrOp : NN_ShapeArithmeticOp<"or", NN_IntegerKind, "b.create<::mlir::arith::OrIOp>(loc, args[0], args[1])", "symbolicOr"> {
  let range = "type.isInteger(1) ? range::max(ranges) : ElementRange()";
}
def NN_XorOp : NN_BinaryOp<"xor", NN_IntegerKind, "b.create<::mlir::arith::XOrIOp>(loc, args[0], args[1])">;
def NN_ShiftLeftOp : NN_BinaryOp<"shift_left", NN_IntegerKind, "scalar::shiftLeft(b, loc, type, args)">;
def NN_ShiftRightOp : NN_BinaryOp<"shift_right", NN_IntegerKind, "scalar::shiftRight(b, loc, type, args)">;
def NN_EqualOp : NN_ShapeArithmeticOp<"equal", NN_AnyKind, "scalar::equal(b, loc, type, args)", "symbolicEqual", "Bool"> {
  let range = "range::equal(ranges)";
}
def NN_LessOp : NN_ShapeArithmeticOp<"less", NN_NumberKind, "scalar::less(b, loc, type, args)", "symbolicLess", "Bool"> {
  let range = "range::less(ranges[0], ranges[1])";
}
def NN_LessEqualOp : NN_ShapeArithmeticOp<"less_equal", NN_NumberKind, "scalar::lessEqual(b, loc, type, args)", "symbolicLessEqual", "Bool"> {
  let range = "range::negateTruth(range::less(ranges[1], ranges[0]))";
}
def NN_GreaterOp : NN_ShapeArithmeticOp<"greater", NN_NumberKind, "scalar::greater(b, loc, type, args)", "symbolicGreater", "Bool"> {
  let range = "range::less(ranges[1], ranges[0])";
}
def NN_GreaterEqualOp : NN_ShapeArithmeticOp<"greater_equal", NN_NumberKind, "scalar::greaterEqual(b, loc, type, args)", "symbolicGreaterEqual", "Bool"> {
  let range = "range::negateTruth(range::less(ranges[0], ranges[1]))";
}

//===----------------------------------------------------------------------===//
// Three operands
//===----------------------------------------------------------------------===//

def NN_SelectOp : NN_ElementwiseOp<"select",
    (ins NN_Tensor:$condition, NN_Tensor:$true_value, NN_Tensor:$false_value),
    NN_AnyKind, "Select",
    "b.create<::mlir::arith::SelectOp>(loc, args[0], args[1], args[2])",
    [DeclareOpInterfaceMethods<NN_SymbolicValueInterface>]> {
  let summary = "`true_value` where `condition` (of i1) holds, else `false_value`";
  let range = "range::select(ranges)";
}
def NN_ClampOp : NN_ElementwiseOp<"clamp",
    (ins NN_Tensor:$input, NN_Tensor:$low, NN_Tensor:$high),
    NN_NumberKind, "Operand", "scalar::clamp(b, loc, type, args)"> {
  let summary = "min(max(input, low), high); a NaN of the input stays";
}
