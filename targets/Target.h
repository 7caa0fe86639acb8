//===- Target.h - What turns planned programs into modules ------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_TARGET_H
#define NNCC_TARGETS_TARGET_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "nncc/Pipeline/Pipeline.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <string>
#include <vector>

namespace nncc {

/// Constant bytes at an offset of the program's weights. Those of halves lie
/// there until they are widened.
struct WeightSegment {
  uint64_t offset;
  llvm::ArrayRef<char> bytes;
};

/// The constants of a program: segments in the order of their offsets. What
/// lies between them is zero.
struct Weights {
  std::vector<WeightSegment> segments;
  uint64_t size = 0;
  /// The first are stored as so many f16 and then bf16, at the end of the room
  /// that they take as f32.
  uint64_t numF16 = 0, numBF16 = 0;

  /// Where what is stored begins.
  uint64_t getBegin() const { return 2 * (numF16 + numBF16); }
};

/// What a target writes. An object is for programs that link the network in:
/// beside FILE.o lies FILE.h, its interface in C (docs/embedding.md).
/// A component has the module in it and exports it as wasi:nn
/// (docs/wasi-nn.md).
enum class Artifact { LLVM, Object, Module, Component, Wgsl, Spirv };

struct TargetOptions {
  Artifact artifact = Artifact::Module;
  /// One of the target's features; empty for its default.
  std::string feature;
  /// The same bits in every engine.
  bool strictFP = false;
  /// The weights go into FILE.safetensors beside the module.
  bool externalWeights = false;
  /// Kernels run on several threads.
  bool threads = false;
  /// The kernels that may gain from it come with relaxed SIMD too, in a second
  /// module within the first (docs/module-format.md). Not with strictFP.
  bool relaxedVariants = false;
  /// The device stores weights and tensors as f16 where that is accurate
  /// enough.
  bool storeHalves = false;
  /// What the device binds for a kernel at most, of a tensor: 128 MiB are what
  /// every WebGPU device does. Its buffers are twice as large.
  int64_t bindingBytes = 128 << 20;
  /// Where compiled code is kept for the next time; empty: nowhere.
  std::string cacheFolder;
  /// The edition of wasi:nn that a component exports, as "2024-10-28".
  std::string wasiNNEdition;
  /// Outputs that become inputs of the next run, for the signature.
  std::vector<std::pair<std::string, std::string>> state;
  /// Of the network's file, for the signature.
  std::string sourceName;
  std::string sourceHash;
  /// JSON that says what the kernels compute, for tools (nncc.kernels in
  /// docs/module-format.md); empty: none.
  std::string kernelTable;
};

/// Does its work on a CPU by `main`, as all do, unless it says otherwise.
class Target {
public:
  virtual ~Target() = default;

  /// As in --target=NAME.
  virtual llvm::StringRef getName() const = 0;

  /// As in --features=NAME, the default first.
  virtual llvm::ArrayRef<llvm::StringRef> getFeatures() const = 0;

  /// Adapts the stages before kernels are formed.
  virtual void configure(PipelineOptions &pipeline,
                         const TargetOptions &options) const {}

  /// Whether its kernels are for another device. Its programs leave the common
  /// way where kernels are formed (`buildExec`), and one that takes it stands
  /// by as a fallback.
  virtual bool hasDevice() const { return false; }

  /// The stage "exec" of a target with a device.
  virtual void buildExec(mlir::OpPassManager &pm,
                         const TargetOptions &options) const {}

  /// Writes what `options` asks for to `path`, or to the standard output for
  /// "-" (LLVM IR and objects only); WGSL and SPIR-V go to a folder of
  /// that name.
  /// `program` fulfils the input contract of docs/target-input.md and is
  /// changed. On failure there is a diagnostic and no file. The device's
  /// program comes in `device`; one of both may be null.
  virtual mlir::LogicalResult
  emit(mlir::ModuleOp program, mlir::ModuleOp device, const Weights &weights,
       const TargetOptions &options, llvm::StringRef path) const = 0;
};

/// The targets that this compiler has.
llvm::ArrayRef<const Target *> getTargets();

/// The target of that name, or null.
const Target *findTarget(llvm::StringRef name);

} // namespace nncc

#endif
