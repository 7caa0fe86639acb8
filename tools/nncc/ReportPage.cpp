//===- ReportPage.cpp - The report as a page ------------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ReportPage.h"

#include "ReportAssets.h"

using namespace llvm;

/// JSON that no HTML parser takes for the end of its script.
static std::string toScriptText(const json::Value &value) {
  std::string text, safe;
  raw_string_ostream(text) << value;
  for (char c : text) {
    if (c == '<')
      safe += "\\u003c";
    else
      safe += c;
  }
  return safe;
}

void nncc::writeReportPage(json::Value report, json::Value profile,
                           raw_ostream &os) {
  std::string data = toScriptText(json::Object{
      {"report", std::move(report)}, {"profile", std::move(profile)}});
  const std::pair<StringRef, StringRef> parts[] = {
      {"{{style}}", reportStyle},
      {"{{data}}", data},
      {"{{script}}", reportScript}};
  StringRef page = reportPage;
  for (auto [mark, text] : parts) {
    auto [before, after] = page.split(mark);
    os << before << text;
    page = after;
  }
  os << page;
}
