//===- ModelFile.cpp - a parsed ONNX file and its data ----------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/ModelFile.h"

#include "onnx-ml.pb.h"

#include "mlir/IR/Location.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SHA256.h"

#include <google/protobuf/stubs/logging.h>

using namespace mlir;
using namespace nncc::onnx;

std::string nncc::onnx::printable(StringRef text) {
  constexpr size_t limit = 200;
  std::string result;
  for (unsigned char c : text.take_front(limit)) {
    // Bytes of UTF-8 sequences are left as they are.
    if (c >= 0x20 && c != 0x7f) {
      result.push_back(static_cast<char>(c));
      continue;
    }
    result += "\\x";
    result += llvm::hexdigit(c >> 4);
    result += llvm::hexdigit(c & 15);
  }
  if (text.size() > limit)
    result += "...";
  return result;
}

ModelFile::ModelFile(StringRef path, MLIRContext &context, FileListener onFile)
    : context(context), onFile(std::move(onFile)), path(path),
      name(printable(llvm::sys::path::filename(path))) {}

ModelFile::~ModelFile() = default;

InFlightDiagnostic ModelFile::error() const {
  return emitError(UnknownLoc::get(&context)) << name << ": ";
}

InFlightDiagnostic ModelFile::warning() const {
  return emitWarning(UnknownLoc::get(&context)) << name << ": ";
}

LogicalResult ModelFile::parse(StringRef bytes) {
  if (bytes.empty())
    return error() << "is empty: not an ONNX file";
  // Protobuf counts in 32 bits.
  if (bytes.size() >= (uint64_t(1) << 31))
    return error() << "is larger than 2 GiB: save the model with external data";

  // The library would print to stderr by itself.
  google::protobuf::LogSilencer silence;
  model = std::make_unique<::onnx::ModelProto>();
  if (!model->ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return error() << "is not an ONNX file, or damaged: its protobuf encoding "
                      "can't be read";
  if (!model->has_graph())
    return error() << "has no graph: not an ONNX model";
  sha256 = llvm::toHex(llvm::SHA256::hash(llvm::arrayRefFromStringRef(bytes)),
                       /*LowerCase=*/true);
  return success();
}

char *ModelFile::allocate(size_t bytes) {
  owned.push_back(std::make_unique<char[]>(bytes));
  return owned.back().get();
}

static bool staysInside(StringRef location) {
  namespace path = llvm::sys::path;
  if (location.empty() || location.contains('\0') || location.contains('\\') ||
      path::is_absolute(location))
    return false;
  return llvm::none_of(
      llvm::make_range(path::begin(location), path::end(location)),
      [](StringRef part) { return part == ".."; });
}

FailureOr<llvm::MemoryBuffer *>
ModelFile::openExternal(StringRef location, const std::string &who) {
  auto refuse = [&](const llvm::Twine &why) {
    return error() << who << ": external data '" << printable(location) << "' "
                   << why;
  };
  if (path.empty())
    return refuse("can't be read: the model has no folder");
  if (!staysInside(location))
    return refuse("must be a relative path inside the model's folder");

  auto known = external.find(location);
  if (known != external.end())
    return known->second.get();

  StringRef parent = llvm::sys::path::parent_path(path);
  SmallString<256> folder, file(parent), real;
  if (llvm::sys::fs::real_path(parent.empty() ? "." : parent, folder))
    return refuse("can't be read: the model's folder doesn't resolve");
  llvm::sys::path::append(file, location);
  if (std::error_code code = llvm::sys::fs::real_path(file, real))
    return refuse("can't be read: " + code.message());
  // A link may lead elsewhere.
  SmallString<256> prefix(folder);
  if (!StringRef(prefix).ends_with("/"))
    prefix += "/";
  if (!StringRef(real).starts_with(prefix))
    return refuse("must be a relative path inside the model's folder");
  if (!llvm::sys::fs::is_regular_file(real))
    return refuse("is not a regular file");

  auto buffer = llvm::MemoryBuffer::getFile(real, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return refuse("can't be read: " + buffer.getError().message());
  if (onFile)
    onFile(location, (*buffer)->getBuffer());
  return (external[location] = std::move(*buffer)).get();
}

FailureOr<ArrayRef<char>> ModelFile::getExternalData(StringRef location,
                                                     uint64_t offset,
                                                     int64_t length,
                                                     const std::string &who) {
  FailureOr<llvm::MemoryBuffer *> buffer = openExternal(location, who);
  if (failed(buffer))
    return failure();
  uint64_t size = (*buffer)->getBufferSize();
  if (offset > size ||
      (length >= 0 && static_cast<uint64_t>(length) > size - offset)) {
    InFlightDiagnostic diagnostic = error();
    diagnostic << who << ": external data '" << printable(location) << "' has "
               << size << " bytes, the tensor claims ";
    if (length >= 0)
      diagnostic << length << " bytes ";
    return diagnostic << "at offset " << offset;
  }
  uint64_t available = length >= 0 ? length : size - offset;
  return ArrayRef<char>((*buffer)->getBufferStart() + offset, available);
}
