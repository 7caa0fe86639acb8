//===- RowPlan.h - Where rows lie while they are computed -------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WEBGPU_ROWPLAN_H
#define NNCC_TARGETS_WEBGPU_ROWPLAN_H

#include "mlir/IR/IRMapping.h"
#include "nncc/Kernels/Rows.h"
#include "llvm/ADT/DenseSet.h"

#include <vector>

namespace nncc::webgpu {

/// A nest of a kernel that works row by row.
struct RowPart {
  kernels::LoopNest nest;
  kernels::RowSplit split;
  /// From the buffers of the nest to those of the kernel.
  mlir::IRMapping buffers;
  /// Elements of a row; 1 where there is one number for each row.
  mlir::AffineExpr length;
  /// Whether threads wait for each other before this part: it reads from memory
  /// what another thread wrote, or writes what another one read.
  bool waits = false;

  bool hasColumns() const;
};

/// How workgroups share rows.
struct RowShape {
  /// Threads that share a row, a power of two, and rows of a workgroup.
  int64_t threads = 64, rows = 1;
  /// What a thread has at once: 1 element, or a vector of 4.
  int64_t lanes = 1;
  /// How many of them a thread keeps in registers; 0: rows are too long, or
  /// their length is open, so that elements lie in memory.
  int64_t own = 0;

  int64_t workgroupSize() const { return threads * rows; }
};

/// What a kernel that works row by row keeps in registers: numbers of a row in
/// those of all its threads, and elements, which the same thread has in all
/// parts, in those of that one.
class RowPlan {
public:
  explicit RowPlan(std::vector<RowPart> parts);
  RowPlan(RowPlan &&) = default;

  const RowShape &getShape() const { return shape; }
  /// What of the shape holds for a part.
  int64_t getLanes(const RowPart &part) const {
    return part.hasColumns() ? shape.lanes : 1;
  }
  int64_t getOwn(const RowPart &part) const;
  llvm::ArrayRef<RowPart> getParts() const { return parts; }

  /// The access, of this part or one before, whose value an input has: it is
  /// loaded there, or computed. Null where it is loaded each time.
  const kernels::Access *getHolder(const kernels::Access &input) const {
    return holders.lookup(&input);
  }
  /// Whether an input is one number for a whole row.
  bool isRowValue(const kernels::Access &input) const {
    return rowValues.contains(&input);
  }
  /// Whether any part reads the kernel's buffer from memory.
  bool isLoaded(mlir::Value buffer) const { return loaded.contains(buffer); }

private:
  /// The elements that an access visits: a row's begin `row` apart, and its
  /// columns lie `column` apart.
  struct Place {
    mlir::AffineExpr row, column, offset;
  };
  struct Use {
    mlir::Value buffer;
    std::optional<Place> place;
    const kernels::Access *access;
    bool writes;
  };

  void chooseShape();
  bool isWide(const RowPart &part) const;
  std::optional<Place> getPlace(const RowPart &part,
                                const kernels::Access &access) const;
  static bool isSame(const std::optional<Place> &a,
                     const std::optional<Place> &b);
  bool isHeld(const std::optional<Place> &place) const;
  bool conflicts(const Use &use) const;
  void addInput(RowPart &part, const kernels::Access &access);
  void addOutput(RowPart &part, const kernels::Access &access);
  void addPart(RowPart &part);

  std::vector<RowPart> parts;
  /// Of all parts with columns.
  mlir::AffineExpr length;
  RowShape shape;
  llvm::DenseMap<const kernels::Access *, const kernels::Access *> holders;
  llvm::DenseSet<const kernels::Access *> rowValues;
  llvm::DenseSet<mlir::Value> loaded;
  /// What registers hold, and what was done to memory since threads waited,
  /// before this part and by it.
  llvm::SmallVector<Use> held, touched, current;
};

/// Plans a kernel that calls its parts (MergeRows). On failure there is a
/// diagnostic.
mlir::FailureOr<RowPlan> planRows(mlir::func::FuncOp kernel);

} // namespace nncc::webgpu

#endif
