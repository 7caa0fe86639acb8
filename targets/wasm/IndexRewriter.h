//===- IndexRewriter.h - Code whose numbers change --------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WASM_INDEXREWRITER_H
#define NNCC_TARGETS_WASM_INDEXREWRITER_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/DataExtractor.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace nncc::wasm {

/// Where the things of one module are in another.
struct IndexMap {
  std::vector<uint32_t> functions, memories;
  uint32_t firstType = 0, firstTable = 0, firstGlobal = 0, firstElement = 0,
           firstData = 0;
};

/// Copies expressions and functions of a module and gives everything that they
/// name its new number. Knows all instructions of WebAssembly 3.0 but those
/// for garbage collection, and those of the threads proposal.
class IndexRewriter {
public:
  IndexRewriter(llvm::StringRef bytes, const IndexMap &map)
      : data(bytes, /*IsLittleEndian=*/true, /*AddressSize=*/4), bytes(bytes),
        map(map) {}

  /// The functions of a code section, without their number.
  llvm::Expected<std::string> rewriteCode();
  /// Segments of the element section and the data section, likewise.
  llvm::Expected<std::string> rewriteElements();
  llvm::Expected<std::string> rewriteData();
  llvm::Expected<std::string> rewriteGlobals();
  llvm::Expected<std::string> rewriteExports();

private:
  uint64_t readNumber() { return data.getULEB128(cursor); }
  void replace(uint32_t (IndexRewriter::*map)(uint64_t));
  void copy();
  void write(uint64_t number);
  llvm::Expected<std::string> finish();

  uint32_t mapFunction(uint64_t index);
  uint32_t mapMemory(uint64_t index);
  uint32_t mapType(uint64_t index) { return index + map.firstType; }
  uint32_t mapTable(uint64_t index) { return index + map.firstTable; }
  uint32_t mapGlobal(uint64_t index) { return index + map.firstGlobal; }
  uint32_t mapElement(uint64_t index) { return index + map.firstElement; }
  uint32_t mapData(uint64_t index) { return index + map.firstData; }

  void rewriteExpression();
  void rewriteInstruction(uint8_t opcode);
  void rewriteMisc();
  void rewriteVector();
  void rewriteAtomic();
  void rewriteMemoryArgument();
  void rewriteBlockType();
  void rewriteElement();
  void skipNumbers(unsigned count);
  void skipCatches();
  void skipValueTypes();

  llvm::DataExtractor data;
  llvm::DataExtractor::Cursor cursor{0};
  llvm::StringRef bytes;
  const IndexMap &map;
  std::string out;
  uint64_t copied = 0; ///< What of `bytes` is in `out` or left out of it.
  std::string problem;
  int depth = 0;
};

} // namespace nncc::wasm

#endif
