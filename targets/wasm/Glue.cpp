//===- Glue.cpp - Functions that no source file can express ---------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/Glue.h"

#include "targets/wasm/ComponentBuilder.h"

#include "llvm/BinaryFormat/Wasm.h"

using namespace llvm;
using namespace llvm::wasm;
using namespace nncc::wasm;

namespace {

/// Instructions, by their opcodes in the specification.
class Code {
public:
  /// `numLocals` i32 beside the parameters.
  explicit Code(uint32_t numLocals = 0) {
    if (numLocals)
      bytes = '\1' + encodeNumber(numLocals) + '\x7f';
    else
      bytes = std::string(1, '\0');
  }

  Code &get(uint32_t local) { return op(0x20).number(local); }
  Code &tee(uint32_t local) { return op(0x22).number(local); }
  Code &constant(int64_t value) {
    op(0x41).bytes += encodeSigned(value);
    return *this;
  }
  Code &call(uint32_t function) { return op(0x10).number(function); }
  Code &trap() { return op(0x00); }
  Code &beginIf() { return op(0x04).op(0x40); }
  Code &beginIfWithResult() { return op(0x04).op(0x7f); }
  Code &otherwise() { return op(0x05); }
  Code &end() { return op(0x0b); }
  Code &giveBack() { return op(0x0f); }
  Code &equal() { return op(0x46); }
  Code &notEqual() { return op(0x47); }
  Code &shiftRight() { return op(0x76); }
  Code &bitAnd() { return op(0x71); }
  Code &bitOr() { return op(0x72); }
  Code &isZero() { return op(0x45); }
  Code &memorySize(uint32_t memory) { return op(0x3f).number(memory); }
  Code &memoryCopy(uint32_t to, uint32_t from) {
    return op(0xfc).number(0x0a).number(to).number(from);
  }
  /// The byte at an address plus `offset`.
  Code &loadByte(uint32_t memory, uint32_t offset) {
    constexpr uint8_t namesMemory = 0x40;
    op(0x2d);
    if (memory)
      op(namesMemory).number(memory);
    else
      op(0);
    return number(offset);
  }
  Code &getAll(unsigned count) {
    for (unsigned i = 0; i < count; ++i)
      get(i);
    return *this;
  }

  /// Ends the function.
  std::string finish() {
    end();
    return encodeNumber(bytes.size()) + bytes;
  }

private:
  Code &op(uint8_t opcode) {
    bytes += static_cast<char>(opcode);
    return *this;
  }
  Code &number(uint32_t value) {
    bytes += encodeNumber(value);
    return *this;
  }

  std::string bytes;
};

} // namespace

GlueFunction nncc::wasm::makeCopy(uint32_t toMemory, uint32_t fromMemory) {
  return {3, 0, Code().getAll(3).memoryCopy(toMemory, fromMemory).finish()};
}

GlueFunction nncc::wasm::makeMemorySize(uint32_t memory) {
  return {0, 1, Code().memorySize(memory).finish()};
}

GlueFunction nncc::wasm::makeConstant(uint32_t value) {
  return {0, 1, Code().constant(value).finish()};
}

GlueFunction nncc::wasm::makeNameCheck(StringRef name, uint32_t memory) {
  if (name.empty())
    return {2, 1, Code().constant(1).finish()};
  Code code;
  code.get(1).constant(name.size()).notEqual();
  code.beginIf().constant(0).giveBack().end();
  code.constant(0);
  for (auto [i, byte] : enumerate(name.bytes()))
    code.get(0).loadByte(memory, i).constant(byte).notEqual().bitOr();
  return {2, 1, code.isZero().finish()};
}

/// What another model may still make good, or 0.
static uint32_t getTryAgain(StringRef call) {
  constexpr uint32_t invalidEncoding = 2, notFound = 8;
  if (call == "load")
    return invalidEncoding;
  return call.starts_with("load_by_name") ? notFound : 0;
}

GlueFunction nncc::wasm::makeDispatch(StringRef call, unsigned numParams,
                                      ArrayRef<uint32_t> functions) {
  if (uint32_t again = getTryAgain(call)) {
    Code code(/*numLocals=*/1);
    for (uint32_t function : functions.drop_back()) {
      code.getAll(numParams).call(function).tee(numParams);
      code.constant(again).notEqual();
      code.beginIf().get(numParams).giveBack().end();
    }
    code.getAll(numParams).call(functions.back());
    return {numParams, 1, code.finish()};
  }
  // What is no model's handle is the first one's, whose adapter refuses it.
  Code code;
  for (auto [i, function] : enumerate(functions.drop_front())) {
    code.get(0).constant(handleBits).shiftRight();
    code.constant((1 << handleBits) - 1).bitAnd().constant(i + 1).equal();
    code.beginIfWithResult().getAll(numParams).call(function).otherwise();
  }
  code.getAll(numParams).call(functions.front());
  for (size_t i = 1; i < functions.size(); ++i)
    code.end();
  return {numParams, 1, code.finish()};
}

static std::string encodeSection(uint8_t id, StringRef payload) {
  return static_cast<char>(id) + encodeNumber(payload.size()) + payload.str();
}

static std::string encodeType(unsigned numParams, unsigned numResults) {
  return '\x60' + encodeNumber(numParams) + std::string(numParams, '\x7f') +
         encodeNumber(numResults) + std::string(numResults, '\x7f');
}

std::string nncc::wasm::makeNameCheckModule(StringRef name) {
  GlueFunction check = makeNameCheck(name, /*memory=*/0);
  return std::string("\0asm\1\0\0\0", 8) +
         encodeSection(WASM_SEC_TYPE, "\1\x60\2\x7f\x7f\1\x7f") +
         encodeSection(WASM_SEC_IMPORT, '\1' + encodeName("model") +
                                            encodeName("memory") +
                                            std::string("\2\0\0", 3)) +
         encodeSection(WASM_SEC_FUNCTION, StringRef("\1\0", 2)) +
         encodeSection(WASM_SEC_EXPORT,
                       '\1' + encodeName("is_named") + std::string(2, '\0')) +
         encodeSection(WASM_SEC_CODE, '\1' + check.code);
}

namespace {

/// Writes the module of makeSelectionModule. Type 0 is that of "count"; each
/// function has two more, without the number of the model and with it.
class SelectionWriter {
public:
  SelectionWriter(ArrayRef<SharedFunction> functions, unsigned numModels)
      : functions(functions), numModels(numModels) {}

  std::string run();

private:
  void importAll();
  void define(StringRef name, uint32_t type, StringRef body);
  std::string select(unsigned function) const;

  ArrayRef<SharedFunction> functions;
  unsigned numModels;
  uint32_t numImports = 0, numDefined = 0;
  std::vector<uint32_t> firstImports; ///< By function; the models' follow.
  std::string imports, definitions, exports, code;
};

} // namespace

void SelectionWriter::importAll() {
  for (auto [i, function] : enumerate(functions)) {
    firstImports.push_back(numImports);
    if (!function.isThere)
      continue;
    for (unsigned model = 0; model < numModels; ++model, ++numImports)
      imports += encodeName(std::to_string(model)) + encodeName(function.name) +
                 '\0' + encodeNumber(1 + 2 * i);
  }
}

void SelectionWriter::define(StringRef name, uint32_t type, StringRef body) {
  definitions += encodeNumber(type);
  exports += encodeName(name) + '\0' + encodeNumber(numImports + numDefined);
  code += body;
  ++numDefined;
}

/// A number that no model has traps.
std::string SelectionWriter::select(unsigned index) const {
  const SharedFunction &function = functions[index];
  Code body;
  for (unsigned model = 0; function.isThere && model < numModels; ++model) {
    body.get(0).constant(model).equal().beginIf();
    for (unsigned param = 1; param <= function.numParams; ++param)
      body.get(param);
    body.call(firstImports[index] + model).giveBack().end();
  }
  return body.trap().finish();
}

std::string SelectionWriter::run() {
  std::string types = encodeType(0, 1);
  for (const SharedFunction &function : functions)
    types += encodeType(function.numParams, function.numResults) +
             encodeType(function.numParams + 1, function.numResults);
  importAll();
  define("count", 0, Code().constant(numModels).finish());
  for (auto [i, function] : enumerate(functions))
    define(function.name, 2 + 2 * i, select(i));
  return std::string("\0asm\1\0\0\0", 8) +
         encodeSection(WASM_SEC_TYPE,
                       encodeNumber(1 + 2 * functions.size()) + types) +
         encodeSection(WASM_SEC_IMPORT, encodeNumber(numImports) + imports) +
         encodeSection(WASM_SEC_FUNCTION,
                       encodeNumber(numDefined) + definitions) +
         encodeSection(WASM_SEC_EXPORT, encodeNumber(numDefined) + exports) +
         encodeSection(WASM_SEC_CODE, encodeNumber(numDefined) + code);
}

std::string nncc::wasm::makeSelectionModule(ArrayRef<SharedFunction> functions,
                                            unsigned numModels) {
  return SelectionWriter(functions, numModels).run();
}
