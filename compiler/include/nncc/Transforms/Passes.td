#ifndef NNCC_TRANSFORMS_PASSES
#define NNCC_TRANSFORMS_PASSES

include "mlir/Pass/PassBase.td"

def PropagateTransposes : Pass<"nn-propagate-transposes"> {
  let summary = "Move transposes to where they cancel";
  let description = [{
    A frontend puts transposes around every channels-last op. They sink through
    ops that can work on permuted dimensions (elementwise ops, and those with
    PermutableOpInterface) until they meet their inverses. A transpose of
    weights stays as an op on constants. What can't sink rises: a transpose
    moves in front of an op if that leaves no more transposes than before. An op
    never gets more transposes around it than it had.
  }];
  let dependentDialects = ["::nncc::nn::NNDialect"];
  let statistics = [
    Statistic<"sunk", "sunk", "Ops that transposes sank through">,
    Statistic<"raised", "raised", "Ops that transposes rose through">
  ];
}

def FoldScale : Pass<"nn-fold-scale"> {
  let summary = "Fold per-channel factors and offsets into weights";
  let description = [{
    A factor by which every output channel of a convolution or a matrix product
    (LinearOpInterface) is multiplied moves into its weights, through the
    offsets that were added in between, and offsets that follow each other
    become one. That is what batch normalisation in a trained network comes to.
    Factors and offsets are derived from constants; the products are ops on
    constants, which constant evaluation executes.
  }];
  let dependentDialects = ["::nncc::nn::NNDialect"];
}

def JoinProducts : Pass<"nn-join-products"> {
  let summary = "Multiply an operand by several weights at once";
  let description = [{
    Matrix products of the same operand by constant weights become one, and what
    followed them reads parts of its result. Elementwise ops, which the kernel of
    a product computes, and outputs keep products of their own; so do results
    that are larger than the operand by far.
  }];
  let dependentDialects = ["::nncc::nn::NNDialect"];
}

def NestConcats : Pass<"nn-nest-concats"> {
  let summary = "Make concatenations of those that they contain";
  let description = [{
    A concatenation some of whose inputs, side by side, have been concatenated
    before takes that result in their place. Where a network concatenates all
    features again in front of each layer, each tensor then lies in the next one,
    and nothing is copied.
  }];
  let dependentDialects = ["::nncc::nn::NNDialect"];
}

def IntegerProducts : Pass<"nn-integer-products"> {
  let summary = "Compute products of quantised numbers in integers";
  let description = [{
    A convolution or a matrix product of dequantised operands becomes one of the
    integers, with their zero points subtracted, that is summed up in i32 and
    scaled afterwards. Ops that only move elements move the integers, and what
    is quantised again as it was stays as it is. Elementwise ops between are
    computed in f32 on registers, by the kernel of the product before them.
  }];
  let dependentDialects = ["::nncc::nn::NNDialect"];
}

def ByteOperands : Pass<"nn-byte-operands"> {
  let summary = "Make products of quantised numbers take unsigned bytes";
  let description = [{
    Products of constant weights take the stored bytes, 0 to 255, and what the
    zero point adds is subtracted from their sums: its product with the sum of
    each column of the weights. Dot instructions on bytes need that; others give
    the same sums. A convolution that pads its input keeps the distances from
    the zero point, whose padding is zero.
  }];
  let dependentDialects = ["::nncc::nn::NNDialect"];
}

def Requantize : Pass<"nn-requantize"> {
  let summary = "Round sums of integers once, to the next integers";
  let description = [{
    Where sums of integers are scaled, get a bias and are quantised, the bias is
    added as an integer and one factor, the quotient of the scales, comes before
    the rounding. Sums, products, means and concatenations of quantised numbers
    are made of their integers, and clamps become the bounds of the rounding. The
    distance from the zero point, of i16, is what the readers take.
  }];
  let dependentDialects = ["::nncc::nn::NNDialect"];
}

#endif
