//===- Packed.cpp - Functions as values -----------------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Packed.h"

#include "Allocator.h"
#include "ErrorText.h"

using namespace nncc;

#define NNCC_EXPORT(NAME) extern "C" __attribute__((export_name(NAME)))
#define NNCC_IMPORT(NAME)                                                      \
  extern "C" __attribute__((import_module("nncc"), import_name(NAME)))

/// Calls the host's function of a number.
NNCC_IMPORT("call_packed")
int nncc_host_call(uint32_t number, const PackedValue *arguments,
                   uint32_t numArguments, PackedValue *result);
/// The number of the host's function of that name, or -1. It stands for a
/// reference.
NNCC_IMPORT("find_packed")
int32_t nncc_host_find(const char *name, uint32_t length);
/// The module has no use for a number any more.
NNCC_IMPORT("drop_packed") void nncc_host_drop(uint32_t number);

extern "C" int nncc_main(uint32_t, const PackedValue *arguments,
                         uint32_t numArguments, PackedValue *result);

namespace {

/// A name of the registry.
struct Entry {
  const char *name;
  Function *function;
  Entry *next;
};

int callHost(Function *self, const PackedValue *arguments,
             uint32_t numArguments, PackedValue *result) {
  return nncc_host_call(self->data, arguments, numArguments, result);
}

void dropHost(Function *self) { nncc_host_drop(self->data); }

int callMain(Function *, const PackedValue *arguments, uint32_t numArguments,
             PackedValue *result) {
  return nncc_main(0, arguments, numArguments, result);
}

/// The registry holds a reference, so that it is never given back.
Function mainFunction = {callMain, nullptr, 1, 0};
Entry mainEntry = {"main", &mainFunction, nullptr};
Entry *registry = &mainEntry;

template <typename T> T *allocateObject() {
  return reinterpret_cast<T *>(static_cast<uintptr_t>(allocate(sizeof(T))));
}

void releaseObject(void *object) {
  release(static_cast<uint32_t>(reinterpret_cast<uintptr_t>(object)));
}

uint32_t lengthOf(const char *text) {
  uint32_t length = 0;
  while (text[length])
    ++length;
  return length;
}

/// Whether `name` is the `length` bytes of `text`.
bool isName(const char *name, const char *text, uint32_t length) {
  for (uint32_t i = 0; i < length; ++i)
    if (name[i] == '\0' || name[i] != text[i])
      return false;
  return name[length] == '\0';
}

Function *findOwn(const char *text, uint32_t length) {
  for (Entry *entry = registry; entry; entry = entry->next)
    if (isName(entry->name, text, length)) {
      retain(entry->function);
      return entry->function;
    }
  return nullptr;
}

Function *wrapHost(uint32_t number) {
  return createFunction(callHost, number, dropHost);
}

} // namespace

Function *nncc::createFunction(PackedCall call, uint32_t data,
                               void (*drop)(Function *)) {
  Function *function = allocateObject<Function>();
  if (function)
    *function = {call, drop, 1, data};
  return function;
}

void nncc::retain(Function *function) { ++function->references; }

void nncc::release(Function *function) {
  if (--function->references != 0)
    return;
  if (function->drop)
    function->drop(function);
  releaseObject(function);
}

int nncc::callFunction(Function *function, const PackedValue *arguments,
                       uint32_t numArguments, PackedValue *result) {
  lastError.clear();
  *result = {Tag::None, 0, 0};
  int status = function->call(function, arguments, numArguments, result);
  if (status != 0 && lastError.c_str()[0] == '\0')
    lastError << "the function returned " << int64_t(status);
  return status;
}

bool nncc::registerFunction(const char *name, Function *function) {
  Entry *entry = allocateObject<Entry>();
  if (!entry)
    return false;
  *entry = {name, function, registry};
  registry = entry;
  return true;
}

Function *nncc::findFunction(const char *name) {
  uint32_t length = lengthOf(name);
  if (Function *own = findOwn(name, length))
    return own;
  int32_t number = nncc_host_find(name, length);
  return number < 0 ? nullptr : wrapHost(static_cast<uint32_t>(number));
}

NNCC_EXPORT("nncc_function")
Function *nncc_function(const char *name, uint32_t length) {
  return findOwn(name, length);
}

NNCC_EXPORT("nncc_wrap") Function *nncc_wrap(uint32_t number) {
  return wrapHost(number);
}

NNCC_EXPORT("nncc_call")
int nncc_call(Function *function, const PackedValue *arguments,
              uint32_t numArguments, PackedValue *result) {
  return callFunction(function, arguments, numArguments, result);
}

NNCC_EXPORT("nncc_retain") void nncc_retain(Function *function) {
  retain(function);
}

NNCC_EXPORT("nncc_release") void nncc_release(Function *function) {
  release(function);
}

NNCC_EXPORT("nncc_fail") void nncc_fail(const char *text, uint32_t length) {
  lastError.clear();
  for (uint32_t i = 0; i < length; ++i) {
    char part[2] = {text[i], '\0'};
    lastError << part;
  }
}
