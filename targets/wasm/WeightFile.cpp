//===- WeightFile.cpp - Weights in a file of their own --------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/WeightFile.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/SHA256.h"

using namespace llvm;
using namespace nncc;

std::string nncc::wasm::getWeightFileHeader(const Weights &weights) {
  uint64_t bytes = weights.size - weights.getBegin();
  std::string json =
      ("{\"weights\":{\"dtype\":\"U8\",\"shape\":[" + Twine(bytes) +
       "],\"data_offsets\":[0," + Twine(bytes) + "]}}")
          .str();
  json.resize(alignTo(8 + json.size(), 64) - 8, ' ');
  char length[8];
  support::endian::write64le(length, json.size());
  return std::string(length, sizeof length) + json;
}

std::string nncc::wasm::writeWeightFile(const Weights &weights,
                                        raw_ostream &os) {
  SHA256 hash;
  auto write = [&](StringRef bytes) {
    hash.update(bytes);
    os << bytes;
  };
  static const char zeros[4096] = {};
  uint64_t position = weights.getBegin();
  auto writeZeros = [&](uint64_t end) {
    while (position < end) {
      uint64_t size = std::min<uint64_t>(sizeof zeros, end - position);
      write(StringRef(zeros, size));
      position += size;
    }
  };
  write(getWeightFileHeader(weights));
  for (const WeightSegment &segment : weights.segments) {
    writeZeros(segment.offset);
    write(StringRef(segment.bytes.data(), segment.bytes.size()));
    position = segment.offset + segment.bytes.size();
  }
  writeZeros(weights.size);
  return toHex(hash.final(), /*LowerCase=*/true);
}
