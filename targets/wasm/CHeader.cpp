//===- CHeader.cpp - The interface of an object in C ----------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/CHeader.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FormatVariadic.h"

using namespace llvm;
using namespace nncc::wasm;

std::string nncc::wasm::makeIdentifier(StringRef name) {
  static const StringRef reserved[] = {
      "auto",      "bool",     "break",     "case",     "catch",    "char",
      "class",     "const",    "continue",  "default",  "delete",   "do",
      "double",    "else",     "enum",      "explicit", "extern",   "false",
      "float",     "for",      "friend",    "goto",     "if",       "inline",
      "int",       "long",     "namespace", "new",      "operator", "private",
      "protected", "public",   "register",  "restrict", "return",   "short",
      "signed",    "sizeof",   "static",    "struct",   "switch",   "template",
      "this",      "throw",    "true",      "try",      "typedef",  "typename",
      "union",     "unsigned", "using",     "virtual",  "void",     "volatile",
      "while"};
  std::string text;
  for (char c : name)
    text += isAlnum(c) ? c : '_';
  if (text.empty() || isDigit(text[0]) || is_contained(reserved, text))
    text = "n_" + text;
  return text;
}

namespace {

/// Identifiers that differ from each other.
class Identifiers {
public:
  std::string add(StringRef name) {
    std::string base = makeIdentifier(name), text = base;
    for (unsigned i = 2; !taken.insert(text).second; ++i)
      text = base + "_" + std::to_string(i);
    return text;
  }

private:
  StringSet<> taken;
};

class HeaderPrinter {
public:
  HeaderPrinter(const Signature &signature, const ModuleInfo &info,
                StringRef prefix)
      : signature(signature), info(info), prefix(prefix) {
    for (const SymbolInfo &symbol : signature.symbols)
      symbolNames.push_back(inputFields.add(symbol.name));
    for (const TensorInfo &input : signature.inputs)
      inputNames.push_back(inputFields.add(input.name));
    for (const TensorInfo &output : signature.outputs) {
      outputNames.push_back(outputFields.add(output.name));
      shapeNames.push_back(outputFields.add(outputNames.back() + "_shape"));
    }
  }

  std::string print();

private:
  /// Adds a line in which "NAME" stands for the prefix.
  void line(const Twine &text);
  void printInputs();
  void printOutputs();
  void printFunctions();
  void printErrors();
  void printArenaBytes();
  void printRun();
  void printInputCheck(unsigned i);
  std::string describe(const TensorInfo &tensor) const;
  std::string countBytes(const TensorInfo &tensor) const;
  std::string getCondition(unsigned symbol) const;

  const Signature &signature;
  const ModuleInfo &info;
  const StringRef prefix;
  Identifiers inputFields, outputFields;
  SmallVector<std::string> symbolNames, inputNames, outputNames, shapeNames;
  std::string text;
};

} // namespace

static StringRef getCType(const TensorInfo &tensor) {
  static const std::pair<StringRef, StringRef> types[] = {
      {"f32", "float"},     {"f64", "double"},   {"f16", "uint16_t"},
      {"bf16", "uint16_t"}, {"i8", "int8_t"},    {"i16", "int16_t"},
      {"i32", "int32_t"},   {"i64", "int64_t"},  {"u8", "uint8_t"},
      {"u16", "uint16_t"},  {"u32", "uint32_t"}, {"u64", "uint64_t"}};
  for (auto [name, type] : types)
    if (name == tensor.typeName)
      return type;
  return "uint8_t"; // bool
}

/// Text from a file, harmless in a comment or a string.
static std::string quote(StringRef text) {
  std::string safe;
  for (char c : text)
    safe += isPrint(c) && !StringRef("*/\\\"?").contains(c) ? c : '_';
  return safe;
}

void HeaderPrinter::line(const Twine &content) {
  std::string filled = content.str();
  for (size_t at = 0; (at = filled.find("NAME", at)) != std::string::npos;
       at += prefix.size())
    filled.replace(at, 4, prefix.data(), prefix.size());
  text += filled + "\n";
}

std::string HeaderPrinter::describe(const TensorInfo &tensor) const {
  SmallVector<std::string> dims;
  for (mlir::AffineExpr dim : tensor.dims)
    dims.push_back(quote(printDim(dim, signature.symbols)));
  return (quote(tensor.name) + ": " + tensor.typeName + "[" + join(dims, ", ") +
          "]")
      .str();
}

/// A C expression over `in`.
std::string HeaderPrinter::countBytes(const TensorInfo &tensor) const {
  std::string product = std::to_string(tensor.bits / 8) + "ull";
  for (mlir::AffineExpr dim : tensor.dims) {
    if (auto constant = mlir::dyn_cast<mlir::AffineConstantExpr>(dim))
      product += " * " + std::to_string(constant.getValue());
    else
      product +=
          " * in->" +
          symbolNames[mlir::cast<mlir::AffineSymbolExpr>(dim).getPosition()];
  }
  return product;
}

void HeaderPrinter::printInputs() {
  line("/** What NAME_run takes: sizes, and the elements of each input in");
  line("    row-major order. The 64 bytes behind the elements are read too, "
       "and");
  line("    not used: they must be memory. */");
  line("typedef struct NAME_inputs {");
  for (auto [symbol, name] : zip(signature.symbols, symbolNames))
    line(formatv("  uint32_t {0}; /**< {1}: {2} {3} */", name,
                 quote(symbol.name), symbol.low,
                 symbol.high ? "to " + std::to_string(*symbol.high)
                             : std::string("or more"))
             .str());
  for (auto [input, name] : zip(signature.inputs, inputNames))
    line("  const " + getCType(input) + " *" + name + "; /**< " +
         describe(input) + " */");
  if (inputNames.empty() && symbolNames.empty())
    line("  char none; /**< C has no empty structs. */");
  line("} NAME_inputs;\n");
}

void HeaderPrinter::printOutputs() {
  line("/** What NAME_run gives. The elements lie in the arena, until it is");
  line("    used again. */");
  line("typedef struct NAME_outputs {");
  for (unsigned i = 0; i < outputNames.size(); ++i) {
    const TensorInfo &output = signature.outputs[i];
    line("  const " + getCType(output) + " *" + outputNames[i] + "; /**< " +
         describe(output) + " */");
    if (!output.dims.empty())
      line("  uint32_t " + shapeNames[i] + "[" + Twine(output.dims.size()) +
           "];");
  }
  line("} NAME_outputs;\n");
}

/// What the program that links the object has to define.
void HeaderPrinter::printFunctions() {
  if (signature.externs.empty())
    return;
  text += R"(#ifndef NNCC_PACKED
#define NNCC_PACKED
/** A tensor, as DLPack describes it; its elements are row-major. */
typedef struct nncc_tensor {
  void *data;
  int32_t device_type, device_id, ndim;
  uint8_t code, bits;
  uint16_t lanes;
  const int64_t *shape, *strides;
  uint32_t unused;
  uint64_t byte_offset;
} nncc_tensor;
/** An argument of a function: its tag is 1 for i, 2 for f, 4 for text, 5 for
    tensor. */
typedef struct nncc_value {
  uint32_t tag, reserved;
  union {
    int64_t i;
    double f;
    struct {
      const char *bytes;
      uint32_t length;
    } text;
    nncc_tensor *tensor;
  } as;
} nncc_value;
#endif

)";
  StringSet<> seen;
  for (const ExternCall &call : signature.externs) {
    if (!seen.insert(call.function).second)
      continue;
    line("/** Computes " + quote(call.function) + "; define it. It gets " +
         Twine(call.inputs.size()) + " inputs, " + Twine(call.outputs.size()) +
         " outputs to");
    line("    fill, then the name and the value of each attribute. Returns 0, "
         "or another");
    line("    number for NAME_failed. `self` and `ret` are not used. */");
    line("int32_t " + makeIdentifier(call.function) +
         "(void *self, const nncc_value *args,");
    line("    int32_t num_args, nncc_value *ret);\n");
  }
  line("/** What the function returned that made the last run fail. */");
  line("extern int32_t NAME_failed;\n");
}

void HeaderPrinter::printErrors() {
  line("/** What NAME_run returns. */");
  line("enum {");
  line("  NAME_OK = 0,");
  line("  NAME_BAD_SIZE = 1,");
  line("  NAME_NO_INPUT = 2,");
  line("  NAME_ARENA_TOO_SMALL = 3,");
  line("  NAME_INPUT_IN_ARENA = 4,");
  line("  NAME_FUNCTION_FAILED = 5");
  line("};\n");
  line("/** What a result of NAME_run means, in words. */");
  line("static inline const char *NAME_message(int code) {");
  line("  switch (code) {");
  for (auto [code, message] : {
           std::pair("OK", "no error"),
           std::pair("BAD_SIZE",
                     "a size is out of its range or does not fit another"),
           std::pair("NO_INPUT", "an input is a null pointer"),
           std::pair("ARENA_TOO_SMALL",
                     "the arena is null or smaller than NAME_arena_bytes"),
           std::pair("INPUT_IN_ARENA", "an input lies in the arena: copy it"),
           std::pair("FUNCTION_FAILED", "a function of the program failed"),
       }) {
    line(Twine("  case NAME_") + code + ":");
    line(Twine("    return \"NAME: ") + message + "\";");
  }
  line("  default:");
  line("    return \"NAME: unknown error\";");
  line("  }\n}\n");
}

std::string HeaderPrinter::getCondition(unsigned symbol) const {
  const SymbolInfo &bounds = signature.symbols[symbol];
  std::string value = "in->" + symbolNames[symbol];
  std::string condition = value + " > 2147483647u";
  if (bounds.low > 0)
    condition =
        value + " < " + std::to_string(bounds.low) + "u || " + condition;
  if (bounds.high)
    condition += " || " + value + " > " + std::to_string(*bounds.high) + "u";
  return condition;
}

void HeaderPrinter::printArenaBytes() {
  if (info.arenaBytes)
    line("/** The size of the arena, the same for all inputs. */\n"
         "#define NAME_ARENA_BYTES " +
         Twine(*info.arenaBytes) + "\n");
  line(
      "/** How many bytes of memory a run with the sizes in `in` needs; other");
  line("    fields do not matter. 0 if a size is out of its range. */");
  line("static inline uint64_t NAME_arena_bytes(const NAME_inputs *in) {");
  line("  uint32_t symbols[" + Twine(symbolNames.size() + 1) + "] = {0};");
  line("  (void)in;");
  for (unsigned i = 0; i < symbolNames.size(); ++i) {
    line("  if (" + getCondition(i) + ")\n    return 0;");
    line("  symbols[" + Twine(i) + "] = in->" + symbolNames[i] + ";");
  }
  // 0 would be an error.
  line("  uint64_t bytes = NAME_call_arena_bytes(symbols);");
  line("  return bytes ? bytes : 1;\n}\n");
}

void HeaderPrinter::printInputCheck(unsigned i) {
  std::string value = "in->" + inputNames[i];
  line("  if (!" + value + ")\n    return NAME_NO_INPUT;");
  line("  if ((uintptr_t)" + value + " < (uintptr_t)arena + arena_bytes &&");
  line("      (uintptr_t)" + value + " + " + countBytes(signature.inputs[i]) +
       " > (uintptr_t)arena)");
  line("    return NAME_INPUT_IN_ARENA;");
}

void HeaderPrinter::printRun() {
  size_t numSymbols = symbolNames.size(), numInputs = inputNames.size();
  size_t word = 2 + numSymbols + numInputs, numWords = word;
  for (const TensorInfo &output : signature.outputs)
    numWords += 1 + output.dims.size();
  line("/** Runs the network and fills `out`. `arena` is any memory of at "
       "least");
  line(
      "    NAME_arena_bytes, best aligned to 64 bytes, that no input lies in;");
  line("    nothing in it matters before. Runs with different arenas do not");
  line("    disturb each other. Returns NAME_OK or an error, and then nothing "
       "has");
  line("    changed. */");
  line("static inline int NAME_run(const NAME_inputs *in, NAME_outputs *out,");
  line("                           void *arena, size_t arena_bytes) {");
  line("  uint32_t frame[" + Twine(numWords) + "] = {0};");
  line("  uint64_t needed = NAME_arena_bytes(in);");
  line("  if (needed == 0)\n    return NAME_BAD_SIZE;");
  line("  if (!arena || arena_bytes < needed)\n    return "
       "NAME_ARENA_TOO_SMALL;");
  for (unsigned i = 0; i < numInputs; ++i)
    printInputCheck(i);
  line("  frame[0] = (uint32_t)(uintptr_t)arena;");
  line("  frame[1] = (uint32_t)(uintptr_t)NAME_weights;");
  for (auto [i, name] : enumerate(symbolNames))
    line("  frame[" + Twine(2 + i) + "] = in->" + name + ";");
  for (auto [i, name] : enumerate(inputNames))
    line("  frame[" + Twine(2 + numSymbols + i) +
         "] = (uint32_t)(uintptr_t)in->" + name + ";");
  if (!signature.externs.empty())
    line("  NAME_failed = 0;");
  line("  NAME_call_run(frame);");
  if (!signature.externs.empty())
    line("  if (NAME_failed)\n    return NAME_FUNCTION_FAILED;");
  // A run that refuses sizes ends before it has results.
  if (!signature.sites.empty())
    line("  if (frame[" + Twine(word) + "] == 0)\n    return NAME_BAD_SIZE;");
  for (unsigned i = 0; i < outputNames.size(); ++i)
    line("  out->" + outputNames[i] + " = (const " +
         getCType(signature.outputs[i]) + " *)(uintptr_t)frame[" +
         Twine(word++) + "];");
  for (auto [output, name] : zip(signature.outputs, shapeNames))
    for (size_t axis = 0; axis < output.dims.size(); ++axis)
      line("  out->" + name + "[" + Twine(axis) + "] = frame[" + Twine(word++) +
           "];");
  line("  return NAME_OK;\n}\n");
}

std::string HeaderPrinter::print() {
  line("/* NAME: the network " + quote(info.sourceName) +
       ", compiled by nncc. Do not edit. */\n");
  line("#ifndef NNCC_MODEL_NAME\n#define NNCC_MODEL_NAME\n");
  line("#include <stddef.h>\n#include <stdint.h>\n");
  line("#ifdef __cplusplus\nextern \"C\" {\n#endif\n");
  line("#ifndef __wasm32__\n#error \"NAME is compiled for wasm32\"\n#endif\n");
  line("/* Defined in the object; called by the functions below. */");
  line("extern const unsigned char NAME_weights[];");
  line("extern void NAME_call_run(uint32_t *frame);");
  line("extern uint64_t NAME_call_arena_bytes(const uint32_t *symbols);\n");
  printInputs();
  printOutputs();
  printFunctions();
  printErrors();
  printArenaBytes();
  printRun();
  line("#ifdef __cplusplus\n}\n#endif\n\n#endif");
  return text;
}

std::string nncc::wasm::printHeader(const Signature &signature,
                                    const ModuleInfo &info, StringRef prefix) {
  return HeaderPrinter(signature, info, prefix).print();
}
