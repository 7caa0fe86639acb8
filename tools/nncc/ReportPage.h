//===- ReportPage.h - The report as a page ----------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TOOLS_NNCC_REPORTPAGE_H
#define NNCC_TOOLS_NNCC_REPORTPAGE_H

#include "llvm/Support/JSON.h"

namespace nncc {

/// Writes one HTML page that shows a report (Report.h) and needs nothing else.
/// `profile` is what nncc-run --profile=FILE wrote, or null.
void writeReportPage(llvm::json::Value report, llvm::json::Value profile,
                     llvm::raw_ostream &os);

} // namespace nncc

#endif
