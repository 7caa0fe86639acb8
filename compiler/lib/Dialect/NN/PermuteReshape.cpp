//===- PermuteReshape.cpp - reshapes of permuted dimensions -----*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Permute.h"
#include "nncc/Dialect/NN/Permutable.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nn;

namespace {
/// Neighbouring dimensions of a reshape's input that become neighbouring
/// dimensions of its result: [begin, end) on either side.
struct ReshapeGroup {
  unsigned inputBegin, inputEnd, resultBegin, resultEnd;
};
} // namespace

/// The finest groups of equal size, none where sizes can't be compared.
static std::optional<SmallVector<ReshapeGroup>>
getGroups(ArrayRef<AffineExpr> input, ArrayRef<AffineExpr> result) {
  SmallVector<ReshapeGroup> groups;
  unsigned i = 0, j = 0;
  while (i != input.size() && j != result.size()) {
    ReshapeGroup group = {i, i + 1, j, j + 1};
    AffineExpr left = input[i++], right = result[j++];
    while (left != right) {
      // The side that the other one is a multiple of needs more.
      if (i != input.size() && divideExactly(right, left))
        left = simplify(left * input[i++]);
      else if (j != result.size() && divideExactly(left, right))
        right = simplify(right * result[j++]);
      else
        return std::nullopt;
    }
    group.inputEnd = i;
    group.resultEnd = j;
    groups.push_back(group);
  }
  // Ones at the end belong to the last group.
  if (groups.empty())
    return std::nullopt;
  for (; i != input.size(); groups.back().inputEnd = ++i)
    if (!isOne(input[i]))
      return std::nullopt;
  for (; j != result.size(); groups.back().resultEnd = ++j)
    if (!isOne(result[j]))
      return std::nullopt;
  return groups;
}

/// Whether each group's dimensions are neighbours in the source too, in the
/// same order. Dimensions of size 1 may be anywhere.
static bool staysTogether(ArrayRef<ReshapeGroup> groups,
                          ArrayRef<AffineExpr> input, Perm perm) {
  // Number the source's dimensions without those of size 1.
  SmallVector<int64_t> number(perm.size(), -1);
  for (auto [d, from] : llvm::enumerate(perm))
    if (!isOne(input[d]))
      number[from] = 0;
  int64_t count = 0;
  for (int64_t &n : number)
    if (n == 0)
      n = count++;
  for (const ReshapeGroup &group : groups) {
    int64_t last = -1;
    for (unsigned d = group.inputBegin; d != group.inputEnd; ++d) {
      int64_t now = number[perm[d]];
      if (now < 0)
        continue;
      if (last >= 0 && now != last + 1)
        return false;
      last = now;
    }
  }
  return true;
}

std::optional<SmallVector<int64_t>>
nn::permuteReshape(ArrayRef<AffineExpr> input, ArrayRef<AffineExpr> result,
                   Perm perm) {
  auto groups = getGroups(input, result);
  if (!groups || !staysTogether(*groups, input, perm))
    return std::nullopt;
  // The groups in the source's order: by the first dimension that counts.
  auto getPosition = [&](const ReshapeGroup &group) {
    for (unsigned d = group.inputBegin; d != group.inputEnd; ++d)
      if (!isOne(input[d]))
        return perm[d];
    return perm[group.inputBegin];
  };
  SmallVector<ReshapeGroup> sorted(*groups);
  llvm::sort(sorted, [&](const ReshapeGroup &a, const ReshapeGroup &b) {
    return getPosition(a) < getPosition(b);
  });
  SmallVector<int64_t> resultPerm(result.size());
  int64_t next = 0;
  for (const ReshapeGroup &group : sorted)
    for (unsigned d = group.resultBegin; d != group.resultEnd; ++d)
      resultPerm[d] = next++;
  return resultPerm;
}

Value ReshapeOp::buildPermuted(OpBuilder &b, ValueRange sources, Perm perm,
                               PermResult &resultPerm) {
  SmallVector<AffineExpr> dims = getDims(getType());
  auto moved = permuteReshape(getDims(getInput().getType()), dims, perm);
  if (!moved)
    return nullptr;
  resultPerm = *moved;
  return b.create<ReshapeOp>(getLoc(), sources[0],
                             toSource(ArrayRef<AffineExpr>(dims), *moved));
}
