// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A program written by hand over the runtime's registry: functions that take,
// keep, make and give functions, and every other kind of value.

#include "runtime/core/Packed.h"
#include "runtime/core/Allocator.h"
#include "runtime/core/ErrorText.h"
#include "runtime/core/Program.h"

using namespace nncc;

// A network without inputs and outputs, whose run registers the functions.
extern "C" {
const uint32_t nncc_program[] = {0, 0, 0, 0};
const char nncc_strings[] = "";
const char nncc_signature_text[] = "";
char nncc_weight_data[64];
uint32_t nncc_frame[2];
uint64_t nncc_call_arena_bytes(const uint32_t *) { return 64; }
}

static Function *kept;

static Function *functionIn(const PackedValue &value) {
  return reinterpret_cast<Function *>(static_cast<uintptr_t>(value.payload));
}

static PackedValue valueOf(Function *function) {
  return {Tag::Function, 0, reinterpret_cast<uintptr_t>(function)};
}

/// Gives its argument back.
static int echo(Function *, const PackedValue *arguments, uint32_t count,
                PackedValue *result) {
  if (count != 1) {
    lastError << "echo takes one argument, not " << int64_t(count);
    return 1;
  }
  if (arguments->tag == Tag::Function)
    retain(functionIn(*arguments));
  *result = *arguments;
  return 0;
}

/// apply(f, ...): f(...).
static int apply(Function *, const PackedValue *arguments, uint32_t count,
                 PackedValue *result) {
  return callFunction(functionIn(*arguments), arguments + 1, count - 1, result);
}

static int add(Function *self, const PackedValue *arguments, uint32_t,
               PackedValue *result) {
  *result = {Tag::Int, 0, arguments->payload + self->data};
  return 0;
}

/// makeAdder(n): a function that adds n.
static int makeAdder(Function *, const PackedValue *arguments, uint32_t,
                     PackedValue *result) {
  *result =
      valueOf(createFunction(add, static_cast<uint32_t>(arguments->payload)));
  return 0;
}

/// keep(f): f is released when the next one is kept.
static int keep(Function *, const PackedValue *arguments, uint32_t,
                PackedValue *) {
  if (kept)
    release(kept);
  kept = arguments->tag == Tag::Function ? functionIn(*arguments) : nullptr;
  if (kept)
    retain(kept);
  return 0;
}

/// callByName(name of 7 letters): finds it, calls it without arguments.
static int callHello(Function *, const PackedValue *, uint32_t,
                     PackedValue *result) {
  Function *found = findFunction("hello");
  if (!found) {
    lastError << "there is no hello";
    return 1;
  }
  int status = callFunction(found, nullptr, 0, result);
  release(found);
  return status;
}

extern "C" void nncc_call_run(uint32_t *) {
  registerFunction("echo", createFunction(echo));
  registerFunction("apply", createFunction(apply));
  registerFunction("makeAdder", createFunction(makeAdder));
  registerFunction("keep", createFunction(keep));
  registerFunction("callHello", createFunction(callHello));
}
