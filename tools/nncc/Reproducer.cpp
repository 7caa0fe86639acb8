//===- Reproducer.cpp - What a run reads, in one file ---------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Reproducer.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"

using namespace llvm;

namespace nncc {

Expected<Reproducer> Reproducer::create(StringRef path) {
  Expected<std::unique_ptr<TarWriter>> archive =
      TarWriter::create(path, sys::path::stem(path));
  if (!archive)
    return archive.takeError();
  return Reproducer(std::move(*archive));
}

void Reproducer::addFile(StringRef path, StringRef bytes) {
  archive->append(path, bytes);
}

/// Whether the argument names a file that is written, or read for a report.
static bool namesOther(StringRef argument) {
  static constexpr StringRef options[] = {"o", "report", "report-profile",
                                          "cache", "reproduce"};
  return argument.starts_with("-") &&
         is_contained(options, argument.ltrim('-').split('=').first);
}

void Reproducer::addCommand(ArrayRef<const char *> arguments, StringRef model) {
  std::string text;
  raw_string_ostream os(text);
  bool isValue = false;
  for (StringRef argument : arguments) {
    bool isLeftOut = isValue || namesOther(argument);
    isValue = !isValue && isLeftOut && !argument.contains('=');
    if (isLeftOut)
      continue;
    sys::printArg(os, argument == model ? sys::path::filename(model) : argument,
                  /*Quote=*/true);
    os << "\n";
  }
  archive->append("response.txt", os.str());
  archive->append("version.txt", NNCC_VERSION "\n");
}

} // namespace nncc
