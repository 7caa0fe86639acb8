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

constexpr uint32_t maxRank = 64;
constexpr uint32_t maxParts = 64;

// A handle consists of a place, the number of the model, and how often the
// place was given back before: one that was closed is told from its successors.
constexpr uint32_t placeBits = 10, modelBits = 10;
constexpr uint32_t maxHandles = 1 << placeBits;
constexpr uint32_t firstRound = 1 << (placeBits + modelBits);

/// What a guest has open of one kind.
template <typename T> struct Handles {
  T items[maxHandles]; ///< Null: free.
  uint32_t rounds[maxHandles];
  uint32_t used; ///< Places that were ever given.
};

Handles<Session *> sessions;
Handles<bool> graphs;

} // namespace

template <typename T> static uint32_t findFree(const Handles<T> &handles) {
  for (uint32_t place = 0; place < handles.used; ++place)
    if (!handles.items[place])
      return place;
  return handles.used;
}

/// There must be a free place.
template <typename T> static uint32_t open(Handles<T> &handles, T item) {
  uint32_t place = findFree(handles);
  handles.used += place == handles.used;
  handles.items[place] = item;
  return getFirstHandle() + handles.rounds[place] * firstRound + place;
}

/// The place of an open handle, or maxHandles.
template <typename T>
static uint32_t find(const Handles<T> &handles, uint32_t handle) {
  uint32_t place = handle % maxHandles;
  bool isOpen =
      handles.items[place] &&
      handle == getFirstHandle() + handles.rounds[place] * firstRound + place;
  return isOpen ? place : maxHandles;
}

template <typename T> static void close(Handles<T> &handles, uint32_t place) {
  handles.items[place] = {};
  ++handles.rounds[place];
}

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
  if (findFree(graphs) == maxHandles)
    return fail(ErrorCode::TooLarge) << "too many graphs";
  writeNumber(out, open(graphs, true));
  return true;
}

static bool checkGraph(uint32_t graph) {
  if (find(graphs, graph) < maxHandles)
    return true;
  return fail(ErrorCode::InvalidArgument) << "there is no such graph";
}

static Session *findSession(uint32_t context) {
  uint32_t place = find(sessions, context);
  if (place < maxHandles)
    return sessions.items[place];
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
    close(graphs, find(graphs, graph));
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
  bool hasRoom = findFree(sessions) < maxHandles;
  Session *session = hasRoom ? makeSession() : nullptr;
  if (!session)
    return fail(ErrorCode::TooLarge) << "too many execution contexts";
  writeNumber(out, open(sessions, session));
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
    close(sessions, find(sessions, context));
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

static bool setInput(uint32_t context, uint32_t index,
                     const GuestTensor &tensor) {
  Session *session = findSession(context);
  if (!session)
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
uint32_t setInputAt(uint32_t context, uint32_t index, uint32_t address) {
  GuestTensor tensor;
  return finish(read(tensor, address) && setInput(context, index, tensor));
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

// WAMR's older module: an array as one pointer, one size in and out, no length
// of tensors and the types of before August 2023. targets/wasm/MergeModules.cpp
// takes the other functions from above.

NNCC_EXPORT("wasi_nn.load")
uint32_t loadArray(uint32_t array, uint32_t encoding, uint32_t target,
                   uint32_t out) {
  GuestBytes builders;
  return read(builders, array)
             ? load(builders.address, builders.length, encoding, target, out)
             : finish(false);
}

static bool readShortTensor(GuestTensor &tensor, uint32_t address) {
  struct {
    uint32_t shape, type, data;
  } given;
  GuestBytes dims;
  static const uint8_t elementBytes[] = {2, 4, 1, 4};
  if (!read(given, address) || !read(dims, given.shape))
    return false;
  if (given.type >= sizeof elementBytes || dims.length > maxRank ||
      !check(dims.address, 4 * dims.length))
    return fail(ErrorCode::InvalidArgument) << "this is no tensor";
  uint64_t bytes = elementBytes[given.type];
  for (uint32_t i = 0; i < dims.length && bytes >> 32 == 0; ++i) {
    uint32_t size;
    readGuest(&size, dims.address + 4 * i, sizeof size);
    bytes *= size;
  }
  tensor = {dims.address, dims.length, given.type, given.data,
            static_cast<uint32_t>(bytes)};
  return check(given.data, bytes);
}

NNCC_EXPORT("wasi_nn.set_input")
uint32_t setShortInput(uint32_t context, uint32_t index, uint32_t address) {
  GuestTensor tensor;
  return finish(readShortTensor(tensor, address) &&
                setInput(context, index, tensor));
}

NNCC_EXPORT("wasi_nn.get_output")
uint32_t getSizedOutput(uint32_t context, uint32_t index, uint32_t buffer,
                        uint32_t size) {
  uint32_t room;
  return finish(read(room, size) &&
                getOutput(context, index, buffer, room, size));
}
