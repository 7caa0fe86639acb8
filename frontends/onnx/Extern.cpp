//===- Extern.cpp - operators of a user's own -----------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/Extern.h"

#include "nncc/Dialect/NN/Symbols.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::onnx;

/// The element type of a name; null if it is none.
static Type getElementType(StringRef name, MLIRContext *context) {
  Builder b(context);
  if (name == "f32")
    return b.getF32Type();
  if (name == "f64")
    return b.getF64Type();
  if (name == "f16")
    return b.getF16Type();
  if (name == "bf16")
    return b.getBF16Type();
  if (name == "bool")
    return b.getI1Type();
  for (unsigned bits : {8, 16, 32, 64}) {
    if (name == ("i" + Twine(bits)).str())
      return b.getIntegerType(bits);
    if (name == ("u" + Twine(bits)).str())
      return b.getIntegerType(bits, /*isSigned=*/false);
  }
  return {};
}

namespace {

/// Reads a declaration from front to back. Errors are sticky: the first counts.
class Parser {
public:
  Parser(StringRef text, MLIRContext *context)
      : rest(text), whole(text), context(context) {}

  llvm::Expected<ExternOperator> parse();

private:
  void parseName();
  SmallVector<ExternTensor> parseTensors(bool areInputs);
  ExternTensor parseTensor(bool isInput);
  AffineExpr parseInputSize();
  AffineExpr parseSum();
  AffineExpr parseProduct();
  AffineExpr parseFactor();

  AffineExpr getSize(StringRef name, bool mayBeNew);
  StringRef takeWord();
  bool take(StringRef token);
  void expect(StringRef token) {
    if (!take(token))
      fail("expected '" + token + "'");
  }
  void fail(const Twine &message);

  StringRef rest;
  const StringRef whole;
  MLIRContext *context;
  ExternOperator declared;
  std::string error;
};

} // namespace

void Parser::fail(const Twine &message) {
  if (error.empty())
    error = (message + (rest.empty() ? " at the end" : " at '" + rest + "'") +
             "; the form is DOMAIN::OP=T[n,...],i64[k]->T[n+k,...]")
                .str();
  rest = "";
}

bool Parser::take(StringRef token) {
  rest = rest.ltrim();
  return rest.consume_front(token);
}

StringRef Parser::takeWord() {
  rest = rest.ltrim();
  StringRef word =
      rest.take_while([](char c) { return llvm::isAlnum(c) || c == '_'; });
  rest = rest.drop_front(word.size());
  return word;
}

void Parser::parseName() {
  auto [name, types] = whole.split('=');
  auto [domain, op] = name.trim().rsplit("::");
  rest = types;
  if (types.empty() || domain.empty() || op.empty())
    return fail("expected DOMAIN::OP=TYPES");
  declared.domain = domain.str();
  declared.op = op.str();
}

/// A name's symbol; the inputs introduce names.
AffineExpr Parser::getSize(StringRef name, bool mayBeNew) {
  auto known = llvm::find(declared.sizes, name);
  unsigned position = known - declared.sizes.begin();
  if (known == declared.sizes.end()) {
    if (!mayBeNew)
      fail("no input has a size '" + name + "',");
    declared.sizes.push_back(name.str());
  }
  return getAffineSymbolExpr(position, context);
}

AffineExpr Parser::parseFactor() {
  if (take("(")) {
    AffineExpr inner = parseSum();
    expect(")");
    return inner;
  }
  StringRef word = takeWord();
  int64_t number = 0;
  if (word.empty())
    fail("expected a size");
  else if (llvm::to_integer(word, number, 10))
    return getAffineConstantExpr(number, context);
  else if (!llvm::isDigit(word[0]))
    return getSize(word, /*mayBeNew=*/false);
  else
    fail("'" + word + "' is no size,");
  return getAffineConstantExpr(1, context);
}

AffineExpr Parser::parseProduct() {
  AffineExpr product = parseFactor();
  while (true) {
    if (take("*")) {
      product = product * parseFactor();
    } else if (take("/")) {
      AffineExpr divisor = parseFactor();
      if (nn::getConstantValue(divisor).value_or(1) < 1)
        fail("division by zero");
      else
        product = product.floorDiv(divisor);
    } else {
      return product;
    }
  }
}

AffineExpr Parser::parseSum() {
  AffineExpr sum = parseProduct();
  while (true) {
    if (take("+"))
      sum = sum + parseProduct();
    else if (!rest.ltrim().starts_with("->") && take("-"))
      sum = sum - parseProduct();
    else
      return sum;
  }
}

AffineExpr Parser::parseInputSize() {
  StringRef word = takeWord();
  int64_t number = 0;
  if (llvm::to_integer(word, number, 10))
    return getAffineConstantExpr(number, context);
  if (word.empty() || llvm::isDigit(word[0])) {
    fail("expected a number, a name or '...'");
    return getAffineConstantExpr(1, context);
  }
  return getSize(word, /*mayBeNew=*/true);
}

ExternTensor Parser::parseTensor(bool isInput) {
  ExternTensor tensor;
  tensor.element = takeWord().str();
  tensor.isVariable =
      tensor.element.size() == 1 && llvm::isUpper(tensor.element[0]);
  if (!tensor.isVariable && !getElementType(tensor.element, context))
    fail("'" + Twine(tensor.element) +
         "' is neither an element type nor a capital letter,");
  expect("[");
  if (take("]"))
    return tensor;
  do {
    if (!take("..."))
      tensor.dims.push_back(isInput ? parseInputSize() : parseSum());
    else if (llvm::is_contained(tensor.dims, AffineExpr()))
      fail("a tensor has one '...' at most,");
    else
      tensor.dims.push_back(AffineExpr());
  } while (take(","));
  expect("]");
  return tensor;
}

SmallVector<ExternTensor> Parser::parseTensors(bool areInputs) {
  SmallVector<ExternTensor> tensors;
  do
    tensors.push_back(parseTensor(areInputs));
  while (take(","));
  return tensors;
}

llvm::Expected<ExternOperator> Parser::parse() {
  parseName();
  if (error.empty()) {
    declared.inputs = parseTensors(/*areInputs=*/true);
    expect("->");
    declared.outputs = parseTensors(/*areInputs=*/false);
    if (!rest.trim().empty())
      fail("unexpected text");
  }
  bool hasEllipsis = false;
  std::string known;
  for (const ExternTensor &input : declared.inputs) {
    hasEllipsis |= llvm::is_contained(input.dims, AffineExpr());
    if (input.isVariable)
      known += input.element;
  }
  for (const ExternTensor &output : declared.outputs) {
    if (llvm::is_contained(output.dims, AffineExpr()) && !hasEllipsis)
      fail("no input has '...',");
    if (output.isVariable && !StringRef(known).contains(output.element))
      fail("no input has the type '" + Twine(output.element) + "',");
  }
  if (!error.empty())
    return llvm::createStringError(error);
  return declared;
}

llvm::Expected<ExternOperator> nncc::onnx::parseExtern(StringRef text,
                                                       MLIRContext *context) {
  return Parser(text, context).parse();
}

namespace {

/// What the names of a declaration stand for at a node.
class Bindings {
public:
  explicit Bindings(const ExternOperator &declared)
      : sizes(declared.sizes.size()) {}

  /// False if the input does not match what the ones before it say.
  bool match(const ExternTensor &pattern, RankedTensorType input);

  RankedTensorType build(const ExternTensor &pattern, MLIRContext *context);

private:
  bool matchSize(AffineExpr pattern, AffineExpr size);
  AffineExpr resolve(AffineExpr pattern) const;

  SmallVector<AffineExpr> sizes;
  std::optional<SmallVector<AffineExpr>> ellipsis;
  llvm::StringMap<Type> elements;
};

} // namespace

bool Bindings::matchSize(AffineExpr pattern, AffineExpr size) {
  if (isa<AffineConstantExpr>(pattern))
    return pattern == size;
  AffineExpr &bound = sizes[cast<AffineSymbolExpr>(pattern).getPosition()];
  if (!bound)
    bound = size;
  return bound == size;
}

bool Bindings::match(const ExternTensor &pattern, RankedTensorType input) {
  MLIRContext *context = input.getContext();
  Type &element = elements[pattern.element];
  if (!element)
    element = pattern.isVariable ? input.getElementType()
                                 : getElementType(pattern.element, context);
  SmallVector<AffineExpr> dims = nn::getDims(input);
  const auto *open = llvm::find(pattern.dims, AffineExpr());
  size_t before = open - pattern.dims.begin();
  bool hasOpen = open != pattern.dims.end();
  size_t fixed = pattern.dims.size() - hasOpen;
  if (element != input.getElementType() || dims.size() < fixed ||
      (!hasOpen && dims.size() != fixed))
    return false;
  size_t numOpen = dims.size() - fixed;
  for (size_t i = 0; i < fixed; ++i)
    if (!matchSize(pattern.dims[i < before ? i : i + 1],
                   dims[i < before ? i : i + numOpen]))
      return false;
  if (!hasOpen)
    return true;
  auto rest = ArrayRef(dims).slice(before, numOpen);
  if (!ellipsis)
    ellipsis.emplace(rest);
  return ArrayRef(*ellipsis) == rest;
}

/// With products and divisions by what the names stand for.
AffineExpr Bindings::resolve(AffineExpr pattern) const {
  return nn::simplify(pattern.replaceSymbols(sizes));
}

RankedTensorType Bindings::build(const ExternTensor &pattern,
                                 MLIRContext *context) {
  SmallVector<AffineExpr> dims;
  for (AffineExpr dim : pattern.dims) {
    if (dim)
      dims.push_back(resolve(dim));
    else
      llvm::append_range(dims, *ellipsis);
  }
  for (AffineExpr dim : dims)
    if (nn::getConstantValue(dim).value_or(0) < 0)
      return {};
  auto bound = elements.find(pattern.element);
  Type element = bound == elements.end()
                     ? getElementType(pattern.element, context)
                     : bound->second;
  return nn::makeTensorType(dims, element);
}

llvm::Expected<SmallVector<RankedTensorType>> nncc::onnx::inferExternOutputs(
    const ExternOperator &declared, ArrayRef<RankedTensorType> inputs,
    llvm::function_ref<std::string(RankedTensorType)> describe) {
  if (inputs.size() != declared.inputs.size())
    return llvm::createStringError(
        "--extern declares " + Twine(declared.inputs.size()) +
        " inputs, the node has " + Twine(inputs.size()));
  Bindings bindings(declared);
  for (auto [i, pattern, input] : llvm::enumerate(declared.inputs, inputs))
    if (!bindings.match(pattern, input))
      return llvm::createStringError("its input " + Twine(i) + ", " +
                                     describe(input) +
                                     ", is not what --extern declares");
  SmallVector<RankedTensorType> types;
  for (auto [i, pattern] : llvm::enumerate(declared.outputs)) {
    RankedTensorType type =
        bindings.build(pattern, inputs.front().getContext());
    if (!type)
      return llvm::createStringError("--extern gives its output " + Twine(i) +
                                     " a negative size for these inputs");
    types.push_back(type);
  }
  return types;
}
