//===- SignatureReader.cpp - Reads a signature's JSON ---------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/wasi-nn/SignatureReader.h"

using namespace nncc::wasinn;

/// The next character that is no space.
char JsonReader::peek() {
  while (*position == ' ' || *position == '\n')
    ++position;
  return *position;
}

void JsonReader::enter() {
  peek();
  ++position;
}

bool JsonReader::next() {
  char c = peek();
  if (c == ',')
    ++position;
  else if (c == ']' || c == '}')
    ++position;
  return c != ']' && c != '}';
}

void JsonReader::skipText() {
  for (++position; *position != '"'; ++position)
    if (*position == '\\')
      ++position;
  ++position;
}

Text JsonReader::readKey() {
  peek();
  const char *begin = position + 1;
  skipText();
  Text key = {begin, static_cast<uint32_t>(position - 1 - begin)};
  peek();
  ++position; // The colon.
  return key;
}

uint32_t JsonReader::readNumberOr(uint32_t other) {
  if (peek() < '0' || *position > '9') {
    skip();
    return other;
  }
  uint32_t number = 0;
  for (; *position >= '0' && *position <= '9'; ++position)
    number = number * 10 + (*position - '0');
  return number;
}

void JsonReader::skip() {
  uint32_t depth = 0;
  do {
    char c = peek();
    if (c == '"') {
      skipText();
      continue;
    }
    depth += c == '{' || c == '[';
    depth -= c == '}' || c == ']';
    ++position;
    // A number or a word ends where a mark follows.
    if (depth == 0 && c != '}' && c != ']')
      while (*position != ',' && *position != '}' && *position != ']' &&
             *position != '\0')
        ++position;
  } while (depth != 0);
}

static uint32_t readHex(const char *digits) {
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    char c = digits[i];
    value = value * 16 + (c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
  }
  return value;
}

/// Names are UTF-8 already: only control characters are written as \u.
static char resolveEscape(const char *&at) {
  switch (*++at) {
  case 'n':
    return '\n';
  case 't':
    return '\t';
  case 'r':
    return '\r';
  case 'b':
    return '\b';
  case 'f':
    return '\f';
  case 'u':
    at += 4;
    return static_cast<char>(readHex(at - 3));
  default:
    return *at;
  }
}

Text JsonReader::readText() {
  peek();
  const char *begin = position + 1;
  skipText();
  const char *end = position - 1;
  char *text = allocate<char>(end - begin + 1);
  if (!text)
    return {"", 0};
  uint32_t length = 0;
  for (const char *at = begin; at < end; ++at)
    text[length++] = *at == '\\' ? resolveEscape(at) : *at;
  text[length] = '\0';
  return {text, length};
}
