// Closed sets of names that attributes hold. They are stored as strings, so that
// the IR reads well; accessors and builders use C++ enums.

#ifndef NNCC_NN_ENUMS
#define NNCC_NN_ENUMS

include "mlir/IR/EnumAttr.td"

class NN_Enum<string name, string summary, list<I32EnumAttrCase> cases>
    : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::nncc::nn";
}

// A string attribute that holds one of an enum's names.
class NN_NameAttr<NN_Enum enum> : Attr<
    CPred<"::llvm::isa<::mlir::StringAttr>($_self) && ::nncc::nn::symbolize" #
          enum.className #
          "(::llvm::cast<::mlir::StringAttr>($_self).getValue())">,
    enum.summary> {
  let storageType = "::mlir::StringAttr";
  let returnType = "::nncc::nn::" # enum.className;
  let valueType = NoneType;
  let convertFromStorage =
    "*::nncc::nn::symbolize" # enum.className # "($_self.getValue())";
  let constBuilderCall = "$_builder.getStringAttr(::nncc::nn::stringify" #
    enum.className # "($0))";
}

def NN_ResizeModeEnum : NN_Enum<"ResizeMode", "interpolation of nn.resize", [
  I32EnumAttrCase<"Nearest", 0, "nearest">,
  I32EnumAttrCase<"Linear", 1, "linear">,
  I32EnumAttrCase<"Cubic", 2, "cubic">]>;
def NN_ResizeMode : NN_NameAttr<NN_ResizeModeEnum>;

def NN_CoordinateModeEnum : NN_Enum<"CoordinateMode",
    "where an output element of nn.resize lies in the input", [
  I32EnumAttrCase<"HalfPixel", 0, "half_pixel">,
  I32EnumAttrCase<"HalfPixelSymmetric", 1, "half_pixel_symmetric">,
  I32EnumAttrCase<"PytorchHalfPixel", 2, "pytorch_half_pixel">,
  I32EnumAttrCase<"AlignCorners", 3, "align_corners">,
  I32EnumAttrCase<"Asymmetric", 4, "asymmetric">,
  I32EnumAttrCase<"TfCropAndResize", 5, "tf_crop_and_resize">,
  I32EnumAttrCase<"TfHalfPixelForNN", 6, "tf_half_pixel_for_nn">]>;
def NN_CoordinateMode : NN_NameAttr<NN_CoordinateModeEnum>;

def NN_NearestModeEnum : NN_Enum<"NearestMode",
    "rounding of a coordinate by nn.resize in its nearest mode", [
  I32EnumAttrCase<"RoundPreferFloor", 0, "round_prefer_floor">,
  I32EnumAttrCase<"RoundPreferCeil", 1, "round_prefer_ceil">,
  I32EnumAttrCase<"Floor", 2, "floor">,
  I32EnumAttrCase<"Ceil", 3, "ceil">,
  I32EnumAttrCase<"Simple", 4, "simple">]>;
def NN_NearestMode : NN_NameAttr<NN_NearestModeEnum>;

def NN_DirectionEnum : NN_Enum<"Direction",
    "the order in which a recurrent op visits the steps", [
  I32EnumAttrCase<"Forward", 0, "forward">,
  I32EnumAttrCase<"Reverse", 1, "reverse">,
  I32EnumAttrCase<"Bidirectional", 2, "bidirectional">]>;
def NN_Direction : NN_NameAttr<NN_DirectionEnum>;

def NN_ActivationEnum : NN_Enum<"Activation",
    "the nonlinearity of a recurrent op's gate", [
  I32EnumAttrCase<"Affine", 0, "affine">,
  I32EnumAttrCase<"Elu", 1, "elu">,
  I32EnumAttrCase<"HardSigmoid", 2, "hard_sigmoid">,
  I32EnumAttrCase<"LeakyRelu", 3, "leaky_relu">,
  I32EnumAttrCase<"Relu", 4, "relu">,
  I32EnumAttrCase<"ScaledTanh", 5, "scaled_tanh">,
  I32EnumAttrCase<"Sigmoid", 6, "sigmoid">,
  I32EnumAttrCase<"Softplus", 7, "softplus">,
  I32EnumAttrCase<"Softsign", 8, "softsign">,
  I32EnumAttrCase<"Tanh", 9, "tanh">,
  I32EnumAttrCase<"ThresholdedRelu", 10, "thresholded_relu">]>;
def NN_Activation : NN_NameAttr<NN_ActivationEnum>;

def NN_PadModeEnum : NN_Enum<"PadMode", "what nn.pad fills its border with", [
  I32EnumAttrCase<"Constant", 0, "constant">,
  I32EnumAttrCase<"Reflect", 1, "reflect">,
  I32EnumAttrCase<"Edge", 2, "edge">,
  I32EnumAttrCase<"Wrap", 3, "wrap">]>;
def NN_PadMode : NN_NameAttr<NN_PadModeEnum>;

def NN_ScatterReductionEnum : NN_Enum<"ScatterReduction",
    "how an update joins the element that is there", [
  I32EnumAttrCase<"None", 0, "none">,
  I32EnumAttrCase<"Add", 1, "add">,
  I32EnumAttrCase<"Mul", 2, "mul">,
  I32EnumAttrCase<"Max", 3, "max">,
  I32EnumAttrCase<"Min", 4, "min">]>;
def NN_ScatterReduction : NN_NameAttr<NN_ScatterReductionEnum>;

#endif
