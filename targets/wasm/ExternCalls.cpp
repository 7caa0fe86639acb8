//===- ExternCalls.cpp - Calls of functions outside -----------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/ExternCalls.h"

#include "nncc/Dialect/Exec/Exec.h"
#include "runtime/core/Abi.h"

using namespace llvm;
using namespace nncc;
using namespace nncc::wasm;

namespace {

/// The packed values of one call, with all that they point to, in a block on
/// the stack: values, descriptors, then shapes.
class CallBuilder {
public:
  CallBuilder(Function *function, const ExternCall &call);

  void build(EmitPackedCall emitCall);

private:
  /// A tensor at an address, its sizes given as values.
  void addTensor(const TensorInfo &type, Value *data, ArrayRef<Value *> sizes);
  void addString(StringRef text);
  void addList(StringRef typeName, uint8_t code, uint8_t bits, Constant *list,
               uint64_t size);
  void addConstant(mlir::Attribute value);
  void addValue(Tag tag, Value *payload);

  void store(uint64_t offset, Value *value) {
    b.CreateAlignedStore(value, at(offset), Align(4));
  }
  Value *at(uint64_t offset) {
    return b.CreateConstInBoundsGEP1_32(b.getInt8Ty(), block, offset);
  }
  Value *addressOf(Value *pointer) {
    return b.CreatePtrToInt(pointer, b.getInt32Ty());
  }
  Value *addGlobal(Constant *content);

  Function *function;
  const ExternCall &call;
  IRBuilder<> b;
  Value *block;
  uint64_t nextValue = 0, nextDescriptor = 0, nextShape = 0;
};

} // namespace

static bool isList(mlir::Attribute value) {
  return mlir::isa<mlir::DenseI64ArrayAttr, mlir::DenseF32ArrayAttr>(value);
}

CallBuilder::CallBuilder(Function *function, const ExternCall &call)
    : function(function), call(call),
      b(BasicBlock::Create(function->getContext(), "", function)) {
  uint64_t numTensors = call.inputs.size() + call.outputs.size();
  uint64_t numDims = function->arg_size() - numTensors;
  uint64_t numValues = numTensors + 2 * call.constants.size();
  for (mlir::NamedAttribute constant : call.constants)
    if (isList(constant.getValue()))
      ++numTensors, ++numDims;
  nextDescriptor = sizeof(PackedValue) * numValues;
  nextShape = nextDescriptor + sizeof(Tensor) * numTensors;
  Type *bytes = ArrayType::get(b.getInt8Ty(), nextShape + 8 * numDims);
  AllocaInst *room = b.CreateAlloca(bytes);
  room->setAlignment(Align(16));
  block = room;
}

Value *CallBuilder::addGlobal(Constant *content) {
  return new GlobalVariable(*function->getParent(), content->getType(),
                            /*isConstant=*/true, GlobalValue::PrivateLinkage,
                            content, "nncc_extern_constant");
}

void CallBuilder::addValue(Tag tag, Value *payload) {
  store(nextValue, b.getInt64(static_cast<uint32_t>(tag)));
  store(nextValue + 8, b.CreateZExt(payload, b.getInt64Ty()));
  nextValue += sizeof(PackedValue);
}

void CallBuilder::addTensor(const TensorInfo &type, Value *data,
                            ArrayRef<Value *> sizes) {
  uint64_t to = nextDescriptor;
  uint32_t dlpackType = type.typeCode | type.bits << 8 | 1 << 16;
  Value *words[] = {addressOf(data),
                    b.getInt32(1), // The CPU.
                    b.getInt32(0),          b.getInt32(sizes.size()),
                    b.getInt32(dlpackType), addressOf(at(nextShape)),
                    b.getInt32(0),          b.getInt32(0),
                    b.getInt32(0),          b.getInt32(0)};
  for (Value *word : words) {
    store(to, word);
    to += 4;
  }
  addValue(Tag::Tensor, addressOf(at(nextDescriptor)));
  for (Value *size : sizes) {
    store(nextShape, b.CreateZExt(size, b.getInt64Ty()));
    nextShape += 8;
  }
  nextDescriptor = to;
}

void CallBuilder::addString(StringRef text) {
  Constant *content = ConstantDataArray::getString(b.getContext(), text);
  Value *address = b.CreateZExt(addressOf(addGlobal(content)), b.getInt64Ty());
  addValue(Tag::String, b.CreateOr(address, uint64_t(text.size()) << 32));
}

void CallBuilder::addList(StringRef typeName, uint8_t code, uint8_t bits,
                          Constant *list, uint64_t size) {
  TensorInfo type;
  type.typeName = typeName;
  type.typeCode = code;
  type.bits = bits;
  addTensor(type, addGlobal(list), {b.getInt64(size)});
}

void CallBuilder::addConstant(mlir::Attribute value) {
  if (auto number = mlir::dyn_cast<mlir::IntegerAttr>(value))
    return addValue(Tag::Int, b.getInt64(number.getInt()));
  if (auto number = mlir::dyn_cast<mlir::FloatAttr>(value))
    return addValue(Tag::Float,
                    b.getInt64(bit_cast<uint64_t>(number.getValueAsDouble())));
  if (auto text = mlir::dyn_cast<mlir::StringAttr>(value))
    return addString(text.getValue());
  if (auto list = mlir::dyn_cast<mlir::DenseI64ArrayAttr>(value)) {
    SmallVector<uint64_t> numbers(list.asArrayRef());
    return addList("i64", 0, 64,
                   ConstantDataArray::get(b.getContext(), numbers),
                   list.size());
  }
  auto list = mlir::cast<mlir::DenseF32ArrayAttr>(value);
  addList("f32", 2, 32,
          ConstantDataArray::get(b.getContext(), list.asArrayRef()),
          list.size());
}

void CallBuilder::build(EmitPackedCall emitCall) {
  SmallVector<const TensorInfo *> tensors;
  for (const TensorInfo &input : call.inputs)
    tensors.push_back(&input);
  for (const TensorInfo &output : call.outputs)
    tensors.push_back(&output);
  unsigned dim = tensors.size();
  for (auto [i, tensor] : enumerate(tensors)) {
    SmallVector<Value *> sizes;
    for (size_t k = 0; k < tensor->dims.size(); ++k)
      sizes.push_back(function->getArg(dim++));
    addTensor(*tensor, function->getArg(i), sizes);
  }
  for (mlir::NamedAttribute constant : call.constants) {
    addString(constant.getName().getValue());
    addConstant(constant.getValue());
  }
  emitCall(b, call, block, nextValue / sizeof(PackedValue));
  b.CreateRetVoid();
  function->setLinkage(GlobalValue::InternalLinkage);
}

void nncc::wasm::defineExternCalls(Module &module, const Signature &signature,
                                   EmitPackedCall emitCall) {
  for (auto [i, call] : enumerate(signature.externs))
    if (Function *function =
            module.getFunction((exec::externPrefix + Twine(i)).str()))
      CallBuilder(function, call).build(emitCall);
}

void nncc::wasm::defineExternCalls(Module &module, const Signature &signature) {
  LLVMContext &context = module.getContext();
  auto addText = [&](StringRef text) -> Constant * {
    Constant *content = ConstantDataArray::getString(context, text);
    return new GlobalVariable(module, content->getType(), /*isConstant=*/true,
                              GlobalValue::PrivateLinkage, content,
                              "nncc_extern_name");
  };
  auto emitCall = [&](IRBuilder<> &b, const ExternCall &call, Value *values,
                      unsigned count) {
    Constant *fields[] = {addText(call.function), addText(call.node),
                          ConstantPointerNull::get(b.getPtrTy())};
    Constant *content = ConstantStruct::getAnon(fields);
    auto *site =
        new GlobalVariable(module, content->getType(),
                           /*isConstant=*/false, GlobalValue::InternalLinkage,
                           content, "nncc_extern_call");
    b.CreateCall(module.getOrInsertFunction("nncc_call_extern", b.getVoidTy(),
                                            b.getPtrTy(), b.getPtrTy(),
                                            b.getInt32Ty()),
                 {site, values, b.getInt32(count)});
  };
  defineExternCalls(module, signature, emitCall);
}
