//===- ModuleWriter.cpp - The last changes to a module --------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/ModuleWriter.h"

#include "targets/wasm/EntryPoints.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/BinaryFormat/Wasm.h"
#include "llvm/Support/DataExtractor.h"
#include "llvm/Support/LEB128.h"

using namespace llvm;
using namespace nncc;
using namespace nncc::wasm;

namespace {

struct Section {
  uint8_t id;
  StringRef payload;
};

/// Weights that follow each other with less than a new segment costs between
/// them.
struct Segment {
  uint64_t begin, end;
  ArrayRef<WeightSegment> parts;
};

class Writer {
public:
  Writer(const Weights *weights, raw_ostream &os) : weights(weights), os(os) {}

  Error write(StringRef linked, ArrayRef<TextSection> texts);

private:
  Error readSections(StringRef linked);
  Expected<std::optional<uint64_t>> findExport(StringRef wanted) const;
  Error findWeightAddress();
  Error readWeightGlobal(uint64_t index);
  void groupWeights();
  Error findCopyFunction();

  void writeSection(const Section &section);
  void writeExports(StringRef payload);
  void writeData(StringRef payload);
  void writeDataCount();
  void writeCode(StringRef payload);
  void writeMemoryLimits();
  std::string buildCopyBody() const;
  SmallString<16> encodeHeader(const Segment &segment) const;
  void writeSegment(const Segment &segment);
  void writeCustom(const TextSection &section);
  StringRef getPayload(uint8_t id) const;

  const Weights *weights;
  raw_ostream &os;
  SmallVector<Section> sections;
  SmallVector<Segment> segments;
  uint32_t weightAddress = 0;
  /// In modules with threads the number of nncc_copy_weights: segments are
  /// passive there, and it copies them.
  std::optional<uint64_t> copyFunction;
  uint64_t numLinkedSegments = 0;
};

} // namespace

static Error malformed(StringRef what) {
  return createStringError("the linked module is malformed: " + what);
}

static SmallString<16> encode(uint64_t value) {
  SmallString<16> bytes;
  raw_svector_ostream os(bytes);
  encodeULEB128(value, os);
  return bytes;
}

static SmallString<16> encodePassiveHeader(uint64_t size) {
  SmallString<16> bytes;
  raw_svector_ostream os(bytes);
  os << char(llvm::wasm::WASM_DATA_SEGMENT_IS_PASSIVE);
  encodeULEB128(size, os);
  return bytes;
}

static SmallString<16> encodeActiveHeader(uint64_t address, uint64_t size) {
  SmallString<16> bytes;
  raw_svector_ostream os(bytes);
  os << char(0) << char(llvm::wasm::WASM_OPCODE_I32_CONST);
  encodeSLEB128(static_cast<int32_t>(address), os);
  os << char(llvm::wasm::WASM_OPCODE_END);
  encodeULEB128(size, os);
  return bytes;
}

Error Writer::readSections(StringRef linked) {
  if (linked.size() < 8)
    return malformed("no header");
  DataExtractor data(linked, /*IsLittleEndian=*/true, /*AddressSize=*/4);
  DataExtractor::Cursor cursor(8);
  while (cursor && !data.eof(cursor)) {
    uint8_t id = data.getU8(cursor);
    uint64_t size = data.getULEB128(cursor);
    sections.push_back({id, data.getBytes(cursor, size)});
  }
  return cursor.takeError();
}

StringRef Writer::getPayload(uint8_t id) const {
  for (const Section &section : sections)
    if (section.id == id)
      return section.payload;
  return StringRef();
}

/// The number of what is exported as `wanted`, if anything is.
Expected<std::optional<uint64_t>> Writer::findExport(StringRef wanted) const {
  DataExtractor data(getPayload(llvm::wasm::WASM_SEC_EXPORT), true, 4);
  DataExtractor::Cursor cursor(0);
  uint64_t count = data.getULEB128(cursor);
  std::optional<uint64_t> found;
  for (uint64_t i = 0; cursor && i < count; ++i) {
    StringRef name = data.getBytes(cursor, data.getULEB128(cursor));
    data.getU8(cursor);
    uint64_t index = data.getULEB128(cursor);
    if (name == wanted)
      found = index;
  }
  if (Error error = cursor.takeError())
    return std::move(error);
  return found;
}

/// The address is the value of the exported global.
Error Writer::findWeightAddress() {
  Expected<std::optional<uint64_t>> found = findExport(weightSymbol);
  if (!found)
    return found.takeError();
  return *found ? readWeightGlobal(**found) : malformed("no place for weights");
}

Error Writer::findCopyFunction() {
  Expected<std::optional<uint64_t>> found = findExport(copyWeightsName);
  if (!found)
    return found.takeError();
  copyFunction = *found;
  StringRef payload = getPayload(llvm::wasm::WASM_SEC_DATA);
  uint64_t offset = 0;
  if (!payload.empty())
    numLinkedSegments = DataExtractor(payload, true, 4).getULEB128(&offset);
  return Error::success();
}

Error Writer::readWeightGlobal(uint64_t index) {
  DataExtractor data(getPayload(llvm::wasm::WASM_SEC_GLOBAL), true, 4);
  DataExtractor::Cursor cursor(0);
  uint64_t count = data.getULEB128(cursor);
  for (uint64_t i = 0; cursor && i < count && i <= index; ++i) {
    data.getU16(cursor); // Type and mutability.
    uint8_t opcode = data.getU8(cursor);
    int64_t value = data.getSLEB128(cursor);
    uint8_t end = data.getU8(cursor);
    if (cursor && (opcode != llvm::wasm::WASM_OPCODE_I32_CONST ||
                   end != llvm::wasm::WASM_OPCODE_END)) {
      consumeError(cursor.takeError());
      return malformed("a global that is no i32 constant");
    }
    weightAddress = static_cast<uint32_t>(value);
  }
  return cursor.takeError();
}

void Writer::groupWeights() {
  constexpr uint64_t largestGap = 64;
  if (!weights)
    return;
  ArrayRef<WeightSegment> all = weights->segments;
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i].bytes.empty())
      continue;
    uint64_t end = all[i].offset + all[i].bytes.size();
    if (!segments.empty() &&
        all[i].offset <= segments.back().end + largestGap) {
      Segment &last = segments.back();
      last.parts = ArrayRef(last.parts.begin(), &all[i] + 1);
      last.end = end;
    } else {
      segments.push_back({all[i].offset, end, all.slice(i, 1)});
    }
  }
}

SmallString<16> Writer::encodeHeader(const Segment &segment) const {
  uint64_t size = segment.end - segment.begin;
  return copyFunction ? encodePassiveHeader(size)
                      : encodeActiveHeader(weightAddress + segment.begin, size);
}

void Writer::writeSegment(const Segment &segment) {
  os << encodeHeader(segment);
  uint64_t position = segment.begin;
  for (const WeightSegment &part : segment.parts) {
    if (part.bytes.empty())
      continue;
    os.write_zeros(part.offset - position);
    os.write(part.bytes.data(), part.bytes.size());
    position = part.offset + part.bytes.size();
  }
}

void Writer::writeExports(StringRef payload) {
  DataExtractor data(payload, true, 4);
  DataExtractor::Cursor cursor(0);
  uint64_t count = data.getULEB128(cursor);
  std::string kept;
  uint64_t numKept = 0;
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t begin = cursor.tell();
    StringRef name = data.getBytes(cursor, data.getULEB128(cursor));
    data.getU8(cursor);
    data.getULEB128(cursor);
    if (name == weightSymbol || name == copyWeightsName)
      continue;
    kept += payload.slice(begin, cursor.tell());
    ++numKept;
  }
  consumeError(cursor.takeError()); // Read before, without an error.
  SmallString<16> newCount = encode(numKept);
  os << char(llvm::wasm::WASM_SEC_EXPORT)
     << encode(newCount.size() + kept.size()) << newCount << kept;
}

void Writer::writeData(StringRef payload) {
  DataExtractor data(payload, true, 4);
  uint64_t offset = 0;
  if (!payload.empty())
    data.getULEB128(&offset);
  SmallString<16> newCount = encode(numLinkedSegments + segments.size());
  StringRef old = payload.drop_front(offset);
  uint64_t size = newCount.size() + old.size();
  for (const Segment &segment : segments)
    size += encodeHeader(segment).size() + segment.end - segment.begin;
  os << char(llvm::wasm::WASM_SEC_DATA) << encode(size) << newCount << old;
  for (const Segment &segment : segments)
    writeSegment(segment);
}

/// A memory.init of each segment.
std::string Writer::buildCopyBody() const {
  std::string body;
  raw_string_ostream os(body);
  os << char(0); // Locals.
  auto writeConst = [&](uint64_t value) {
    os << char(llvm::wasm::WASM_OPCODE_I32_CONST);
    encodeSLEB128(static_cast<int32_t>(value), os);
  };
  for (auto [i, segment] : enumerate(segments)) {
    writeConst(weightAddress + segment.begin);
    writeConst(0);
    writeConst(segment.end - segment.begin);
    os << char(llvm::wasm::WASM_OPCODE_MISC_PREFIX)
       << char(llvm::wasm::WASM_OPCODE_MEMORY_INIT)
       << encode(numLinkedSegments + i) << char(0);
  }
  os << char(llvm::wasm::WASM_OPCODE_END);
  return body;
}

/// Copies the functions but for the one that copies the weights. The module
/// imports no function, so that numbers count the bodies.
void Writer::writeCode(StringRef payload) {
  DataExtractor data(payload, true, 4);
  uint64_t offset = 0;
  uint64_t count = data.getULEB128(&offset);
  std::string bodies;
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t size = data.getULEB128(&offset);
    std::string body = i == copyFunction ? buildCopyBody()
                                         : payload.substr(offset, size).str();
    bodies += encode(body.size());
    bodies += body;
    offset += size;
  }
  SmallString<16> number = encode(count);
  os << char(llvm::wasm::WASM_SEC_CODE) << encode(number.size() + bodies.size())
     << number << bodies;
}

/// The number of segments is for bulk memory, which only modules with threads
/// use.
void Writer::writeDataCount() {
  if (!copyFunction)
    return;
  SmallString<16> count = encode(numLinkedSegments + segments.size());
  os << char(llvm::wasm::WASM_SEC_DATACOUNT) << encode(count.size()) << count;
}

/// What a host needs to make the memory, as JSON: it cannot ask the engine.
void Writer::writeMemoryLimits() {
  StringRef payload = getPayload(llvm::wasm::WASM_SEC_IMPORT);
  if (payload.empty())
    return;
  DataExtractor data(payload, true, 4);
  DataExtractor::Cursor cursor(0);
  data.getULEB128(cursor);
  for (int name = 0; name < 2; ++name)
    data.getBytes(cursor, data.getULEB128(cursor));
  uint8_t kind = data.getU8(cursor);
  data.getU8(cursor); // Flags.
  uint64_t initial = data.getULEB128(cursor);
  uint64_t maximum = data.getULEB128(cursor);
  consumeError(cursor.takeError());
  // Modules that import functions have a memory of their own.
  if (kind != llvm::wasm::WASM_EXTERNAL_MEMORY)
    return;
  std::string text = ("{\"memory\": {\"initial\": " + Twine(initial) +
                      ", \"maximum\": " + Twine(maximum) + "}}")
                         .str();
  writeCustom({"nncc.threads", text});
}

void Writer::writeCustom(const TextSection &section) {
  auto [name, text] = section;
  SmallString<16> length = encode(name.size());
  os << char(llvm::wasm::WASM_SEC_CUSTOM)
     << encode(length.size() + name.size() + text.size()) << length << name
     << text;
}

void Writer::writeSection(const Section &section) {
  if (section.id == llvm::wasm::WASM_SEC_EXPORT)
    return writeExports(section.payload);
  if (section.id == llvm::wasm::WASM_SEC_DATA)
    return writeData(section.payload);
  if (section.id == llvm::wasm::WASM_SEC_DATACOUNT)
    return writeDataCount();
  if (section.id == llvm::wasm::WASM_SEC_CODE && copyFunction && weights)
    return writeCode(section.payload);
  os << char(section.id) << encode(section.payload.size()) << section.payload;
}

Error Writer::write(StringRef linked, ArrayRef<TextSection> texts) {
  if (Error error = readSections(linked))
    return error;
  if (Error error = findWeightAddress())
    return error;
  if (Error error = findCopyFunction())
    return error;
  groupWeights();
  os << linked.take_front(8);
  for (const Section &section : sections)
    writeSection(section);
  writeMemoryLimits();
  for (const TextSection &text : texts)
    if (!text.text.empty())
      writeCustom(text);
  return Error::success();
}

Error nncc::wasm::writeModule(StringRef linked, const Weights *weights,
                              ArrayRef<TextSection> texts, raw_ostream &os) {
  return Writer(weights, os).write(linked, texts);
}
