//===- CodeCache.cpp - Object code that was compiled before ---------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An entry is a checksum and the code. llvm::localCache writes it beside its
// place and moves it there, so that no other run sees a part of it.
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/CodeCache.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/BLAKE3.h"
#include "llvm/Support/CachePruning.h"
#include "llvm/Support/Caching.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

using namespace llvm;
using namespace nncc::wasm;

static constexpr uint64_t mostBytes = uint64_t(1) << 30;

using Checksum = BLAKE3Result<>;

/// Of the parts and where they begin.
static Checksum getChecksum(ArrayRef<StringRef> parts) {
  BLAKE3 hasher;
  for (StringRef part : parts) {
    hasher.update(utostr(part.size()) + ":");
    hasher.update(part);
  }
  return hasher.final();
}

/// Of the compiler's program file: one that was built anew has a cache anew.
static std::string hashCompiler() {
  std::string path = sys::fs::getMainExecutable(
      nullptr, reinterpret_cast<void *>(&hashCompiler));
  auto file = MemoryBuffer::getFile(path, /*IsText=*/false,
                                    /*RequiresNullTerminator=*/false);
  StringRef program = file ? (*file)->getBuffer() : StringRef();
  return toHex(getChecksum({LLVM_VERSION_STRING, program}));
}

static std::string getKey(ArrayRef<StringRef> parts) {
  static const std::string compiler = hashCompiler();
  SmallVector<StringRef> all = {compiler};
  append_range(all, parts);
  return toHex(getChecksum(all), /*LowerCase=*/true);
}

namespace {

/// The place of one key in the folder.
class Entry {
public:
  Entry(StringRef folder, StringRef key) : folder(folder), key(key) {}

  /// Looks for the file.
  Error open();
  bool isThere() const { return file != nullptr; }
  /// The code in the file; nothing if it is damaged.
  std::optional<StringRef> read() const;
  /// Deletes the file and looks again.
  Error discard();
  Error write(StringRef code) const;

private:
  const StringRef folder, key;
  std::unique_ptr<MemoryBuffer> file;
  /// Makes the file; null if it is there.
  AddStreamFn addStream;
};

} // namespace

Error Entry::open() {
  file.reset();
  Expected<FileCache> cache = localCache(
      "nncc", "nncc", folder,
      [this](unsigned, const Twine &, std::unique_ptr<MemoryBuffer> found) {
        file = std::move(found);
      });
  if (!cache)
    return cache.takeError();
  return (*cache)(0, key, "").moveInto(addStream);
}

std::optional<StringRef> Entry::read() const {
  StringRef bytes = file->getBuffer();
  if (bytes.size() < sizeof(Checksum))
    return std::nullopt;
  StringRef code = bytes.drop_front(sizeof(Checksum));
  if (bytes.take_front(sizeof(Checksum)) != toStringRef(getChecksum(code)))
    return std::nullopt;
  return code;
}

Error Entry::discard() {
  SmallString<128> path(folder);
  sys::path::append(path, "llvmcache-" + key); // The name that it has there.
  if (std::error_code error = sys::fs::remove(path))
    return createFileError(path, error);
  return open();
}

Error Entry::write(StringRef code) const {
  if (!addStream)
    return Error::success();
  Expected<std::unique_ptr<CachedFileStream>> stream = addStream(0, "");
  if (!stream)
    return stream.takeError();
  auto &os = cast<raw_fd_ostream>(*(*stream)->OS);
  os << toStringRef(getChecksum(code)) << code;
  os.flush();
  // An entry that was cut off is found to be damaged when it is read.
  std::error_code error = os.error();
  os.clear_error();
  return errorCodeToError(error);
}

void CodeCache::warn(mlir::Location loc, Error error) {
  std::string message = toString(std::move(error));
  if (!isBroken.exchange(true))
    emitWarning(loc) << "the cache '" << folder << "' is not used: " << message;
}

CodeCache::Code CodeCache::get(mlir::Location loc, ArrayRef<StringRef> parts,
                               function_ref<Code()> compile) {
  if (folder.empty() || isBroken)
    return compile();
  std::string key = getKey(parts);
  Entry entry(folder, key);
  Error error = entry.open();
  if (!error && entry.isThere()) {
    if (std::optional<StringRef> code = entry.read())
      return code->str();
    emitWarning(loc) << "the cache '" << folder
                     << "' has a damaged entry, which is made anew: " << key;
    error = entry.discard();
  }
  Code code = compile();
  if (!error && code)
    error = entry.write(*code);
  if (error)
    warn(loc, std::move(error));
  return code;
}

void CodeCache::prune() const {
  if (folder.empty() || isBroken)
    return;
  CachePruningPolicy policy;
  policy.MaxSizeBytes = mostBytes;
  pruneCache(folder, policy);
}
