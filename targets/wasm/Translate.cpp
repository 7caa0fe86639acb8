//===- Translate.cpp - From the LLVM dialect to LLVM IR -------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/Translate.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"

using namespace mlir;

std::unique_ptr<llvm::Module>
nncc::wasm::translateToLLVM(ModuleOp module, llvm::LLVMContext &context,
                            llvm::TargetMachine &machine) {
  registerBuiltinDialectTranslation(*module.getContext());
  registerLLVMDialectTranslation(*module.getContext());

  // The translation knows LLVM's attributes only.
  for (auto func : module.getOps<LLVM::LLVMFuncOp>())
    for (unsigned i = 0; i < func.getNumArguments(); ++i)
      for (NamedAttribute attribute :
           llvm::to_vector(mlir::function_interface_impl::getArgAttrs(func, i)))
        if (attribute.getNameDialect() !=
            func->getContext()->getLoadedDialect<LLVM::LLVMDialect>())
          func.removeArgAttr(i, attribute.getName());

  // Whoever is private is seen by nobody outside, but keeps its name.
  for (auto func : module.getOps<LLVM::LLVMFuncOp>()) {
    bool isPrivate = func.isPrivate();
    if (auto visibility = func.getSymVisibility())
      isPrivate |= *visibility == "private";
    if (!isPrivate || func.isExternal())
      continue;
    func.setLinkage(LLVM::Linkage::Internal);
    func.setNoInline(true);
  }

  std::unique_ptr<llvm::Module> result =
      translateModuleToLLVMIR(module, context);
  if (!result)
    return nullptr;
  result->setTargetTriple(machine.getTargetTriple().str());
  result->setDataLayout(machine.createDataLayout());
  return result;
}

bool nncc::wasm::isKernel(const llvm::Function &function) {
  return !function.isDeclaration() && function.hasLocalLinkage() &&
         function.hasFnAttribute(llvm::Attribute::NoInline);
}
