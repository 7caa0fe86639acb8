//===- Ephemeral.cpp - The model as wasi_ephemeral_nn ---------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For core modules that nncc merges with a guest: the guest has a memory of its
// own, whose addresses mean nothing here. What a guest passes is checked; a
// call that fails writes nothing into its memory.
//
//===----------------------------------------------------------------------===//

#include "runtime/wasi-nn/Failure.h"
#include "runtime/wasi-nn/Inference.h"

using namespace nncc;
using namespace nncc::wasinn;

#define NNCC_EXPORT(NAME) extern "C" __attribute__((export_name(NAME)))
#define NNCC_GUEST(NAME)                                                       \
  extern "C" __attribute__((import_module("guest"), import_name(NAME)))

// Between the memories; targets/wasm/Glue.cpp makes them.
NNCC_GUEST("read") void readGuest(void *to, uint32_t from, uint32_t bytes);
NNCC_GUEST("write") void writeGuest(uint32_t to, const void *from, uint32_t);
NNCC_GUEST("pages") uint32_t countGuestPages();
// Whether the text there is the model's name, and where its handles begin:
// other models of the guest have others.
NNCC_GUEST("is_named") uint32_t isNamed(uint32_t name, uint32_t length);
NNCC_GUEST("first_handle") uint32_t getFirstHandle();

namespace {

/// A guest's tensor, as wasi_ephemeral_nn lays it out.
struct GuestTensor {
  uint32_t dims, rank, type, data, bytes;
};
struct GuestBytes {
  uint32_t address, length;
};

/// An execution context: a value or null for each input and output.
struct Session {
  Value **inputs, **outputs;
};

constexpr uint32_t maxHandles = 1024;
constexpr uint32_t maxRank = 64;
constexpr uint32_t maxParts = 64;

// A handle is a number in these plus the first; what is closed is not given
// again.
Session *sessions[maxHandles];
bool isGraph[maxHandles];
uint32_t numSessions, numGraphs;

} // namespace

/// The errno for what was done; the codes of wasi:nn have other numbers.
static uint32_t finish(bool isDone) {
  static const uint8_t errnos[] = {1, 2, 5, 5, 6, 7, 8, 5, 5};
  return isDone ? 0 : errnos[static_cast<uint8_t>(failure.code)];
}

static bool check(uint32_t address, uint64_t bytes) {
  uint64_t size = static_cast<uint64_t>(countGuestPages()) << 16;
  if (address <= size && bytes <= size - address)
    return true;
  return fail(ErrorCode::InvalidArgument) << "not in the guest's memory";
}

template <typename T> static bool read(T &object, uint32_t address) {
  if (!check(address, sizeof object))
    return false;
  readGuest(&object, address, sizeof object);
  return true;
}

static void writeNumber(uint32_t address, uint32_t number) {
  writeGuest(address, &number, sizeof number);
}

/// A copy of the guest's bytes in a new block; null after fail().
static uint8_t *copyIn(uint32_t address, uint32_t bytes) {
  if (!check(address, bytes))
    return nullptr;
  auto *block = allocate<uint8_t>(bytes);
  if (block)
    readGuest(block, address, bytes);
  else
    failWithoutMemory();
  return block;
}

static bool openGraph(uint32_t out) {
  if (!getNetwork())
    return false;
  if (numGraphs == maxHandles)
    return fail(ErrorCode::TooLarge) << "too many graphs";
  isGraph[numGraphs] = true;
  writeNumber(out, getFirstHandle() + numGraphs++);
  return true;
}

static bool checkGraph(uint32_t graph) {
  uint32_t place = graph - getFirstHandle();
  if (place < numGraphs && isGraph[place])
    return true;
  return fail(ErrorCode::InvalidArgument) << "there is no such graph";
}

static Session *findSession(uint32_t context) {
  uint32_t place = context - getFirstHandle();
  if (place < numSessions && sessions[place])
    return sessions[place];
  fail(ErrorCode::InvalidArgument) << "there is no such execution context";
  return nullptr;
}

/// Autodetect is 5 or 6: hosts have swapped it with another.
static bool checkEncoding(uint32_t encoding, uint32_t target) {
  constexpr uint32_t onnx = 1, numEncodings = 7, cpu = 0, automatic = 3;
  if (encoding >= numEncodings)
    return fail(ErrorCode::InvalidEncoding) << "there is no such encoding";
  if (target > automatic)
    return fail(ErrorCode::InvalidArgument) << "there is no such target";
  if (target != cpu && target != automatic)
    return fail(ErrorCode::UnsupportedOperation) << "it runs on the CPU alone";
  if (encoding != onnx && encoding < numEncodings - 2)
    return fail(ErrorCode::InvalidEncoding) << "only ONNX files are known";
  return true;
}

static bool checkParts(uint32_t builders, uint32_t count) {
  if (count > maxParts || !check(builders, 8ull * count))
    return fail(ErrorCode::InvalidArgument) << "these are no builders";
  const Network *network = getNetwork();
  Text parts[maxParts];
  uint32_t numCopied = 0;
  for (; network && numCopied < count; ++numCopied) {
    GuestBytes part;
    readGuest(&part, builders + 8 * numCopied, sizeof part);
    uint8_t *bytes = copyIn(part.address, part.length);
    if (!bytes)
      break;
    parts[numCopied] = {reinterpret_cast<char *>(bytes), part.length};
  }
  bool isGood =
      network && numCopied == count && checkSource(*network, parts, count);
  while (numCopied--)
    release(parts[numCopied].begin);
  return isGood;
}

NNCC_EXPORT("load")
uint32_t load(uint32_t builders, uint32_t count, uint32_t encoding,
              uint32_t target, uint32_t out) {
  return finish(check(out, 4) && checkEncoding(encoding, target) &&
                checkParts(builders, count) && openGraph(out));
}

static bool checkName(uint32_t name, uint32_t length) {
  if (!check(name, length))
    return false;
  return (length && isNamed(name, length)) || fail(ErrorCode::NotFound)
                                                  << "no model has this name";
}

NNCC_EXPORT("load_by_name")
uint32_t loadByName(uint32_t name, uint32_t length, uint32_t out) {
  return finish(check(out, 4) && checkName(name, length) && openGraph(out));
}

NNCC_EXPORT("load_by_name_with_config")
uint32_t loadWithConfig(uint32_t name, uint32_t length, uint32_t config,
                        uint32_t configLength, uint32_t out) {
  return finish(check(config, configLength) && check(out, 4) &&
                checkName(name, length) && openGraph(out));
}

NNCC_EXPORT("unload") uint32_t unload(uint32_t graph) {
  bool isOpen = checkGraph(graph);
  if (isOpen)
    isGraph[graph - getFirstHandle()] = false;
  return finish(isOpen);
}

static void clear(Value **values, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) {
    releaseValue(values[i]);
    values[i] = nullptr;
  }
}

static void clear(Session &session) {
  clear(session.inputs, getNetwork()->numInputs);
  clear(session.outputs, getNetwork()->numOutputs);
}

/// Replaces an input.
static bool put(Session &session, uint32_t input, Value *value) {
  if (!value)
    return false;
  releaseValue(session.inputs[input]);
  session.inputs[input] = value;
  return true;
}

/// A new stream begins.
static bool resetState(Session &session) {
  const Network &network = *getNetwork();
  for (uint32_t i = 0; i < network.numInputs; ++i)
    if (network.inputs[i].feedback &&
        !put(session, i, makeZeros(network.inputs[i])))
      return false;
  return true;
}

/// What is state becomes an input of the next run.
static bool keepState(Session &session) {
  const Network &network = *getNetwork();
  for (uint32_t i = 0; i < network.numInputs; ++i)
    if (uint32_t feedback = network.inputs[i].feedback)
      if (!put(session, i, copyValue(*session.outputs[feedback - 1])))
        return false;
  return true;
}

/// In one block: the session and its values.
static Session *makeSession() {
  const Network &network = *getNetwork();
  uint32_t count = network.numInputs + network.numOutputs;
  auto *block = allocate<char>(sizeof(Session) + sizeof(Value *) * count);
  if (!block)
    return nullptr;
  auto *session = reinterpret_cast<Session *>(block);
  session->inputs = reinterpret_cast<Value **>(session + 1);
  session->outputs = session->inputs + network.numInputs;
  for (uint32_t i = 0; i < count; ++i)
    session->inputs[i] = nullptr;
  if (resetState(*session))
    return session;
  clear(*session);
  release(session);
  return nullptr;
}

static bool openSession(uint32_t graph, uint32_t out) {
  if (!check(out, 4) || !checkGraph(graph))
    return false;
  Session *session = numSessions < maxHandles ? makeSession() : nullptr;
  if (!session)
    return fail(ErrorCode::TooLarge) << "too many execution contexts";
  sessions[numSessions] = session;
  writeNumber(out, getFirstHandle() + numSessions++);
  return true;
}

NNCC_EXPORT("init_execution_context")
uint32_t initContext(uint32_t graph, uint32_t out) {
  return finish(openSession(graph, out));
}

NNCC_EXPORT("finalize_execution_context")
uint32_t finalizeContext(uint32_t context) {
  Session *session = findSession(context);
  if (session) {
    clear(*session);
    release(session);
    sessions[context - getFirstHandle()] = nullptr;
  }
  return finish(session);
}

/// Two numberings of the types are in use, that of today and the one before
/// August 2023: the bytes of an element tell which is meant, so that what the
/// input wants is taken where one of them has it.
static ElementType findType(uint32_t type, ElementType wanted) {
  using T = ElementType;
  static const T today[] = {T::F16, T::F32, T::F64, T::U8, T::I32, T::I64};
  static const T before[] = {T::F16, T::F32, T::U8, T::I32};
  if (type < 4 && before[type] == wanted)
    return wanted;
  return type < 6 ? today[type] : T::None;
}

static Value *readValue(const GuestTensor &tensor, ElementType wanted) {
  if (tensor.rank > maxRank) {
    fail(ErrorCode::InvalidArgument) << "too many dimensions";
    return nullptr;
  }
  uint8_t *dims = copyIn(tensor.dims, 4 * tensor.rank);
  uint8_t *data = dims ? copyIn(tensor.data, tensor.bytes) : nullptr;
  if (!data) {
    release(dims);
    return nullptr;
  }
  return makeValue(reinterpret_cast<uint32_t *>(dims), tensor.rank,
                   findType(tensor.type & 0xFF, wanted), data, tensor.bytes);
}

static bool setInput(uint32_t context, uint32_t index, uint32_t address) {
  Session *session = findSession(context);
  GuestTensor tensor;
  if (!session || !read(tensor, address))
    return false;
  const Network &network = *getNetwork();
  if (index >= network.numInputs)
    return fail(ErrorCode::InvalidArgument) << "there is no such input";
  const Port &port = network.inputs[index];
  Value *value = readValue(tensor, port.element);
  if (!value)
    return false;
  if (!checkInput(port, *value)) {
    releaseValue(value);
    return false;
  }
  return put(*session, index, value);
}

NNCC_EXPORT("set_input")
uint32_t setInputOf(uint32_t context, uint32_t index, uint32_t tensor) {
  return finish(setInput(context, index, tensor));
}

NNCC_EXPORT("compute") uint32_t compute(uint32_t context) {
  Session *session = findSession(context);
  if (!session)
    return finish(false);
  const Network &network = *getNetwork();
  clear(session->outputs, network.numOutputs);
  return finish(infer(network, session->inputs, session->outputs) &&
                keepState(*session));
}

static bool getOutput(uint32_t context, uint32_t index, uint32_t buffer,
                      uint32_t size, uint32_t written) {
  Session *session = findSession(context);
  if (!session || !check(buffer, size) || !check(written, 4))
    return false;
  if (index >= getNetwork()->numOutputs)
    return fail(ErrorCode::InvalidArgument) << "there is no such output";
  const Value *value = session->outputs[index];
  if (!value)
    return fail(ErrorCode::RuntimeError) << "nothing was computed yet";
  if (value->bytes > size)
    return fail(ErrorCode::TooLarge) << "the buffer is too small";
  writeGuest(buffer, value->data, value->bytes);
  writeNumber(written, value->bytes);
  return true;
}

NNCC_EXPORT("get_output")
uint32_t getOutputOf(uint32_t context, uint32_t index, uint32_t buffer,
                     uint32_t size, uint32_t written) {
  return finish(getOutput(context, index, buffer, size, written));
}

// WasmEdge's names.

NNCC_EXPORT("compute_single") uint32_t computeSingle(uint32_t context) {
  return compute(context);
}

NNCC_EXPORT("get_output_single")
uint32_t getOutputSingle(uint32_t context, uint32_t index, uint32_t buffer,
                         uint32_t size, uint32_t written) {
  return getOutputOf(context, index, buffer, size, written);
}

NNCC_EXPORT("fini_single") uint32_t finishSingle(uint32_t context) {
  Session *session = findSession(context);
  if (!session)
    return finish(false);
  clear(*session);
  return finish(resetState(*session));
}
