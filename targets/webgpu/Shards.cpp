//===- Shards.cpp - Weights in buffers of a GPU's size --------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/webgpu/Shards.h"

#include "nncc/Dialect/Exec/Weights.h"
#include "targets/webgpu/KernelAttributes.h"

using namespace mlir;

namespace nncc::webgpu {

SmallVector<Shard> divideWeights(ModuleOp program, uint64_t limit) {
  SmallVector<Shard> shards;
  SmallVector<int64_t> bounds;
  for (const exec::Weight &weight : exec::getWeights(program)) {
    uint64_t end =
        weight.offset + exec::getByteSize(weight.value.getShapedType());
    if (shards.empty() || end - shards.back().begin > limit)
      shards.push_back({weight.offset, end});
    shards.back().end = end;
  }
  for (const Shard &shard : shards)
    llvm::append_values(bounds, shard.begin, shard.end);
  program->setAttr(shardsAttrName,
                   DenseI64ArrayAttr::get(program.getContext(), bounds));
  return shards;
}

SmallVector<Shard> getShards(ModuleOp program) {
  SmallVector<Shard> shards;
  if (auto bounds = program->getAttrOfType<DenseI64ArrayAttr>(shardsAttrName))
    for (int64_t i = 0; i < bounds.size(); i += 2)
      shards.push_back({uint64_t(bounds[i]), uint64_t(bounds[i + 1])});
  return shards;
}

} // namespace nncc::webgpu
