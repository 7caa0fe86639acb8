//===- Units.cpp - A program in parts that compile alone ------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/Units.h"

#include "targets/wasm/Codegen.h"
#include "targets/wasm/EntryPoints.h"
#include "targets/wasm/Translate.h"

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

static Unit writeUnit(const Module &module, std::string name) {
  Unit unit;
  unit.name = std::move(name);
  raw_svector_ostream os(unit.bitcode);
  WriteBitcodeToFile(module, os);
  return unit;
}

/// Moves the kernel's body to a unit.
static void moveTo(Module &unit, Function &kernel) {
  publish(kernel);
  // A kernel that was moved before may have declared it.
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
  kernel.deleteBody();
}

static std::unique_ptr<Module> createUnit(const Module &program) {
  auto unit = std::make_unique<Module>("unit", program.getContext());
  unit->setDataLayout(program.getDataLayout());
  unit->setTargetTriple(program.getTargetTriple());
  return unit;
}

/// Room for the weights: as large as they are in an object, so that it is not
/// worth keeping.
static Unit takeRoom(Module &program) {
  GlobalVariable *room = program.getNamedGlobal(weightSymbol);
  std::unique_ptr<Module> unit = createUnit(program);
  auto *moved = cast<GlobalVariable>(Declarer(*unit).materialize(room));
  moved->setInitializer(room->getInitializer());
  room->setInitializer(nullptr);
  Unit written = writeUnit(*unit, "the weights' room");
  written.isKept = false;
  return written;
}

/// Whether a unit ends with this kernel, its `position`th. The name decides, so
/// that the units of layers that did not change stay the same. A unit costs
/// some 2 ms; with 5 kernels on average that is little, and threads have
/// enough.
static bool endsUnit(StringRef kernel, unsigned position) {
  return xxh3_64bits(kernel) % 6 == 0 || position == 12;
}

std::vector<Unit> nncc::wasm::splitProgram(Module &program) {
  propagateArguments(program);
  std::vector<Unit> units;
  std::unique_ptr<Module> unit;
  unsigned position = 0;
  SmallVector<Function *> kernels;
  for (Function &function : program)
    if (isKernel(function))
      kernels.push_back(&function);
  for (Function *kernel : kernels) {
    std::string name = kernel->getName().str();
    if (!unit)
      unit = createUnit(program);
    moveTo(*unit, *kernel);
    if (kernel != kernels.back() && !endsUnit(name, ++position))
      continue;
    position = 0;
    StripDebugInfo(*unit); // Cloning makes an empty list of it.
    units.push_back(writeUnit(*unit, "the kernels up to " + name));
    unit.reset();
  }
  units.push_back(takeRoom(program));
  units.push_back(writeUnit(program, "the program"));
  return units;
}
