//===- LinkCommand.cpp - nncc link ----------------------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LinkCommand.h"

#include "targets/wasm/LinkGuest.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/WithColor.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace {

/// A subcommand: it does not take the compiler's options.
struct LinkOptions {
  cl::SubCommand link{"link", "Put a model into a program for wasi-nn"};
  cl::opt<std::string> guest{cl::Positional, cl::Required,
                             cl::desc("<guest.wasm>"), cl::sub(link)};
  cl::list<std::string> models{cl::Positional, cl::OneOrMore,
                               cl::desc("[<name>=]<model.wasm>..."),
                               cl::sub(link)};
  cl::opt<std::string> output{"o", cl::desc("Output file"), cl::Required,
                              cl::value_desc("file"), cl::sub(link)};
};

} // namespace

static int fail(const Twine &message) {
  WithColor::error(errs(), "nncc link") << message << "\n";
  return 1;
}

static ErrorOr<std::unique_ptr<MemoryBuffer>> readFile(StringRef path) {
  return MemoryBuffer::getFile(path, /*IsText=*/false,
                               /*RequiresNullTerminator=*/false);
}

/// "NAME=FILE" or "FILE".
static std::pair<StringRef, StringRef> splitModel(StringRef given) {
  return given.contains('=') ? given.split('=') : std::pair("", given);
}

static int linkFiles(const LinkOptions &options) {
  auto guest = readFile(options.guest);
  if (!guest)
    return fail(options.guest + ": " + guest.getError().message());
  std::vector<std::unique_ptr<MemoryBuffer>> files;
  std::vector<nncc::wasm::NamedModel> models;
  for (const std::string &given : options.models) {
    auto [name, path] = splitModel(given);
    auto file = readFile(path);
    if (!file)
      return fail(path + ": " + file.getError().message());
    models.push_back({name.str(), (*file)->getBuffer()});
    files.push_back(std::move(*file));
  }
  Expected<std::string> linked =
      nncc::wasm::linkGuest((*guest)->getBuffer(), models);
  if (!linked)
    return fail(options.guest + ", " + join(options.models, ", ") + ": " +
                toString(linked.takeError()));
  Error error = writeToOutput(options.output, [&](raw_ostream &os) {
    os << *linked;
    return Error::success();
  });
  if (error)
    return fail("cannot write " + options.output + ": " +
                toString(std::move(error)));
  return 0;
}

int nncc::runLinkCommand(int argc, char **argv) {
  LinkOptions options;
  cl::ParseCommandLineOptions(
      argc, argv,
      "nncc link: puts models into a program that uses wasi-nn\n\n"
      "  nncc link guest.wasm model.wasm -o app.wasm\n"
      "  nncc link guest.wasm faces=a.wasm voices=b.wasm -o app.wasm\n");
  return linkFiles(options);
}
