//===- CompileUnits.cpp - Units to object code ----------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/CompileUnits.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Threading.h"
#include "llvm/Bitcode/BitcodeReader.h"

using namespace llvm;
using namespace nncc::wasm;

static Expected<std::string> compile(const Unit &unit) {
  LLVMContext context;
  StringRef bitcode(unit.bitcode.data(), unit.bitcode.size());
  Expected<std::unique_ptr<Module>> module =
      parseBitcodeFile(MemoryBufferRef(bitcode, unit.name), context);
  if (!module)
    return module.takeError();
  Expected<std::unique_ptr<TargetMachine>> machine =
      createWasmMachine(unit.feature);
  if (!machine)
    return machine.takeError();
  optimize(**module, **machine);
  SmallVector<char, 0> object;
  raw_svector_ostream os(object);
  if (Error error = emitObject(**module, **machine, os))
    return std::move(error);
  return std::string(object.begin(), object.end());
}

mlir::FailureOr<std::vector<std::string>>
nncc::wasm::compileUnits(mlir::Location loc, ArrayRef<Unit> units,
                         CodeCache &cache) {
  std::vector<std::string> objects(units.size());
  auto compileOne = [&](size_t i) -> mlir::LogicalResult {
    const Unit &unit = units[i];
    StringRef bitcode(unit.bitcode.data(), unit.bitcode.size());
    auto compileNow = [&] { return compile(unit); };
    Expected<std::string> object =
        unit.isKept ? cache.get(loc, {getFeatureString(unit.feature), bitcode},
                                compileNow)
                    : compileNow();
    if (!object)
      return emitError(loc) << "compiling " << unit.name << ": "
                            << toString(object.takeError());
    objects[i] = std::move(*object);
    return mlir::success();
  };
  if (failed(mlir::failableParallelForEachN(loc.getContext(), 0, units.size(),
                                            compileOne)))
    return mlir::failure();
  return objects;
}
