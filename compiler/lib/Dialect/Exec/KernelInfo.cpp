//===- KernelInfo.cpp - What a kernel says of itself ----------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "nncc/Dialect/Exec/KernelInfo.h"

using namespace mlir;

static constexpr llvm::StringLiteral nodesName = "nodes", shapesName = "shapes",
                                     flopsName = "flops", bytesName = "bytes";

namespace nncc::exec {

static AffineExpr getResult(AffineMap map) {
  return map ? map.getResult(0) : AffineExpr();
}

AffineExpr KernelInfo::getFlops() const { return getResult(flops); }

AffineExpr KernelInfo::getBytes() const { return getResult(bytes); }

std::optional<int64_t> KernelInfo::getConstantFlops() const {
  if (!flops || !flops.isSingleConstant())
    return std::nullopt;
  return flops.getSingleConstantResult();
}

KernelInfo getKernelInfo(func::FuncOp kernel) {
  auto info = kernel->getAttrOfType<DictionaryAttr>(kernelAttrName);
  if (!info)
    return {};
  auto getMap = [&](StringRef name) {
    auto map = info.getAs<AffineMapAttr>(name);
    return map ? map.getValue() : AffineMap();
  };
  return {info.getAs<ArrayAttr>(nodesName), info.getAs<ArrayAttr>(shapesName),
          getMap(flopsName), getMap(bytesName)};
}

void setKernelInfo(func::FuncOp kernel, const KernelInfo &info) {
  NamedAttrList list;
  if (info.nodes)
    list.set(nodesName, info.nodes);
  if (info.shapes)
    list.set(shapesName, info.shapes);
  if (info.flops)
    list.set(flopsName, AffineMapAttr::get(info.flops));
  if (info.bytes)
    list.set(bytesName, AffineMapAttr::get(info.bytes));
  kernel->setAttr(kernelAttrName, list.getDictionary(kernel.getContext()));
}

} // namespace nncc::exec
