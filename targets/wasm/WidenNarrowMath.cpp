//===- WidenNarrowMath.cpp - Functions of narrow floats in f32 ------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Transforms/DialectConversion.h"

namespace nncc::wasm {

#define GEN_PASS_DEF_WIDENNARROWMATH
#include "targets/wasm/Passes.h.inc"

} // namespace nncc::wasm

using namespace mlir;

namespace {

struct WidenNarrowMathPass
    : nncc::wasm::impl::WidenNarrowMathBase<WidenNarrowMathPass> {
  using Base::Base;

  void runOnOperation() override {
    TypeConverter converter;
    math::populateLegalizeToF32TypeConverter(converter);
    // The library would narrow vectors of f64.
    converter.addConversion([](VectorType type) -> std::optional<Type> {
      if (type.getElementType().isF64())
        return type;
      return std::nullopt;
    });
    ConversionTarget target(getContext());
    math::populateLegalizeToF32ConversionTarget(target, converter);
    RewritePatternSet patterns(&getContext());
    math::populateLegalizeToF32Patterns(patterns, converter);
    if (failed(applyPartialConversion(getOperation(), target,
                                      std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
