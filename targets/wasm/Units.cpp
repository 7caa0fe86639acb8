//===- Units.cpp - A program in parts that compile alone ------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/Units.h"

#include "targets/wasm/Codegen.h"
#include "targets/wasm/EntryPoints.h"
#include "targets/wasm/SliceKernels.h"
#include "targets/wasm/Translate.h"
#include "targets/wasm/Variants.h"

#include "llvm/Bitcode/BitcodeWriter.h"
#include "llvm/IR/DebugInfo.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Support/xxhash.h"
#include "llvm/Transforms/Utils/Cloning.h"
#include "llvm/Transforms/Utils/ValueMapper.h"

using namespace llvm;
using namespace nncc::wasm;

/// Gives a private symbol a name between objects. In the form of a C++ name,
/// which nothing of the runtime has, it is "memcpy" or "main" without harm, and
/// the linker writes the plain name into the module.
static void publish(GlobalValue &value) {
  if (!value.hasLocalLinkage())
    return;
  std::string name = value.getName().str();
  value.setLinkage(GlobalValue::ExternalLinkage);
  value.setVisibility(GlobalValue::HiddenVisibility);
  value.setName("_Z" + Twine(name.size()) + name);
}

namespace {

/// Declares in a unit what its code refers to.
class Declarer : public ValueMaterializer {
public:
  explicit Declarer(Module &unit) : unit(unit) {}

  virtual ~Declarer() = default;

  Value *materialize(Value *value) override {
    if (auto *global = dyn_cast<GlobalValue>(value)) {
      publish(*global);
      if (GlobalValue *known = unit.getNamedValue(global->getName()))
        return known;
    }
    if (auto *function = dyn_cast<Function>(value)) {
      Function *declared = Function::Create(function->getFunctionType(),
                                            GlobalValue::ExternalLinkage,
                                            function->getName(), unit);
      declared->copyAttributesFrom(function);
      return declared;
    }
    auto *variable = dyn_cast<GlobalVariable>(value);
    if (!variable)
      return nullptr;
    auto *declared = new GlobalVariable(
        unit, variable->getValueType(), variable->isConstant(),
        GlobalValue::ExternalLinkage, nullptr, variable->getName());
    declared->copyAttributesFrom(variable);
    return declared;
  }

private:
  Module &unit;
};

} // namespace

static Unit writeUnit(const Module &module, std::string name, Feature feature) {
  Unit unit{std::move(name), feature, {}};
  raw_svector_ostream os(unit.bitcode);
  WriteBitcodeToFile(module, os);
  return unit;
}

/// The kernel in another module, which may have declared it before.
static Function *copyTo(Module &unit, Function &kernel) {
  Declarer declarer(unit);
  auto *copy = cast<Function>(declarer.materialize(&kernel));
  ValueToValueMapTy map;
  map[&kernel] = copy;
  for (auto [from, to] : zip_equal(kernel.args(), copy->args()))
    map[&from] = &to;
  SmallVector<ReturnInst *> returns;
  CloneFunctionInto(copy, &kernel, map,
                    CloneFunctionChangeType::DifferentModule, returns, "",
                    nullptr, nullptr, &declarer);
  return copy;
}

/// Whether a unit ends with this kernel, its `position`th. The name decides, so
/// that the units of layers that did not change stay the same. A unit costs
/// some 2 ms; with 5 kernels on average that is little, and threads have
/// enough.
static bool endsUnit(StringRef kernel, unsigned position) {
  return xxh3_64bits(kernel) % 6 == 0 || position == 12;
}

namespace {

class Splitter {
public:
  Splitter(Module &program, Feature feature)
      : program(program), feature(feature) {}

  Parts split(bool wantsVariants);

private:
  std::unique_ptr<Module> createUnit() const;
  Unit writeTable(ArrayRef<Function *> kernels);
  Unit takeRoom();
  void take(Function &kernel);
  void endUnits(StringRef lastKernel);

  Module &program;
  const Feature feature;
  Parts parts;
  /// The units that are being filled.
  std::unique_ptr<Module> kernels, sums, dots;
  /// Of kernels with a variant.
  DenseMap<Function *, std::pair<Variant, unsigned>> slots;
  unsigned numKernels = 0;
};

} // namespace

std::unique_ptr<Module> Splitter::createUnit() const {
  auto unit = std::make_unique<Module>("unit", program.getContext());
  unit->setDataLayout(program.getDataLayout());
  unit->setTargetTriple(program.getTargetTriple());
  return unit;
}

/// The linker gives functions slots in the order in which it meets their
/// addresses: this object comes first, so that these have 1, 2 ...
Unit Splitter::writeTable(ArrayRef<Function *> kernels) {
  std::unique_ptr<Module> unit = createUnit();
  Declarer declarer(*unit);
  GlobalVariable *table = program.getNamedGlobal(kernelTableSymbol);
  auto *type = cast<ArrayType>(table->getValueType());
  SmallVector<Constant *> pointers;
  for (Function *kernel : kernels)
    pointers.push_back(cast<Constant>(declarer.materialize(kernel)));
  cast<GlobalVariable>(declarer.materialize(table))
      ->setInitializer(ConstantArray::get(type, pointers));
  return writeUnit(*unit, "the table of kernels", feature);
}

/// Room for the weights: as large as they are in an object, so that it is not
/// worth keeping.
Unit Splitter::takeRoom() {
  GlobalVariable *room = program.getNamedGlobal(weightSymbol);
  std::unique_ptr<Module> unit = createUnit();
  Declarer declarer(*unit);
  cast<GlobalVariable>(declarer.materialize(room))
      ->setInitializer(room->getInitializer());
  room->setInitializer(nullptr);
  Unit written = writeUnit(*unit, "the weights' room", feature);
  written.isKept = false;
  return written;
}

void Splitter::take(Function &kernel) {
  if (!kernels)
    kernels = createUnit();
  copyTo(*kernels, kernel);
  if (auto found = slots.find(&kernel); found != slots.end()) {
    auto [variant, slot] = found->second;
    std::unique_ptr<Module> &unit = variant == Variant::Dots ? dots : sums;
    if (!unit)
      unit = createUnit();
    makeVariant(*copyTo(*unit, kernel), variant, slot);
  }
  kernel.deleteBody();
}

void Splitter::endUnits(StringRef lastKernel) {
  auto end = [&](std::unique_ptr<Module> unit, std::vector<Unit> &units,
                 Feature feature) {
    if (!unit)
      return;
    StripDebugInfo(*unit); // Cloning makes an empty list of it.
    units.push_back(
        writeUnit(*unit, ("the kernels up to " + lastKernel).str(), feature));
  };
  end(std::move(kernels), parts.units, feature);
  end(std::move(sums), parts.sums, Feature::RelaxedSimd);
  end(std::move(dots), parts.dots, Feature::RelaxedSimd);
  numKernels = 0;
}

Parts Splitter::split(bool wantsVariants) {
  sliceKernels(program);
  propagateArguments(program);
  SmallVector<Function *> all, varied;
  for (Function &function : program)
    if (isKernel(function))
      all.push_back(&function);
  for (Function *kernel : all)
    if (std::optional<Variant> variant =
            wantsVariants ? chooseVariant(*kernel) : std::nullopt) {
      varied.push_back(kernel);
      // Slot 0 is that of no function.
      slots[kernel] = {*variant, varied.size()};
    }
  if (!varied.empty())
    callThroughTable(program, varied);
  for (Function *kernel : all) {
    std::string name = kernel->getName().str();
    take(*kernel);
    if (kernel == all.back() || endsUnit(name, ++numKernels))
      endUnits(name);
  }
  if (!varied.empty())
    parts.units.insert(parts.units.begin(), writeTable(varied));
  parts.units.push_back(takeRoom());
  parts.units.push_back(writeUnit(program, "the program", feature));
  return std::move(parts);
}

Parts nncc::wasm::splitProgram(Module &program, Feature feature,
                               bool wantsVariants) {
  return Splitter(program, feature).split(wantsVariants);
}
