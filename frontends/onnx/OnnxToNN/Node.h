//===- OnnxToNN/Node.h - an ONNX node while it is legalized -----*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_FRONTENDS_ONNX_ONNXTONN_NODE_H
#define NNCC_FRONTENDS_ONNX_ONNXTONN_NODE_H

#include "frontends/onnx/IR/OnnxDialect.h"
#include "nncc/Dialect/NN/Symbols.h"

#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringSet.h"

#include <utility>

namespace nncc::onnx {

class Converter;

/// An operand of an nn op that may be null.
struct MaybeValue {
  mlir::Value value;
  operator mlir::Value() const { return value; }
};

/// No limit of the number of dimensions.
constexpr int64_t anyRank = int64_t(1) << 16;

using Dims = llvm::SmallVector<mlir::AffineExpr>;
using Ints = llvm::SmallVector<int64_t>;

/// What a handler sees of a node: its operands as typed `nn` tensors, its
/// attributes, and a builder of `nn` ops.
///
/// Errors are sticky. Whatever goes wrong is recorded once, and every value
/// made from a null value is null, so that a handler can be written straight
/// through and end with `return node.result(value)`. A handler must test
/// values before it looks at their types.
class Node {
public:
  Node(NodeOp op, Converter &converter, llvm::ArrayRef<mlir::Value> given);

  // The node.
  mlir::StringRef getOpType() { return op.getOpType(); }
  int64_t getOpset() { return op.getOpset(); }
  mlir::Location getLoc() { return op.getLoc(); }
  mlir::MLIRContext *getContext() { return op.getContext(); }
  mlir::OpBuilder &getBuilder() { return builder; }
  Converter &getConverter() { return converter; }

  // Operands and results.
  /// The operand, null where it is left out.
  mlir::Value in(unsigned index) {
    return index < inputs.size() ? inputs[index] : mlir::Value();
  }
  llvm::ArrayRef<mlir::Value> ins() { return inputs; }
  /// The operand as the file has it: halves (Halves.h) are no f32.
  mlir::Value getGiven(unsigned index) { return given[index]; }
  unsigned getNumOutputs() { return op.getNumResults(); }
  /// The graph attribute of a name; null if there is none.
  mlir::Region *getBody(mlir::StringRef name);
  bool isUsed(unsigned output) {
    return output < op.getNumResults() && !op.getResult(output).use_empty();
  }
  mlir::LogicalResult result(mlir::Value value) { return results({&value, 1}); }
  /// Values for the first outputs; an output without one must be unused.
  mlir::LogicalResult results(llvm::ArrayRef<mlir::Value> values);
  /// What a body gives for an output of the node; f32 for halves.
  mlir::Value takeOutput(unsigned output, mlir::Value value);
  /// Says what elements an output has in the file, where f32 may stand for
  /// halves; otherwise it is those of the first operand of floats.
  void setType(unsigned output, mlir::Type elementType) {
    resultTypes[output] = elementType;
  }

  // Errors.
  mlir::LogicalResult fail(const llvm::Twine &message);
  mlir::Value failValue(const llvm::Twine &message) {
    (void)fail(message);
    return mlir::Value();
  }
  bool hasFailed() { return isFailed; }
  /// Forgets the errors of `legalize` if it fails: there is another way.
  mlir::LogicalResult
  attempt(llvm::function_ref<mlir::LogicalResult()> legalize);

  /// See Converter::dropsOpenDim.
  bool dropsOpenDim();

  // Attributes. One that no handler asks for is an error.
  bool hasAttr(mlir::StringRef name);
  int64_t getInt(mlir::StringRef name, int64_t otherwise);
  float getFloat(mlir::StringRef name, float otherwise);
  std::string getString(mlir::StringRef name, mlir::StringRef otherwise);
  std::optional<Ints> getInts(mlir::StringRef name);
  std::optional<llvm::SmallVector<float>> getFloats(mlir::StringRef name);
  llvm::SmallVector<std::string> getStrings(mlir::StringRef name);
  mlir::ElementsAttr getTensor(mlir::StringRef name);
  /// The numbers of a tensor attribute; none where it is null.
  std::optional<llvm::SmallVector<double>>
  readNumbers(mlir::ElementsAttr tensor);
  /// Reports an attribute that no handler has read.
  mlir::LogicalResult checkAllRead();

  // Sequences, which are known now: lists of tensors.
  mlir::Value sequence(llvm::ArrayRef<mlir::Value> elements);
  /// None where `value` is a tensor or a stack.
  static std::optional<llvm::SmallVector<mlir::Value>>
  elements(mlir::Value value);
  /// The sequence of what lies along the first dimension of a tensor, which may
  /// be of open size.
  mlir::Value stackedSequence(mlir::Value stack);
  /// That tensor; null for other sequences.
  static mlir::Value getStack(mlir::Value sequence);
  static bool isTensor(mlir::Value value) {
    return mlir::isa<mlir::RankedTensorType>(value.getType());
  }

  // Types.
  static mlir::RankedTensorType type(mlir::Value value) {
    return mlir::cast<mlir::RankedTensorType>(value.getType());
  }
  static mlir::Type elementType(mlir::Value value) {
    return type(value).getElementType();
  }
  static int64_t rank(mlir::Value value) { return type(value).getRank(); }
  static Dims dims(mlir::Value value) { return nn::getDims(value.getType()); }
  /// The number of the program's symbols.
  unsigned getNumSymbols();
  mlir::AffineExpr dim(int64_t size) {
    return mlir::getAffineConstantExpr(size, getContext());
  }
  Dims dims(llvm::ArrayRef<int64_t> sizes);
  /// A map of sizes or positions, as attributes of nn ops hold them.
  mlir::AffineMap map(llvm::ArrayRef<mlir::AffineExpr> exprs);
  /// An error if the type has more elements than any module can hold.
  mlir::LogicalResult checkSize(mlir::RankedTensorType type);
  /// Whether an operand has at least and at most so many dimensions, or is left
  /// out; else an error.
  bool hasRank(unsigned index, int64_t least, int64_t most);
  bool hasRank(unsigned index, int64_t rank) {
    return hasRank(index, rank, rank);
  }
  /// The static sizes, or an error that calls the value `what`.
  std::optional<Ints> staticDims(mlir::Value value, const llvm::Twine &what);
  /// Counts a negative axis from the end; an error unless 0 <= axis < rank.
  std::optional<int64_t> axis(int64_t axis, int64_t rank);
  std::optional<Ints> axes(llvm::ArrayRef<int64_t> axes, int64_t rank);

  // Comparisons of sizes.
  /// Whether an expression is negative whatever the sizes are.
  static bool isNegative(mlir::AffineExpr expr);
  /// min(a, b). Where it depends on the symbols' values it is `a`, and the
  /// symbols' bounds are narrowed so that it is; if data tell one of them, it
  /// is found out when the module runs.
  mlir::AffineExpr minimum(mlir::AffineExpr a, mlir::AffineExpr b);
  /// Whether an expression is never negative, if no symbol of it is 0: where
  /// that matters, the module refuses 0.
  bool isNonNegative(mlir::AffineExpr expr);
  /// Lets the module refuse what makes an expression negative, as far as bounds
  /// of single symbols can say it.
  void assumeNonNegative(mlir::AffineExpr expr);
  /// Lets the module refuse sizes that are not equal: by narrowing the bounds
  /// of a symbol, or while it runs, but then not in branches and loops.
  void checkEqual(mlir::AffineExpr a, mlir::AffineExpr b);
  /// `value` with another size of `axis`, to which the module holds it.
  mlir::Value withSize(mlir::Value value, int64_t axis, mlir::AffineExpr size);
  /// The sizes that two shapes broadcast to.
  std::optional<Dims> broadcastDims(llvm::ArrayRef<mlir::AffineExpr> a,
                                    llvm::ArrayRef<mlir::AffineExpr> b);

  // Sizes that data tell.
  /// The elements of a small tensor as far as they are known; else null.
  Dims knownSymbols(mlir::Value value);
  /// New symbols for the elements of `values` that `known` has not.
  std::optional<Dims> bindSizes(mlir::Value values, const llvm::Twine &what,
                                llvm::ArrayRef<mlir::AffineExpr> known = {});
  /// One of them.
  mlir::AffineExpr bindSize(mlir::Value value, const llvm::Twine &what);
  /// Sizes as a 1-D tensor of i64.
  mlir::Value sizeValues(llvm::ArrayRef<mlir::AffineExpr> sizes);
  /// Whether data tell a size.
  bool isBound(mlir::AffineExpr size);
  /// Whether a size needs the symbol `first` or one after it.
  bool needsSymbols(mlir::AffineExpr size, unsigned first);
  /// Calls a function of the runtime (runtime/core/Selection.cpp).
  llvm::SmallVector<mlir::Value>
  callLibrary(mlir::StringRef name, llvm::ArrayRef<mlir::Value> inputs,
              llvm::ArrayRef<mlir::RankedTensorType> results);

  // Operands whose values are needed now.
  std::optional<Dims> symbols(mlir::Value value, const llvm::Twine &what);
  /// As `symbols`; what is not known is bound when the module runs, which fails
  /// where it is negative.
  std::optional<Dims> sizes(mlir::Value value, const llvm::Twine &what);
  std::optional<Ints> ints(mlir::Value value, const llvm::Twine &what);
  std::optional<llvm::SmallVector<double>> floats(mlir::Value value,
                                                  const llvm::Twine &what);
  /// Without an error where they are unknown.
  std::optional<llvm::SmallVector<double>> tryFloats(mlir::Value value);
  std::optional<double> scalar(mlir::Value value, const llvm::Twine &what);

  // Ops.
  /// Creates an op whose result types are inferred; null after an error. Null
  /// values among the arguments are poison, except as MaybeValue.
  template <typename OpT, unsigned numResults = 1, typename... Args>
  mlir::Operation *createOp(Args &&...args) {
    if (isFailed || !(isPresent(args) && ...))
      return nullptr;
    mlir::OperationState state(getLoc(), OpT::getOperationName());
    buildPlaceholder<OpT>(state, std::make_index_sequence<numResults>(),
                          std::forward<Args>(args)...);
    llvm::SmallVector<mlir::Type> types;
    if (failed(OpT::inferReturnTypes(
            getContext(), getLoc(), state.operands,
            state.attributes.getDictionary(getContext()),
            state.getRawProperties(), state.regions, types)))
      return inferenceFailed(OpT::getOperationName());
    state.types.assign(types.begin(), types.end());
    return finish(state);
  }
  template <typename OpT, typename... Args> mlir::Value create(Args &&...args) {
    mlir::Operation *created = createOp<OpT>(std::forward<Args>(args)...);
    return created ? created->getResult(0) : mlir::Value();
  }
  /// Creates an op of the given result type.
  template <typename OpT, typename... Args>
  mlir::Value createTyped(mlir::RankedTensorType type, Args &&...args) {
    if (isFailed || !type || !(isPresent(args) && ...))
      return mlir::Value();
    mlir::OperationState state(getLoc(), OpT::getOperationName());
    OpT::build(builder, state, type, std::forward<Args>(args)...);
    mlir::Operation *created = finish(state);
    return created ? created->getResult(0) : mlir::Value();
  }

  mlir::Value constant(mlir::ElementsAttr value);
  /// A rank 0 constant of an element type, rounded to it.
  mlir::Value constant(double value, mlir::Type elementType);
  mlir::Value constant(llvm::ArrayRef<int64_t> values);
  mlir::Value constant(llvm::ArrayRef<float> values);
  mlir::Value reshape(mlir::Value value, llvm::ArrayRef<mlir::AffineExpr> dims);
  mlir::Value matmul(mlir::Value a, mlir::Value b);
  mlir::Value transpose(mlir::Value value, llvm::ArrayRef<int64_t> permutation);
  mlir::Value broadcast(mlir::Value value,
                        llvm::ArrayRef<mlir::AffineExpr> dims);
  /// The `count` elements along an axis, or `count` times its only one, as the
  /// module finds when it runs.
  mlir::Value stretch(mlir::Value value, int64_t axis, mlir::AffineExpr count);
  mlir::Value cast(mlir::Value value, mlir::Type elementType);
  mlir::Value concat(llvm::ArrayRef<mlir::Value> values, int64_t axis);
  /// `size` elements from `start` along one axis.
  mlir::Value slice(mlir::Value value, int64_t axis, mlir::AffineExpr start,
                    mlir::AffineExpr size);
  /// The elements along one axis, the last first.
  mlir::Value reverse(mlir::Value value, int64_t axis);
  /// true_value where the condition holds, else false_value.
  mlir::Value select(mlir::Value condition, mlir::Value trueValue,
                     mlir::Value falseValue);
  /// A loop of `count` steps. `body` gets the number of the step, an i64 of
  /// rank 0, and the states, and returns the next states and then what is
  /// stacked. The last states and the stacks; empty after an error.
  llvm::SmallVector<mlir::Value>
  loop(mlir::AffineExpr count, llvm::ArrayRef<mlir::Value> initial,
       llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value,
                                                         mlir::ValueRange)>
           body);
  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value sub(mlir::Value a, mlir::Value b);
  mlir::Value mul(mlir::Value a, mlir::Value b);
  mlir::Value div(mlir::Value a, mlir::Value b);

  /// Types and messages name dimensions as the file does.
  std::string describe(mlir::Value value);
  std::string describe(mlir::AffineExpr dim);

private:
  static bool isPresent(mlir::Value value) { return bool(value); }
  static bool isPresent(const llvm::SmallVector<mlir::Value> &values) {
    return llvm::all_of(values, [](mlir::Value value) { return bool(value); });
  }
  static bool isPresent(llvm::ArrayRef<mlir::Value> values) {
    return llvm::all_of(values, [](mlir::Value value) { return bool(value); });
  }
  template <typename T> static bool isPresent(const T &) { return true; }

  template <typename OpT, size_t... indices, typename... Args>
  void buildPlaceholder(mlir::OperationState &state,
                        std::index_sequence<indices...>, Args &&...args) {
    OpT::build(builder, state, ((void)indices, getPlaceholder())...,
               std::forward<Args>(args)...);
  }
  mlir::Type getPlaceholder();
  mlir::Operation *finish(mlir::OperationState &state);
  void assumeAtLeast(unsigned symbol, int64_t least);
  /// False where an expression is not linear; nothing where it is one in
  /// several symbols.
  bool assumeLinear(mlir::AffineExpr expr);
  /// Narrows the bounds of the only symbol of `size` so that it has a constant
  /// value; false where bounds can't say it.
  bool narrowTo(mlir::AffineExpr size, mlir::AffineExpr value);
  /// Lets the module refuse what makes sizes of results negative.
  void checkSigns(mlir::Operation *op);
  /// Checks that the operands of an elementwise op fit its result.
  void checkBroadcast(mlir::Operation *op);
  mlir::Operation *inferenceFailed(mlir::StringRef opName);
  template <typename T> T getAttr(mlir::StringRef name, mlir::StringRef kind);
  mlir::Value asResult(unsigned index, mlir::Value value);

  NodeOp op;
  Converter &converter;
  mlir::OpBuilder &builder;
  llvm::ArrayRef<mlir::Value> given;
  llvm::SmallVector<mlir::Value> inputs;
  mlir::Type floatType; ///< of the first operand that has floats, or null
  llvm::SmallDenseMap<unsigned, mlir::Type> resultTypes;
  llvm::StringSet<> readAttributes;
  bool isFailed = false;
};

} // namespace nncc::onnx

#endif // NNCC_FRONTENDS_ONNX_ONNXTONN_NODE_H
