//===- Network.cpp - What a model takes and gives -------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/wasi-nn/Network.h"

#include "runtime/wasi-nn/Failure.h"
#include "runtime/wasi-nn/SignatureReader.h"

using namespace nncc;
using namespace nncc::wasinn;

namespace {

struct TypeRow {
  const char *name;
  DataType type;
  ElementType element;
};

// Those without a type of their own pass as the one of their width.
const TypeRow typeRows[] = {
    {"f16", {2, 16, 1}, ElementType::F16},
    {"f32", {2, 32, 1}, ElementType::F32},
    {"f64", {2, 64, 1}, ElementType::F64},
    {"bf16", {4, 16, 1}, ElementType::BF16},
    {"u8", {1, 8, 1}, ElementType::U8},
    {"i8", {0, 8, 1}, ElementType::U8},
    {"bool", {6, 8, 1}, ElementType::U8},
    {"i32", {0, 32, 1}, ElementType::I32},
    {"u32", {1, 32, 1}, ElementType::I32},
    {"i64", {0, 64, 1}, ElementType::I64},
    {"u64", {1, 64, 1}, ElementType::I64},
    {"i16", {0, 16, 1}, ElementType::None},
    {"u16", {1, 16, 1}, ElementType::None},
};

Network network;
bool isRead;

Text textOf(const char *text) {
  return {text, static_cast<uint32_t>(__builtin_strlen(text))};
}

bool is(Text text, const char *word) { return text == textOf(word); }

} // namespace

uint32_t nncc::wasinn::bytesPerElement(ElementType type) {
  static const uint8_t sizes[] = {2, 4, 8, 2, 1, 4, 8, 0};
  return sizes[static_cast<uint8_t>(type)];
}

static void setType(Port &port, Text name) {
  for (const TypeRow &row : typeRows)
    if (is(name, row.name)) {
      port.type = row.type;
      port.element = row.element;
    }
}

static uint32_t countElements(JsonReader reader) {
  uint32_t count = 0;
  reader.enter();
  while (reader.next()) {
    reader.skip();
    ++count;
  }
  return count;
}

/// Without memory the sizes are null.
static void readShape(JsonReader &reader, Port &port) {
  port.rank = countElements(reader);
  port.sizes = allocate<uint32_t>(port.rank);
  reader.enter();
  for (uint32_t i = 0; reader.next(); ++i) {
    uint32_t size = reader.readNumberOr(openSize);
    if (port.sizes)
      port.sizes[i] = size;
  }
}

static Port readPort(JsonReader &reader) {
  Port port = {};
  port.element = ElementType::None;
  reader.enter();
  while (reader.next()) {
    Text key = reader.readKey();
    if (is(key, "name"))
      port.name = reader.readText();
    else if (is(key, "dtype"))
      setType(port, reader.readText());
    else if (is(key, "shape"))
      readShape(reader, port);
    else
      reader.skip();
  }
  return port;
}

static bool readPorts(JsonReader &reader, Port *&ports, uint32_t &count) {
  count = countElements(reader);
  ports = allocate<Port>(count);
  if (!ports)
    return failWithoutMemory();
  reader.enter();
  for (uint32_t i = 0; reader.next(); ++i) {
    ports[i] = readPort(reader);
    if (!ports[i].name.begin || !ports[i].sizes)
      return failWithoutMemory();
  }
  return true;
}

static void readSource(JsonReader &reader) {
  reader.enter();
  while (reader.next())
    if (is(reader.readKey(), "sha256"))
      network.sourceHash = reader.readText();
    else
      reader.skip();
}

/// [{"output": ..., "input": ...}, ...]
static void readState(JsonReader reader) {
  reader.enter();
  while (reader.next()) {
    uint32_t output = network.numOutputs, input = network.numInputs;
    reader.enter();
    while (reader.next()) {
      bool isInput = is(reader.readKey(), "input");
      Text name = reader.readText();
      if (isInput)
        input = findPort(network.inputs, network.numInputs, name);
      else
        output = findPort(network.outputs, network.numOutputs, name);
      release(name.begin);
    }
    if (input < network.numInputs && output < network.numOutputs)
      network.inputs[input].feedback = output + 1;
  }
}

static bool readNetwork() {
  JsonReader reader(nncc_signature()), state("[]");
  reader.enter();
  while (reader.next()) {
    Text key = reader.readKey();
    if (is(key, "inputs")) {
      if (!readPorts(reader, network.inputs, network.numInputs))
        return false;
    } else if (is(key, "outputs")) {
      if (!readPorts(reader, network.outputs, network.numOutputs))
        return false;
    } else if (is(key, "source")) {
      readSource(reader);
    } else {
      if (is(key, "state"))
        state = reader;
      reader.skip();
    }
  }
  readState(state);
  return true;
}

const Network *nncc::wasinn::getNetwork() {
  if (!isRead)
    isRead = readNetwork();
  return isRead ? &network : nullptr;
}

static bool readNumber(Text text, uint32_t &number) {
  number = 0;
  for (uint32_t i = 0; i < text.length; ++i) {
    if (text.begin[i] < '0' || text.begin[i] > '9' || i == 9)
      return false;
    number = number * 10 + (text.begin[i] - '0');
  }
  return text.length != 0;
}

uint32_t nncc::wasinn::findPort(const Port *ports, uint32_t count, Text name) {
  for (uint32_t i = 0; i < count; ++i)
    if (ports[i].name == name)
      return i;
  uint32_t number;
  return readNumber(name, number) && number < count ? number : count;
}
