//===- OnnxToNN/Converter.h - walks an onnx module --------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_FRONTENDS_ONNX_ONNXTONN_CONVERTER_H
#define NNCC_FRONTENDS_ONNX_ONNXTONN_CONVERTER_H

#include "frontends/onnx/Extern.h"
#include "frontends/onnx/OnnxToNN/Rows.h"

#include "frontends/onnx/IR/OnnxDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

#include <string>
#include <vector>

namespace nncc::onnx {

/// One walk over the nodes in topological order. Errors are collected, so that
/// one run reports several; what depends on a failed node is skipped.
class Converter {
public:
  /// `externs` must outlive the converter.
  Converter(mlir::ModuleOp module, llvm::ArrayRef<ExternOperator> externs);

  mlir::LogicalResult convert();

  /// Legalizes a subgraph's nodes at the builder's insertion point, with
  /// `arguments` for its inputs, and returns its outputs; a null one depends on
  /// a node that failed. A subgraph may be legalized several times.
  llvm::SmallVector<mlir::Value> inlineBody(mlir::Region &body,
                                            mlir::ValueRange arguments = {});

  /// Counts the legalizations of loops' bodies; false when there are more than
  /// any network needs.
  bool countBody() { return ++bodies <= maxBodies; }

  /// Forgets the errors, and what the sizes were assumed to be, if `legalize`
  /// fails: there is another way.
  mlir::LogicalResult
  attempt(llvm::function_ref<mlir::LogicalResult()> legalize);

  /// Whether a Squeeze without axes drops a dimension of open size, as if it
  /// were 1. Ranks can't wait for the run: it is kept, unless only dropping it
  /// gives the outputs their declared ranks.
  bool dropsOpenDim() {
    hasOpenSqueeze = true;
    return dropsOpenDims;
  }

  void map(mlir::Value from, mlir::Value to) { mapping[from] = to; }
  mlir::OpBuilder &getBuilder() { return builder; }
  llvm::ArrayRef<std::string> getSymbols() const { return sizes.symbols; }

  /// `count` sizes that data tell: new symbols.
  llvm::SmallVector<mlir::AffineExpr> addBoundSymbols(mlir::StringRef prefix,
                                                      int64_t count);
  /// How many symbols the inputs' sizes give.
  unsigned getNumGivenSymbols() const {
    return sizes.symbols.size() - sizes.numBound;
  }
  /// The sizes that the elements of a tensor have become; null if they have
  /// not.
  const llvm::SmallVector<mlir::AffineExpr> *
  findBound(mlir::Value values) const {
    auto known = sizes.bound.find(values);
    return known == sizes.bound.end() ? nullptr : &known->second;
  }
  void setBound(mlir::Value values, llvm::ArrayRef<mlir::AffineExpr> exprs) {
    sizes.bound[values].assign(exprs.begin(), exprs.end());
  }

  /// Whether these sizes have not been compared before.
  bool addCheck(mlir::AffineExpr a, mlir::AffineExpr b) {
    return sizes.checks.insert({a, b}).second;
  }
  bool isChecked(mlir::AffineExpr a, mlir::AffineExpr b) const {
    return sizes.checks.contains({a, b});
  }

  /// Narrows the bounds of the symbol of an expression in one symbol, so that
  /// the expression is at least 0, as `node` needs it. The module checks the
  /// bounds when it runs.
  void assumeNonNegative(llvm::ArrayRef<int64_t> coefficients, int64_t constant,
                         mlir::StringRef node);

  /// What a symbol may be; `high` is -1 where it is open.
  struct Bound {
    int64_t low = 0, high = -1;
    std::string node; ///< Which has narrowed it.
  };
  using Bounds = std::vector<Bound>;
  const Bounds &getBounds() const { return sizes.bounds; }
  void setBounds(Bounds narrowed) { sizes.bounds = std::move(narrowed); }

private:
  /// What is known of sizes so far.
  struct Sizes {
    std::vector<std::string> symbols;
    Bounds bounds;
    /// The last symbols are bound when the module runs.
    unsigned numBound = 0;
    llvm::DenseMap<mlir::Value, llvm::SmallVector<mlir::AffineExpr>> bound;
    llvm::DenseSet<std::pair<mlir::AffineExpr, mlir::AffineExpr>> checks;
  };

  mlir::LogicalResult convertFunction(mlir::func::FuncOp func);
  mlir::Value takeArgument(mlir::Value argument);
  mlir::Value giveOutput(mlir::Value output, mlir::Type declared);
  llvm::SmallVector<mlir::Value> convertBody(mlir::func::FuncOp func,
                                             mlir::func::ReturnOp old);
  llvm::SmallVector<mlir::Value> convertOps(mlir::func::ReturnOp old);
  mlir::LogicalResult finishFunction(mlir::func::FuncOp func,
                                     mlir::func::ReturnOp old,
                                     llvm::ArrayRef<mlir::Value> outputs);
  void readSymbols(mlir::func::FuncOp func);
  void writeBounds(mlir::func::FuncOp func);
  void writeSymbols(mlir::func::FuncOp func);
  mlir::Value createConstant(ConstantOp op);
  void convertOp(mlir::Operation &op);
  void convertNode(NodeOp op);
  /// The declaration of a node's operator; null if there is none.
  const ExternOperator *findExtern(NodeOp op) const;
  void convertExtern(NodeOp op, const ExternOperator &declared,
                     llvm::ArrayRef<mlir::Value> inputs);
  mlir::LogicalResult runHandler(NodeOp op, const Row &row,
                                 llvm::ArrayRef<mlir::Value> inputs);
  void moveNarrow(NodeOp op, const Row &row, llvm::ArrayRef<mlir::Value> inputs,
                  mlir::Type narrow);
  void report(NodeOp op, llvm::ArrayRef<mlir::Value> inputs,
              const llvm::Twine &message);

  mlir::ModuleOp module;
  mlir::OpBuilder builder;
  llvm::ArrayRef<ExternOperator> externs;
  std::string fileName;
  Sizes sizes;
  // Bodies within bodies multiply.
  static constexpr unsigned maxBodies = 16384;
  unsigned bodies = 0;
  bool hasOpenSqueeze = false, dropsOpenDims = false;
  llvm::DenseMap<mlir::Value, mlir::Value> mapping;
  std::vector<std::string> errors;
};

/// "f32[batch,3]" of a value's type, dimensions named by the symbols.
std::string describeType(mlir::Type type, llvm::ArrayRef<std::string> symbols);
std::string describeDim(mlir::AffineExpr dim,
                        llvm::ArrayRef<std::string> symbols);

} // namespace nncc::onnx

#endif // NNCC_FRONTENDS_ONNX_ONNXTONN_CONVERTER_H
