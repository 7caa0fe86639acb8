//===- LinkCommand.h - nncc link --------------------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TOOLS_NNCC_LINKCOMMAND_H
#define NNCC_TOOLS_NNCC_LINKCOMMAND_H

namespace nncc {

/// nncc link GUEST MODEL -o FILE; `argv` begins with "link". Returns the exit
/// code after saying what is wrong.
int runLinkCommand(int argc, char **argv);

} // namespace nncc

#endif
