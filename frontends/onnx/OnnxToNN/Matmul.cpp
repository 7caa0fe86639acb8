//===- OnnxToNN/Matmul.cpp - matrix products --------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Matmul.h"
#include "frontends/onnx/OnnxToNN/Rows.h"
#include "nncc/Dialect/NN/NN.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

static Value transposeLastTwo(Node &node, Value value) {
  if (!value)
    return value;
  Ints permutation;
  int64_t rank = Node::rank(value);
  for (int64_t i = 0; i < rank; ++i)
    permutation.push_back(i);
  if (rank >= 2)
    std::swap(permutation[rank - 1], permutation[rank - 2]);
  return node.transpose(value, permutation);
}

static Value scale(Node &node, Value value, double factor) {
  if (!value || factor == 1)
    return value;
  return node.mul(value, node.constant(factor, Node::elementType(value)));
}

static LogicalResult convertMatMul(Node &node) {
  return node.result(node.matmul(node.in(0), node.in(1)));
}

/// The last batch dimension becomes the rows'.
static Value transposeBatch(Node &node, Value value) {
  int64_t rank = Node::rank(value);
  if (rank < 3)
    return value;
  Ints permutation = llvm::to_vector(llvm::seq<int64_t>(1, rank - 1));
  permutation.append({0, rank - 1});
  return node.transpose(value, permutation);
}

Value nncc::onnx::fusedMatMul(Node &node) {
  Value a = node.in(0), b = node.in(1);
  if (node.getInt("transBatchA", 0))
    a = transposeBatch(node, a);
  if (node.getInt("transBatchB", 0))
    b = transposeBatch(node, b);
  if (node.getInt("transA", 0))
    a = transposeLastTwo(node, a);
  if (node.getInt("transB", 0))
    b = transposeLastTwo(node, b);
  Value product = node.matmul(a, b);
  return scale(node, product, node.getFloat("alpha", 1));
}

static LogicalResult convertFusedMatMul(Node &node) {
  return node.result(fusedMatMul(node));
}

Value nncc::onnx::gemm(Node &node) {
  Value a = node.in(0), b = node.in(1), c = node.in(2);
  if (Node::rank(a) != 2 || Node::rank(b) != 2)
    return node.failValue("A and B must be matrices");
  if (node.getInt("transA", 0))
    a = transposeLastTwo(node, a);
  if (node.getInt("transB", 0))
    b = transposeLastTwo(node, b);
  Value product = scale(node, node.matmul(a, b), node.getFloat("alpha", 1));
  double beta = node.getFloat("beta", 1);
  (void)node.getInt("broadcast", 1); // of early files
  if (c && beta != 0)
    product = node.add(product, scale(node, c, beta));
  return product;
}

static LogicalResult convertGemm(Node &node) { return node.result(gemm(node)); }

static const Row rows[] = {
    {"FusedMatMul", 1, 2, 2, convertFusedMatMul, "com.microsoft"},
    {"Gemm", 1, 2, 3, convertGemm},
    {"MatMul", 1, 2, 2, convertMatMul},
    {"TransposeMatMul", 1, 2, 2, convertFusedMatMul, "com.microsoft"},
};

ArrayRef<Row> nncc::onnx::getMatmulRows() { return rows; }
