#ifndef NNCC_NN_BASE
#define NNCC_NN_BASE

include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/CommonAttrConstraints.td"
include "mlir/IR/CommonTypeConstraints.td"
include "mlir/IR/OpBase.td"

def NN_Dialect : Dialect {
  let name = "nn";
  let cppNamespace = "::nncc::nn";
  let summary = "Neural-network tensor operations in one canonical form";
  let description = [{
    Every value is a ranked tensor. A tensor with dynamic dimensions carries an
    affine map `()[s0, s1, ...] -> (d0, d1, ...)` as its encoding, one result a
    dimension: a constant for a static size, an expression over the program's
    symbols for a dynamic one, so that two dimensions are equal when their
    expressions are. The symbols' names stand in the `nn.symbols` attribute of
    the function. Fully static tensors have no encoding.

    Spatial ops are channels-last: activations `[N, spatial..., C]`, filters
    `[kernel..., C / groups, O]`.
  }];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect",
    "::nncc::exec::ExecDialect"
  ];
  let hasConstantMaterializer = 1;
}

def NN_Tensor : Type<CPred<"::nncc::nn::hasSizes($_self)">,
    "tensor of known rank whose encoding gives its dynamic sizes",
    "::mlir::RankedTensorType">;

#endif
