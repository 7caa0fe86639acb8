//===- Reproducer.h - What a run reads, in one file -------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TOOLS_NNCC_REPRODUCER_H
#define NNCC_TOOLS_NNCC_REPRODUCER_H

#include "mlir/Support/LLVM.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/TarWriter.h"

namespace nncc {

/// An archive (tar) of the files that a run reads and of its command line, so
/// that whoever gets it can repeat the run: after `tar xf repro.tar`,
/// `cd repro && nncc @response.txt`.
class Reproducer {
public:
  /// Begins the archive at `path`.
  static llvm::Expected<Reproducer> create(llvm::StringRef path);

  /// Adds a file under its path in the model's folder.
  void addFile(llvm::StringRef path, llvm::StringRef bytes);

  /// Adds the compiler's version and the command line, without the options
  /// that say where results go. `model` is the argument that names the model.
  void addCommand(llvm::ArrayRef<const char *> arguments,
                  llvm::StringRef model);

private:
  explicit Reproducer(std::unique_ptr<llvm::TarWriter> archive)
      : archive(std::move(archive)) {}

  std::unique_ptr<llvm::TarWriter> archive;
};

} // namespace nncc

#endif // NNCC_TOOLS_NNCC_REPRODUCER_H
