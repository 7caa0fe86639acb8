//===- Segments.cpp - A program that is run in parts ----------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/webgpu/Segments.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "nncc/Dialect/Exec/Exec.h"
#include "targets/webgpu/CarriedValues.h"
#include "targets/webgpu/OpenLoops.h"

using namespace mlir;

namespace nncc::webgpu {

// What runtime/core/Commands.cpp defines.
static constexpr llvm::StringLiteral segmentName = "nncc_gpu_segment";
static constexpr llvm::StringLiteral goToName = "nncc_gpu_go_to";

namespace {

/// What runs in its turn. It ends with a readback or the end of the program, or
/// the runtime goes on with another: with `next`, or `otherwise` where
/// `condition` is false.
struct Part {
  SmallVector<Operation *> ops;
  std::optional<unsigned> next;
  Value condition;
  unsigned otherwise = 0;
};

class Splitter {
public:
  explicit Splitter(func::FuncOp program)
      : program(program), body(program.getBody().front()), parts(1) {
    collect(body);
  }

  void split();

private:
  void collect(Block &block);
  void collectLoop(scf::WhileOp loop);
  unsigned addPart();
  void emitParts(OpBuilder &b);
  void goOn(OpBuilder &b, const Part &part);
  Value call(OpBuilder &b, StringRef function, TypeRange results,
             ValueRange arguments = {});

  func::FuncOp program;
  Block &body;
  SmallVector<Part> parts;
  SmallVector<Operation *> done;
};

} // namespace

Value Splitter::call(OpBuilder &b, StringRef function, TypeRange results,
                     ValueRange arguments) {
  Location loc = program.getLoc();
  auto module = program->getParentOfType<ModuleOp>();
  if (!module.lookupSymbol(function)) {
    auto declared = func::FuncOp::create(
        loc, function, b.getFunctionType(arguments.getTypes(), results));
    declared.setPrivate();
    module.push_back(declared);
  }
  auto made = b.create<func::CallOp>(loc, function, results, arguments);
  return results.empty() ? Value() : made.getResult(0);
}

unsigned Splitter::addPart() {
  parts.emplace_back();
  return parts.size() - 1;
}

void Splitter::collect(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(block.without_terminator())) {
    if (isa<exec::ReadbackOp>(op)) {
      done.push_back(&op);
      addPart();
    } else if (isa<exec::BindOp>(op)) {
      parts.back().ops.push_back(&op);
      unsigned before = parts.size() - 1;
      parts[before].next = addPart();
    } else if (isOpenLoop(&op)) {
      collectLoop(cast<scf::WhileOp>(op));
    } else if (!isInAllSegments(&op)) {
      parts.back().ops.push_back(&op);
    } else if (&block != &body) {
      op.moveBefore(body.findAncestorOpInBlock(op));
    }
  }
}

void Splitter::collectLoop(scf::WhileOp loop) {
  unsigned before = parts.size() - 1, first = addPart();
  parts[before].next = first;
  collect(*loop.getBeforeBody());
  unsigned test = parts.size() - 1, inside = addPart();
  collect(*loop.getAfterBody());
  parts.back().next = first;
  parts[test].next = inside;
  parts[test].condition = loop.getConditionOp().getCondition();
  parts[test].otherwise = addPart();
  done.push_back(loop);
}

void Splitter::goOn(OpBuilder &b, const Part &part) {
  if (!part.next)
    return;
  Location loc = program.getLoc();
  Value next = b.create<arith::ConstantIndexOp>(loc, *part.next);
  if (part.condition) {
    Value other = b.create<arith::ConstantIndexOp>(loc, part.otherwise);
    next = b.create<arith::SelectOp>(loc, part.condition, next, other);
  }
  call(b, goToName, {}, next);
}

void Splitter::emitParts(OpBuilder &b) {
  Location loc = program.getLoc();
  Value turn = call(b, segmentName, b.getIndexType());
  for (auto [number, part] : llvm::enumerate(parts)) {
    Value mine = b.create<arith::ConstantIndexOp>(loc, number);
    Value isDue =
        b.create<arith::CmpIOp>(loc, arith::CmpIPredicate::eq, turn, mine);
    auto branch = b.create<scf::IfOp>(loc, isDue, /*withElseRegion=*/false);
    Operation *end = branch.thenBlock()->getTerminator();
    for (Operation *op : part.ops)
      op->moveBefore(end);
    OpBuilder inner(end);
    goOn(inner, part);
  }
}

void Splitter::split() {
  if (parts.size() == 1)
    return;
  OpBuilder b(body.getTerminator());
  emitParts(b);
  for (Operation *op : done)
    op->erase();
}

void splitSegments(func::FuncOp program) { Splitter(program).split(); }

} // namespace nncc::webgpu
