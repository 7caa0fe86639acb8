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
#include "llvm/BinaryFormat/Wasm.h"
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
  if (object.ends_with("Bitcode") || object.starts_with("Probe"))
    return false;
  if (object.ends_with("Scalar"))
    return !options.simd;
  if (object.ends_with("Simd"))
    return options.simd;
  if (object == "ExternalWeights")
    return options.exportWeights;
  if (object == "Packed" || object == "Externs")
    return options.packedFunctions;
  if (object == "Main")
    return options.runs;
  if (object == "Commands")
    return options.plansGpu;
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

namespace {

/// One call of the linker.
class Linker {
public:
  Error create() { return folder.create(); }

  void add(std::initializer_list<std::string> more) {
    append_range(arguments, more);
  }

  Error addObject(StringRef bytes) {
    std::string name = (Twine(arguments.size()) + ".o").str();
    arguments.push_back(folder.getPath(name));
    return folder.write(name, bytes);
  }

  /// The runtime's objects for which `isWanted` holds.
  Error addRuntime(function_ref<bool(StringRef)> isWanted) {
    for (const EmbeddedObject &part :
         ArrayRef(embeddedObjects, numEmbeddedObjects))
      if (isWanted(part.name))
        if (Error error = addObject(StringRef(
                reinterpret_cast<const char *>(part.data), part.size)))
          return error;
    return Error::success();
  }

  Expected<std::unique_ptr<MemoryBuffer>> run();

private:
  ScratchFolder folder;
  std::vector<std::string> arguments = {"wasm-ld", "--no-entry",
                                        "--gc-sections"};
};

} // namespace

Expected<std::unique_ptr<MemoryBuffer>> Linker::run() {
  std::string output = folder.getPath("module.wasm");
  add({"-o", output});
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

Expected<std::unique_ptr<MemoryBuffer>>
nncc::wasm::link(ArrayRef<std::string> objects, const LinkOptions &options) {
  Linker linker;
  if (Error error = linker.create())
    return std::move(error);
  // The stack comes first, so that an overflow traps; between it and the data
  // lies what is left to adapters.
  linker.add({"--stack-first", "-zstack-size=" + std::to_string(reservedBegin),
              "--global-base=" + std::to_string(reservedEnd), "--export",
              weightSymbol.str()});
  // The objects but for Threads need no atomics: no other thread sees what they
  // write, except before a job starts or after it ends.
  if (options.threads)
    linker.add({"--shared-memory", "--import-memory", "--export-memory",
                "--no-check-features", "--export=__stack_pointer",
                "--max-memory=4294967296"});
  if (options.hasVariants)
    linker.add({"--export-table"});
  for (const std::string &object : objects)
    if (Error error = linker.addObject(object))
      return std::move(error);
  if (Error error = linker.addRuntime(
          [&](StringRef object) { return isWanted(object, options); }))
    return std::move(error);
  return linker.run();
}

/// Makes the memory that a module imports a shared one. The linker would give
/// the module a start function as well, to fill a memory that it does not own.
static Expected<std::unique_ptr<MemoryBuffer>> shareMemory(StringRef module) {
  constexpr StringLiteral import("\3env\6memory\2\1"); // With a maximum.
  size_t at = module.find(import);
  if (at == StringRef::npos)
    return createStringError("the variants of kernels import no memory");
  auto shared = WritableMemoryBuffer::getNewUninitMemBuffer(module.size());
  copy(module, shared->getBufferStart());
  shared->getBufferStart()[at + import.size() - 1] =
      llvm::wasm::WASM_LIMITS_FLAG_HAS_MAX |
      llvm::wasm::WASM_LIMITS_FLAG_IS_SHARED;
  return std::move(shared);
}

Expected<std::unique_ptr<MemoryBuffer>>
nncc::wasm::linkVariants(ArrayRef<std::string> objects, StringRef probe,
                         bool threads) {
  Linker linker;
  if (Error error = linker.create())
    return std::move(error);
  linker.add({"--import-memory", "-zstack-size=0"});
  if (threads)
    linker.add({"--max-memory=4294967296"});
  for (StringRef object : objects)
    if (!object.contains("__stack_pointer"))
      if (Error error = linker.addObject(object))
        return std::move(error);
  // Instruction selection may call the functions of Memory.
  if (Error error = linker.addRuntime([probe](StringRef object) {
        return object == "MemorySimd" || object == probe;
      }))
    return std::move(error);
  Expected<std::unique_ptr<MemoryBuffer>> module = linker.run();
  if (!module || !threads)
    return module;
  return shareMemory((*module)->getBuffer());
}
