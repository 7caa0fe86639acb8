//===- Schedule.h - How a kernel is shared among threads --------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WEBGPU_SCHEDULE_H
#define NNCC_TARGETS_WEBGPU_SCHEDULE_H

#include "nncc/Kernels/LoopNest.h"

namespace nncc::webgpu {

/// Elements of a vector.
constexpr int64_t lanes = 4;

/// What one thread computes: rows x vectors, the rest of the parallel
/// dimensions being shared out.
struct ThreadTile {
  /// The dimension whose neighbours are a vector's lanes; none: scalars. Its
  /// size is a multiple of `lanes * vectors`.
  std::optional<unsigned> vectorDim;
  int64_t vectors = 1;
  std::optional<unsigned> rowDim;
  int64_t rows = 1;
  /// The parallel dimensions, outermost first: neighbouring threads differ in
  /// the last.
  llvm::SmallVector<unsigned> order;
};

/// A tile of a product of matrices that a workgroup computes, its operands
/// staged in the workgroup's memory.
struct BlockTile {
  /// Threads along the columns and the rows.
  int64_t threadsX, threadsY;
  /// What a thread computes: rows, and vectors of columns.
  int64_t rows, vectors;
  /// The part of the sum that is staged at once; a multiple of `lanes`.
  int64_t depth;
  /// So many groups of threads take turns with the parts, and then add up
  /// what they have.
  int64_t slices = 1;

  int64_t blockRows() const { return threadsY * rows; }
  int64_t blockColumns() const { return threadsX * vectors * lanes; }
  /// What all slices stage at once.
  int64_t roundDepth() const { return depth * slices; }
  int64_t sliceThreads() const { return threadsX * threadsY; }
};

/// A kernel as a product of matrices: out[m, n] = sum over k of a[m, k] b[k, n]
/// for each index of `batch`. Numbers of dimensions, outermost first.
struct Product {
  unsigned a, b; // inputs of the main stage
  llvm::SmallVector<unsigned> batch, m, k;
  unsigned n;
};

/// One kind of schedule for each way to share the work.
struct Schedule {
  enum class Kind {
    Threads, ///< a thread for each tile, reductions in loops
    Rows,    ///< a workgroup for each tile, which shares the reduction
    Blocks   ///< a workgroup for each block of a product
  };
  Kind kind = Kind::Threads;
  int64_t workgroupSize = 64;
  /// Whether the GPU has them, for the end of shared reductions.
  bool useSubgroups = false;
  /// The reduction's dimensions, outermost first.
  llvm::SmallVector<unsigned> reductions;
  ThreadTile tile;
  /// For blocks.
  Product product;
  BlockTile block;
};

/// Whether four neighbours along `dim`, the first a multiple of four, are one
/// aligned vector in memory.
bool isAligned(const kernels::Access &access, unsigned dim);

/// The same, where the dimension has no neighbours beyond its end.
bool isWide(const kernels::LoopNest &nest, const kernels::Access &access,
            unsigned dim);

/// Whether the body reads nothing but its operands.
bool isPlain(const kernels::Stage &stage);

/// Whether the op sums up products of two numbers, as matmuls and convolutions
/// do: f32, or what is computed as such.
bool isSumOfProducts(mlir::linalg::GenericOp op);

/// The innermost dimension along which results are vectors.
std::optional<unsigned> getVectorDim(const kernels::LoopNest &nest);

/// Chooses by the accesses and the sizes.
Schedule chooseSchedule(const kernels::LoopNest &nest);

} // namespace nncc::webgpu

#endif
