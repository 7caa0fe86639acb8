//===- ReportAssets.h - The files of the report's page ----------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Made from tools/nncc/report by EmbedReport.cmake.
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TOOLS_NNCC_REPORTASSETS_H
#define NNCC_TOOLS_NNCC_REPORTASSETS_H

#include "llvm/ADT/StringRef.h"

namespace nncc {

extern const llvm::StringRef reportPage, reportStyle, reportScript;

} // namespace nncc

#endif
