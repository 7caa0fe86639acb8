//===- TypeScope.cpp - Types of a component as it writes them -------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/TypeScope.h"

#include "targets/wasm/ComponentBuilder.h"

#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace nncc::wasm;

uint32_t TypeScope::defineEnum(const NamedType &type) {
  std::string bytes = "\x6d" + encodeNumber(type.cases.size());
  for (const std::string &name : type.cases)
    bytes += encodeName(name);
  return builder.addType(bytes);
}

/// What a name stands for if no type of this name was defined.
std::string TypeScope::encodeNamed(StringRef name) {
  auto found = known.find(name);
  if (found != known.end())
    return encodeSigned(found->second);
  for (const NamedType &type : types)
    if (type.name == name)
      return encode(type.alias);
  llvm_unreachable("the interfaces name no other type");
}

std::string TypeScope::encodeComposite(const ValueType &type) {
  std::vector<std::string> args;
  for (const ValueType &arg : type.args)
    args.push_back(encode(arg));
  switch (type.kind) {
  case ValueType::List:
    return "\x70" + args[0];
  case ValueType::Tuple:
    return "\x6f" + encodeNumber(args.size()) + join(args, "");
  case ValueType::Own:
    return "\x69" + encodeNumber(get(type.name));
  case ValueType::Borrow:
    return "\x68" + encodeNumber(get(type.name));
  default: // A result; the last type is the error's.
    return "\x6a" +
           (args.size() == 2 ? '\x01' + args[0] : std::string(1, '\0')) +
           '\x01' + args.back();
  }
}

std::string TypeScope::encode(const ValueType &type) {
  switch (type.kind) {
  case ValueType::U8:
    return "\x7d";
  case ValueType::U32:
    return "\x79";
  case ValueType::String:
    return "\x73";
  case ValueType::Named:
    return encodeNamed(type.name);
  default:
    return encodeSigned(builder.addType(encodeComposite(type)));
  }
}

uint32_t TypeScope::defineFunction(const Function &function) {
  std::string bytes = "\x40" + encodeNumber(function.params.size());
  for (const auto &[name, type] : function.params)
    bytes += encodeName(name) + encode(type);
  std::string result = encode(function.result);
  return builder.addType(bytes + std::string(1, '\0') + result);
}
