//===- BindWindows.cpp - Parts of buffers that are large ------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "nncc/Dialect/Exec/Exec.h"
#include "targets/webgpu/Kernel.h"
#include "targets/webgpu/Passes.h"
#include "targets/webgpu/SameKernels.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringSet.h"

namespace nncc::webgpu {

#define GEN_PASS_DEF_BINDWINDOWS
#include "targets/webgpu/Passes.h.inc"

} // namespace nncc::webgpu

using namespace mlir;
using namespace nncc;
using namespace nncc::webgpu;

namespace {

/// Elements of a buffer.
struct Window {
  int64_t begin, end;

  void include(Window other) {
    begin = std::min(begin, other.begin);
    end = std::max(end, other.end);
  }
};

/// By the number of an argument; none where it is bound as a whole.
using Windows = SmallVector<std::optional<Window>>;

struct BindWindowsPass : webgpu::impl::BindWindowsBase<BindWindowsPass> {
  using Base::Base;

  void runOnOperation() override;

private:
  std::optional<Window> getWindow(BlockArgument argument);
  std::optional<Window> chooseWindow(BlockArgument argument);
  func::FuncOp narrow(func::FuncOp kernel, const Windows &windows,
                      SameKernels &kernels);
  bool bind(exec::DispatchOp dispatch, SameKernels &kernels);
};

} // namespace

/// What a view of known place shows.
static std::optional<Window> getWindow(memref::ReinterpretCastOp view) {
  int64_t begin = view.getStaticOffsets()[0];
  auto type = cast<MemRefType>(view.getType());
  if (ShapedType::isDynamic(begin) || !type.hasStaticShape() ||
      llvm::any_of(view.getStaticStrides(), ShapedType::isDynamic))
    return std::nullopt;
  int64_t end = begin + 1;
  for (auto [size, stride] :
       llvm::zip_equal(type.getShape(), view.getStaticStrides()))
    end += (size - 1) * stride;
  return Window{begin, end};
}

/// What of an argument a kernel and its parts touch; none if it is not known.
std::optional<Window> BindWindowsPass::getWindow(BlockArgument argument) {
  std::optional<Window> all;
  for (OpOperand &use : argument.getUses()) {
    std::optional<Window> window;
    if (auto view = dyn_cast<memref::ReinterpretCastOp>(use.getOwner()))
      window = ::getWindow(view);
    else if (auto call = dyn_cast<func::CallOp>(use.getOwner()))
      window = getWindow(getOperation()
                             .lookupSymbol<func::FuncOp>(call.getCallee())
                             .getArgument(use.getOperandNumber()));
    if (!window)
      return std::nullopt;
    if (all)
      all->include(*window);
    else
      all = window;
  }
  return all;
}

static int64_t getElementBytes(BlockArgument argument) {
  auto kernel = cast<func::FuncOp>(argument.getOwner()->getParentOp());
  return kernel.getArgAttr(argument.getArgNumber(), halfAttrName) ? 2 : 4;
}

/// What a kernel binds of an argument that is large: from a multiple of 256
/// bytes on.
std::optional<Window> BindWindowsPass::chooseWindow(BlockArgument argument) {
  auto type = dyn_cast<MemRefType>(argument.getType());
  int64_t bytes = getElementBytes(argument);
  if (!type || !type.hasStaticShape() ||
      type.getNumElements() * bytes <= maxBytes)
    return std::nullopt;
  std::optional<Window> window = getWindow(argument);
  if (window)
    window->begin = llvm::alignDown(window->begin, 256 / bytes);
  return window;
}

static void narrow(memref::ReinterpretCastOp view, int64_t begin) {
  auto type = cast<MemRefType>(view.getType());
  auto [strides, offset] = getStridesAndOffset(type);
  OpBuilder b(view);
  auto layout = StridedLayoutAttr::get(b.getContext(), offset - begin, strides);
  Value moved = b.create<memref::ReinterpretCastOp>(
      view.getLoc(),
      MemRefType::get(type.getShape(), type.getElementType(), layout),
      view.getSource(), OpFoldResult(b.getIndexAttr(offset - begin)),
      view.getMixedSizes(), view.getMixedStrides());
  view.replaceAllUsesWith(moved);
  view.erase();
}

static MemRefType getType(MemRefType whole, Window window) {
  return MemRefType::get({window.end - window.begin}, whole.getElementType());
}

/// The kernel for arguments that are windows.
func::FuncOp BindWindowsPass::narrow(func::FuncOp kernel,
                                     const Windows &windows,
                                     SameKernels &kernels) {
  func::FuncOp draft = kernel.clone();
  llvm::MapVector<func::CallOp, Windows> calls;
  for (auto [argument, window] : llvm::zip(draft.getArguments(), windows)) {
    if (!window)
      continue;
    argument.setType(getType(cast<MemRefType>(argument.getType()), *window));
    for (OpOperand &use : llvm::make_early_inc_range(argument.getUses())) {
      if (auto view = dyn_cast<memref::ReinterpretCastOp>(use.getOwner())) {
        ::narrow(view, window->begin);
        continue;
      }
      auto call = cast<func::CallOp>(use.getOwner());
      calls[call].resize(call.getNumOperands());
      calls[call][use.getOperandNumber()] = window;
    }
  }
  for (auto &[call, inner] : calls) {
    auto part = getOperation().lookupSymbol<func::FuncOp>(call.getCallee());
    call.setCallee(narrow(part, inner, kernels).getName());
  }
  draft.setFunctionType(FunctionType::get(
      &getContext(), draft.getBody().front().getArgumentTypes(), {}));
  return kernels.add(draft, kernel.getName());
}

/// A part of what `view`, the whole buffer, shows.
static Value getPart(memref::ViewOp view, Window window, int64_t elementBytes) {
  OpBuilder b(view);
  Location loc = view.getLoc();
  Value shift =
      b.create<arith::ConstantIndexOp>(loc, window.begin * elementBytes);
  return b.create<memref::ViewOp>(loc, getType(view.getType(), window),
                                  view.getSource(), shift, ValueRange());
}

bool BindWindowsPass::bind(exec::DispatchOp dispatch, SameKernels &kernels) {
  auto kernel = getOperation().lookupSymbol<func::FuncOp>(dispatch.getKernel());
  Windows windows;
  for (BlockArgument argument : kernel.getArguments().drop_back(2))
    windows.push_back(chooseWindow(argument));
  if (llvm::none_of(windows, [](const auto &window) { return !!window; }))
    return false;
  dispatch.setKernel(narrow(kernel, windows, kernels).getName());
  for (auto [i, window] : llvm::enumerate(windows))
    if (window) {
      auto view = dispatch.getArguments()[i].getDefiningOp<memref::ViewOp>();
      dispatch.getArgumentsMutable()[i].set(
          getPart(view, *window, getElementBytes(kernel.getArgument(i))));
      if (view->use_empty())
        view.erase();
    }
  return true;
}

/// Erases kernels that nothing uses any more. Then the same may be true of
/// their parts.
static bool eraseUnused(ModuleOp module) {
  llvm::StringSet<> used;
  module.walk([&](exec::DispatchOp op) { used.insert(op.getKernel()); });
  module.walk([&](func::CallOp op) { used.insert(op.getCallee()); });
  bool isChanged = false;
  for (auto func : llvm::make_early_inc_range(module.getOps<func::FuncOp>()))
    if (func->hasAttr(exec::kernelAttrName) && !used.contains(func.getName())) {
      func.erase();
      isChanged = true;
    }
  return isChanged;
}

/// A tensor has to lie in one buffer, which is twice what is bound at most.
static void warnOfLarge(exec::AllocOp alloc, int64_t maxBytes) {
  auto bytes = dyn_cast<AffineConstantExpr>(alloc.getBytes().getResult(0));
  if (bytes && bytes.getValue() > maxBytes)
    alloc.emitWarning("takes ")
        << bytes.getValue() << " bytes in one buffer; where a GPU has no more "
        << "than " << maxBytes
        << ", the whole network runs on the CPU. Smaller sizes (--dim) avoid "
           "that";
}

void BindWindowsPass::runOnOperation() {
  auto program = getOperation().lookupSymbol<func::FuncOp>(exec::programName);
  if (!program)
    return;
  SameKernels kernels(getOperation());
  bool isChanged = false;
  program.walk([&](exec::DispatchOp dispatch) {
    if (!dispatch->hasAttr(exec::hostAttrName))
      isChanged |= bind(dispatch, kernels);
  });
  while (isChanged)
    isChanged = eraseUnused(getOperation());
  program.walk([&](exec::AllocOp alloc) {
    if (!alloc->hasAttr(exec::hostAttrName))
      warnOfLarge(alloc, 2 * maxBytes);
  });
}
