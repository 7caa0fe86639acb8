//===- IndexRewriter.cpp - Code whose numbers change ----------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/IndexRewriter.h"

#include "targets/wasm/ComponentBuilder.h"
#include "targets/wasm/CoreModule.h"

#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace nncc::wasm;

/// Copies all that was read and is not in the result yet.
void IndexRewriter::copy() {
  out += bytes.slice(copied, cursor.tell());
  copied = cursor.tell();
}

void IndexRewriter::write(uint64_t number) { out += encodeNumber(number); }

/// Reads a number and writes another in its place.
void IndexRewriter::replace(uint32_t (IndexRewriter::*map)(uint64_t)) {
  copy();
  write((this->*map)(readNumber()));
  copied = cursor.tell();
}

uint32_t IndexRewriter::mapFunction(uint64_t index) {
  if (index < map.functions.size())
    return map.functions[index];
  problem = "there is no function " + std::to_string(index);
  return 0;
}

uint32_t IndexRewriter::mapMemory(uint64_t index) {
  if (index < map.memories.size())
    return map.memories[index];
  problem = "there is no memory " + std::to_string(index);
  return 0;
}

Expected<std::string> IndexRewriter::finish() {
  if (cursor)
    copy();
  if (Error error = cursor.takeError())
    return std::move(error);
  if (!problem.empty())
    return createStringError(problem);
  return std::move(out);
}

void IndexRewriter::skipNumbers(unsigned count) {
  while (count--)
    readNumber();
}

void IndexRewriter::rewriteBlockType() {
  uint64_t begin = cursor.tell();
  uint8_t first = data.getU8(cursor);
  constexpr uint8_t reference = 0x63, nonNullReference = 0x64;
  if (first == reference || first == nonNullReference) {
    data.getSLEB128(cursor);
  } else if (first < 0x40 || first >= 0x80) { // The number of a type.
    cursor.seek(begin);
    copy();
    out += encodeSigned(mapType(data.getSLEB128(cursor)));
    copied = cursor.tell();
  }
}

void IndexRewriter::rewriteMemoryArgument() {
  constexpr uint64_t hasMemory = 1 << 6;
  copy();
  uint64_t flags = readNumber();
  uint32_t memory = mapMemory(flags & hasMemory ? readNumber() : 0);
  write(memory ? flags | hasMemory : flags & ~hasMemory);
  if (memory)
    write(memory);
  copied = cursor.tell();
  readNumber(); // The offset.
}

/// The clauses of try_table; tags keep their numbers.
void IndexRewriter::skipCatches() {
  constexpr uint8_t catchAll = 2;
  for (uint64_t count = readNumber(); cursor && count > 0; --count)
    skipNumbers(data.getU8(cursor) < catchAll ? 2 : 1);
}

void IndexRewriter::skipValueTypes() {
  for (uint64_t count = readNumber(); cursor && count > 0; --count)
    skipValueType(data, cursor);
}

/// Instructions behind 0xfc.
void IndexRewriter::rewriteMisc() {
  switch (uint64_t opcode = readNumber()) {
  case 8: // memory.init
    replace(&IndexRewriter::mapData);
    return replace(&IndexRewriter::mapMemory);
  case 9: // data.drop
    return replace(&IndexRewriter::mapData);
  case 10: // memory.copy
    replace(&IndexRewriter::mapMemory);
    return replace(&IndexRewriter::mapMemory);
  case 11: // memory.fill
    return replace(&IndexRewriter::mapMemory);
  case 12: // table.init
    replace(&IndexRewriter::mapElement);
    return replace(&IndexRewriter::mapTable);
  case 13: // elem.drop
    return replace(&IndexRewriter::mapElement);
  case 14: // table.copy
    replace(&IndexRewriter::mapTable);
    return replace(&IndexRewriter::mapTable);
  case 15: // table.grow, table.size, table.fill
  case 16:
  case 17:
    return replace(&IndexRewriter::mapTable);
  default:
    if (opcode > 17)
      problem = "instruction fc " + utohexstr(opcode) + " is not known";
  }
}

/// Instructions behind 0xfd.
void IndexRewriter::rewriteVector() {
  uint64_t opcode = readNumber();
  bool isLaneAccess = opcode >= 84 && opcode <= 91;
  if (opcode <= 11 || isLaneAccess || opcode == 92 || opcode == 93)
    rewriteMemoryArgument();
  if (opcode == 12 || opcode == 13) // v128.const, i8x16.shuffle
    data.skip(cursor, 16);
  else if (isLaneAccess || (opcode >= 21 && opcode <= 34))
    data.skip(cursor, 1);
}

/// Instructions behind 0xfe.
void IndexRewriter::rewriteAtomic() {
  constexpr uint64_t fence = 3;
  if (readNumber() == fence)
    data.skip(cursor, 1);
  else
    rewriteMemoryArgument();
}

void IndexRewriter::rewriteInstruction(uint8_t opcode) {
  if (opcode >= 0x28 && opcode <= 0x3e)
    return rewriteMemoryArgument();
  if (opcode >= 0x20 && opcode <= 0x22) // local.get, local.set, local.tee
    return skipNumbers(1);
  switch (opcode) {
  case 0x02: // block, loop, if, try
  case 0x03:
  case 0x04:
  case 0x06:
    ++depth;
    return rewriteBlockType();
  case 0x1f: // try_table
    ++depth;
    rewriteBlockType();
    return skipCatches();
  case 0x0b: // end
    --depth;
    return;
  case 0x18: // delegate, which is an end too
    --depth;
    return skipNumbers(1);
  case 0x07: // catch, throw, rethrow: tags keep their numbers
  case 0x08:
  case 0x09:
  case 0x0c: // br, br_if, br_on_null, br_on_non_null
  case 0x0d:
  case 0xd5:
  case 0xd6:
    return skipNumbers(1);
  case 0x0e: // br_table
    return skipNumbers(readNumber() + 1);
  case 0x10: // call, return_call, ref.func
  case 0x12:
  case 0xd2:
    return replace(&IndexRewriter::mapFunction);
  case 0x11: // call_indirect, return_call_indirect
  case 0x13:
    replace(&IndexRewriter::mapType);
    return replace(&IndexRewriter::mapTable);
  case 0x14: // call_ref, return_call_ref
  case 0x15:
    return replace(&IndexRewriter::mapType);
  case 0x1c: // select
    return skipValueTypes();
  case 0x23: // global.get, global.set
  case 0x24:
    return replace(&IndexRewriter::mapGlobal);
  case 0x25: // table.get, table.set
  case 0x26:
    return replace(&IndexRewriter::mapTable);
  case 0x3f: // memory.size, memory.grow
  case 0x40:
    return replace(&IndexRewriter::mapMemory);
  case 0x41: // i32.const, i64.const, ref.null
  case 0x42:
  case 0xd0:
    data.getSLEB128(cursor);
    return;
  case 0x43:
    return data.skip(cursor, 4);
  case 0x44:
    return data.skip(cursor, 8);
  case 0xfb:
    problem = "instructions for garbage collection are not supported";
    return;
  case 0xfc:
    return rewriteMisc();
  case 0xfd:
    return rewriteVector();
  case 0xfe:
    return rewriteAtomic();
  default:
    return; // Nothing follows.
  }
}

/// Up to the end that closes it.
void IndexRewriter::rewriteExpression() {
  depth = 1;
  while (cursor && problem.empty() && depth > 0)
    rewriteInstruction(data.getU8(cursor));
}

Expected<std::string> IndexRewriter::rewriteCode() {
  std::string all;
  for (uint64_t count = readNumber(); cursor && count > 0; --count) {
    uint64_t size = readNumber();
    uint64_t end = cursor.tell() + size;
    copied = cursor.tell();
    out.clear();
    for (uint64_t groups = readNumber(); cursor && groups > 0; --groups) {
      readNumber();
      skipValueType(data, cursor);
    }
    while (cursor && problem.empty() && cursor.tell() < end)
      rewriteExpression();
    copy();
    all += encodeNumber(out.size()) + out;
  }
  out.clear();
  Expected<std::string> rest = finish();
  if (!rest)
    return rest.takeError();
  return all;
}

Expected<std::string> IndexRewriter::rewriteGlobals() {
  uint64_t count = readNumber();
  copied = cursor.tell();
  for (; cursor && count > 0; --count) {
    skipValueType(data, cursor);
    data.getU8(cursor);
    rewriteExpression();
  }
  return finish();
}

/// A segment; what it leaves out means table 0 and functions.
void IndexRewriter::rewriteElement() {
  enum : uint64_t { passive = 1, explicitTable = 2, expressions = 4 };
  copy();
  uint64_t flags = readNumber();
  bool isActive = !(flags & passive);
  bool addsTable = isActive && !(flags & explicitTable) && map.firstTable;
  write(addsTable ? flags | explicitTable : flags);
  copied = cursor.tell();
  if (isActive && (flags & explicitTable))
    replace(&IndexRewriter::mapTable);
  else if (addsTable)
    write(map.firstTable);
  if (isActive)
    rewriteExpression();
  copy();
  if (flags & (passive | explicitTable))
    data.getSLEB128(cursor);
  else if (addsTable)
    out += flags & expressions ? '\x70' : '\0';
  for (uint64_t items = readNumber(); cursor && items > 0; --items)
    if (flags & expressions)
      rewriteExpression();
    else
      replace(&IndexRewriter::mapFunction);
}

Expected<std::string> IndexRewriter::rewriteElements() {
  uint64_t count = readNumber();
  copied = cursor.tell();
  for (; cursor && count > 0; --count)
    rewriteElement();
  return finish();
}

Expected<std::string> IndexRewriter::rewriteData() {
  enum : uint64_t { active, passive, explicitMemory };
  uint64_t count = readNumber();
  copied = cursor.tell();
  for (; cursor && count > 0; --count) {
    copy();
    uint64_t flags = readNumber();
    uint32_t memory =
        flags == passive
            ? 0
            : mapMemory(flags == explicitMemory ? readNumber() : 0);
    write(flags == passive ? passive : memory ? explicitMemory : active);
    if (memory)
      write(memory);
    copied = cursor.tell();
    if (flags != passive)
      rewriteExpression();
    data.skip(cursor, readNumber());
  }
  return finish();
}

Expected<std::string> IndexRewriter::rewriteExports() {
  uint64_t count = readNumber();
  copied = cursor.tell();
  for (; cursor && count > 0; --count) {
    data.skip(cursor, readNumber());
    switch (data.getU8(cursor)) {
    case 0:
      replace(&IndexRewriter::mapFunction);
      break;
    case 1:
      replace(&IndexRewriter::mapTable);
      break;
    case 2:
      replace(&IndexRewriter::mapMemory);
      break;
    case 3:
      replace(&IndexRewriter::mapGlobal);
      break;
    default: // A tag.
      readNumber();
    }
  }
  return finish();
}
