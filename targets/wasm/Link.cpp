//===- Link.cpp - Objects to a module -------------------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/Link.h"

#include "runtime/core/Embedded.h"
#include "runtime/core/Reserved.h"
#include "targets/wasm/EntryPoints.h"

#include "lld/Common/Driver.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

LLD_HAS_DRIVER(wasm)

using namespace llvm;
using namespace nncc;
using namespace nncc::wasm;

namespace {

/// A folder that is gone when the link is over: the linker reads and writes
/// files only.
class ScratchFolder {
public:
  ~ScratchFolder() {
    if (!path.empty())
      sys::fs::remove_directories(path, /*IgnoreErrors=*/true);
  }

  Error create() {
    return errorCodeToError(sys::fs::createUniqueDirectory("nncc-link", path));
  }

  std::string getPath(const Twine &name) const {
    SmallString<128> file(path);
    sys::path::append(file, name);
    return std::string(file);
  }

  Error write(const Twine &name, StringRef bytes) const {
    std::error_code code;
    raw_fd_ostream os(getPath(name), code, sys::fs::OF_None);
    if (code)
      return errorCodeToError(code);
    os << bytes;
    os.close();
    code = os.error();
    os.clear_error();
    return errorCodeToError(code);
  }

private:
  SmallString<128> path;
};

/// The linker parses LLVM's options anew, resets them all and complains of
/// those that a tool requires: while it runs it sees none.
class HiddenCommandLine {
public:
  HiddenCommandLine() { swap(); }
  ~HiddenCommandLine() { swap(); }

private:
  void swap() {
    cl::SubCommand &visible = cl::SubCommand::getTopLevel();
    std::swap(visible.OptionsMap, options);
    std::swap(visible.PositionalOpts, positional);
    std::swap(visible.SinkOpts, sinks);
    std::swap(visible.ConsumeAfterOpt, consumeAfter);
  }

  StringMap<cl::Option *> options;
  SmallVector<cl::Option *, 4> positional, sinks;
  cl::Option *consumeAfter = nullptr;
};

} // namespace

static bool isWanted(StringRef object, const LinkOptions &options) {
  if (object.ends_with("Bitcode"))
    return false;
  if (object == "MemoryScalar")
    return !options.simd;
  if (object == "MemorySimd")
    return options.simd;
  if (object == "ExternalWeights")
    return options.externalWeights;
  if (object == "Packed" || object == "Externs")
    return options.packedFunctions;
  if (object == "Threads")
    return options.threads;
  return true;
}

static Error runLinker(ArrayRef<std::string> arguments) {
  std::vector<const char *> pointers;
  for (const std::string &argument : arguments)
    pointers.push_back(argument.c_str());
  HiddenCommandLine hidden;
  std::string messages;
  raw_string_ostream os(messages);
  lld::Result result =
      lld::lldMain(pointers, os, os, {{lld::Wasm, &lld::wasm::link}});
  if (result.retCode == 0)
    return Error::success();
  return createStringError("cannot link the module: " +
                           StringRef(os.str()).trim());
}

Expected<std::unique_ptr<MemoryBuffer>>
nncc::wasm::link(ArrayRef<std::string> objects, const LinkOptions &options) {
  ScratchFolder folder;
  if (Error error = folder.create())
    return std::move(error);

  std::string output = folder.getPath("module.wasm");
  // The stack comes first, so that an overflow traps; between it and the data
  // lies what is left to adapters.
  std::vector<std::string> arguments = {
      "wasm-ld",
      "--no-entry",
      "--gc-sections",
      "--stack-first",
      "-zstack-size=" + std::to_string(reservedBegin),
      "--global-base=" + std::to_string(reservedEnd),
      "-o",
      output,
      ("--export=" + weightSymbol).str()};
  // The objects but for Threads need no atomics: no other thread sees what they
  // write, except before a job starts or after it ends.
  if (options.threads)
    llvm::append_range(
        arguments, ArrayRef<StringRef>{"--shared-memory", "--import-memory",
                                       "--export-memory", "--no-check-features",
                                       "--export=__stack_pointer",
                                       "--max-memory=4294967296"});
  auto addObject = [&](const Twine &name, StringRef bytes) {
    arguments.push_back(folder.getPath(name));
    return folder.write(name, bytes);
  };
  for (auto [i, object] : enumerate(objects))
    if (Error error = addObject(Twine(i) + ".o", object))
      return std::move(error);
  for (size_t i = 0; i < numEmbeddedObjects; ++i) {
    const EmbeddedObject &part = embeddedObjects[i];
    if (!isWanted(part.name, options))
      continue;
    StringRef bytes(reinterpret_cast<const char *>(part.data), part.size);
    if (Error error = addObject(StringRef(part.name) + ".o", bytes))
      return std::move(error);
  }
  if (Error error = runLinker(arguments))
    return std::move(error);
  // Not mapped: the file is about to go.
  auto module = MemoryBuffer::getFile(output, /*IsText=*/false,
                                      /*RequiresNullTerminator=*/false,
                                      /*IsVolatile=*/true);
  if (!module)
    return errorCodeToError(module.getError());
  return std::move(*module);
}
