//===- PlanMemory.cpp - One arena for all buffers -------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "nncc/Dialect/Exec/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "nncc/Dialect/Exec/Exec.h"
#include "nncc/Dialect/Exec/Weights.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

namespace nncc::exec {

#define GEN_PASS_DEF_PLANMEMORY
#include "nncc/Dialect/Exec/Passes.h.inc"

using namespace mlir;

namespace {

/// Kernels load up to this many bytes past the end of a buffer.
constexpr int64_t slack = 64;

/// A buffer in a group whose sizes are multiples of one expression.
struct Request {
  AllocOp alloc;
  int64_t size;         ///< in units of the group
  unsigned first, last; ///< positions of its first and last use
  int64_t offset = 0;

  bool overlaps(const Request &other) const {
    return first <= other.last && other.first <= last;
  }
};

struct PlanMemoryPass : impl::PlanMemoryBase<PlanMemoryPass> {
  using Base::Base;

  void runOnOperation() override;

private:
  int64_t roundUp(int64_t value) const {
    return (value + alignment - 1) / alignment * alignment;
  }
  std::pair<AffineExpr, int64_t> splitSize(AffineExpr size) const;
  BindOp getHome(AllocOp alloc) const;
  void collect(func::FuncOp program, bool isHost, BindOp home = {});
  bool canDivide() const;
  void plan(AffineExpr &total, int64_t pageSize = 0);
  void planBound(func::FuncOp program, bool isHost, AffineExpr total);
  void rewrite(func::FuncOp program);
  using Places = llvm::MapVector<Attribute, int64_t>;
  int64_t placeHalves(func::FuncOp program, Places &places);
  void placeWeights(func::FuncOp program);
  void addArenaFunction(func::FuncOp program, StringRef name, AffineExpr bytes);

  llvm::MapVector<AffineExpr, SmallVector<Request>> groups;
  DenseMap<Operation *, AffineExpr> offsets;
  SmallVector<Value> symbols;
  /// In the program's order. Of those that bind the same symbols, whose memory
  /// is one, the first.
  SmallVector<BindOp> bindings;
  /// How many symbols a binding binds, by the first of them.
  DenseMap<uint64_t, unsigned> numBound;
};

} // namespace

/// Splits a size into (unit, multiple), the multiple aligned.
std::pair<AffineExpr, int64_t>
PlanMemoryPass::splitSize(AffineExpr size) const {
  MLIRContext *context = size.getContext();
  if (auto constant = dyn_cast<AffineConstantExpr>(size))
    return {getAffineConstantExpr(1, context),
            roundUp(std::max<int64_t>(constant.getValue(), 1))};
  if (auto product = dyn_cast<AffineBinaryOpExpr>(size);
      product && product.getKind() == AffineExprKind::Mul)
    if (auto factor = dyn_cast<AffineConstantExpr>(product.getRHS());
        factor && factor.getValue() % alignment == 0)
      return {product.getLHS(), factor.getValue()};
  return {size.ceilDiv(alignment.getValue()), alignment};
}

/// The last binding of a symbol that the buffer's size needs; null if it needs
/// none of them.
BindOp PlanMemoryPass::getHome(AllocOp alloc) const {
  AffineExpr bytes = alloc.getBytes().getResult(0);
  for (BindOp bind : llvm::reverse(bindings))
    for (unsigned i = 0; i < numBound.lookup(bind.getFirst()); ++i)
      if (bytes.isFunctionOfSymbol(bind.getFirst() + i))
        return bind;
  return {};
}

void PlanMemoryPass::collect(func::FuncOp program, bool isHost, BindOp home) {
  DenseMap<Operation *, unsigned> positions;
  Block &body = program.getBody().front();
  for (auto [i, op] : llvm::enumerate(body))
    positions[&op] = i;
  program.walk([&](AllocOp alloc) {
    if (alloc->hasAttr(hostAttrName) != isHost || getHome(alloc) != home)
      return;
    Request request{alloc, 0, ~0u, 0};
    SmallVector<Value> values = {alloc.getBuffer()};
    while (!values.empty()) {
      for (Operation *user : values.pop_back_val().getUsers()) {
        if (auto view = dyn_cast<memref::ViewOp>(user)) {
          values.push_back(view.getResult());
          if (view->hasOneUse() || !view.use_empty())
            continue;
        }
        unsigned at = positions[body.findAncestorOpInBlock(*user)];
        request.first = std::min(request.first, at);
        request.last = std::max(request.last, at);
      }
    }
    if (request.first == ~0u)
      request.first = request.last = 0;
    auto [unit, size] = splitSize(alloc.getBytes().getResult(0));
    request.size = size;
    groups[unit].push_back(request);
    ++numBuffers;
  });
}

/// The first place from `offset` on that lies within one page, if there are
/// any.
static int64_t getPlaceInPage(int64_t offset, int64_t size, int64_t pageSize) {
  if (pageSize == 0 || offset % pageSize + size <= pageSize)
    return offset;
  return llvm::alignTo(offset, pageSize);
}

/// Places the large first, each at the lowest offset where it fits.
static int64_t place(MutableArrayRef<Request> requests, int64_t pageSize) {
  SmallVector<Request *> order;
  for (Request &request : requests)
    order.push_back(&request);
  llvm::sort(order, [](Request *a, Request *b) {
    return a->size != b->size ? a->size > b->size : a < b;
  });
  int64_t total = 0;
  SmallVector<Request *> placed; // by offset
  for (Request *request : order) {
    int64_t offset = 0;
    for (Request *other : placed) {
      if (!request->overlaps(*other))
        continue;
      if (offset + request->size <= other->offset)
        break;
      offset = std::max(offset, other->offset + other->size);
      offset = getPlaceInPage(offset, request->size, pageSize);
    }
    request->offset = offset;
    total = std::max(total, offset + request->size);
    placed.insert(llvm::upper_bound(placed, request,
                                    [](Request *a, Request *b) {
                                      return a->offset < b->offset;
                                    }),
                  request);
  }
  return total;
}

/// Whether the arena is the same for all inputs and each buffer fits a page.
bool PlanMemoryPass::canDivide() const {
  return page != 0 && bindings.empty() && groups.size() == 1 &&
         isa<AffineConstantExpr>(groups.front().first) &&
         llvm::all_of(groups.front().second, [&](const Request &request) {
           return request.size <= page;
         });
}

/// Lays out what was collected behind the first `total` bytes.
void PlanMemoryPass::plan(AffineExpr &total, int64_t pageSize) {
  for (auto &[unit, requests] : groups) {
    int64_t size = place(requests, pageSize);
    for (Request &request : requests)
      offsets[request.alloc] = total + unit * request.offset;
    total = total + unit * size;
  }
  groups.clear();
}

void PlanMemoryPass::rewrite(func::FuncOp program) {
  for (auto &[op, offset] : offsets) {
    auto alloc = cast<AllocOp>(op);
    BindOp home = getHome(alloc);
    Value arena = program.getArgument(0);
    if (home && !growing)
      arena = home.getMemory();
    OpBuilder b(alloc);
    Location loc = alloc.getLoc();
    Value from = materialize(b, loc, offset, symbols);
    Value size = materialize(b, loc, alloc.getBytes().getResult(0), symbols);
    auto view = b.create<memref::ViewOp>(loc, cast<MemRefType>(alloc.getType()),
                                         arena, from, size);
    // Tells the two arenas apart.
    if (Attribute host = alloc->getAttr(hostAttrName))
      view->setAttr(hostAttrName, host);
    alloc.replaceAllUsesWith(view.getResult());
    alloc.erase();
  }
}

/// The f32 weights that are f16 as well, then those that are bf16.
static std::array<SetVector<Attribute>, 2> findHalves(func::FuncOp program) {
  SetVector<Attribute> f16, bf16;
  program.walk([&](WeightOp weight) {
    WeightStorage storage = findStorage(weight.getValue());
    if (storage == WeightStorage::F16)
      f16.insert(weight.getValue());
    else if (storage == WeightStorage::BF16)
      bf16.insert(weight.getValue());
  });
  return {f16, bf16};
}

/// Returns the end of the weights that are stored as halves.
int64_t PlanMemoryPass::placeHalves(func::FuncOp program, Places &places) {
  // Fewer bytes are not worth the code that widens them.
  constexpr int64_t leastBytes = 4096;
  Places placed;
  int64_t end = 0;
  SmallVector<int64_t> counts;
  for (const SetVector<Attribute> &values : findHalves(program)) {
    int64_t begin = end;
    for (Attribute value : values) {
      placed.insert({value, end});
      auto type = cast<ElementsAttr>(value).getShapedType();
      end = roundUp(end + getByteSize(type));
    }
    counts.push_back((end - begin) / 4);
  }
  if (end < leastBytes)
    return 0;
  getOperation()->setAttr(halvesAttrName,
                          Builder(program).getDenseI64ArrayAttr(counts));
  places = std::move(placed);
  return end;
}

void PlanMemoryPass::placeWeights(func::FuncOp program) {
  Places places;
  int64_t end = halves ? placeHalves(program, places) : 0;
  for (const Weight &known : getWeights(getOperation())) {
    places.insert({known.value, known.offset});
    end = roundUp(known.offset + getByteSize(known.value.getShapedType()));
  }
  program.walk([&](WeightOp weight) {
    auto [entry, added] = places.insert({weight.getValue(), end});
    int64_t size = getByteSize(weight.getValue().getShapedType());
    if (added)
      end = roundUp(end + size);
    OpBuilder b(weight);
    Location loc = weight.getLoc();
    Value offset = b.create<arith::ConstantIndexOp>(loc, entry->second);
    Value bytes = b.create<arith::ConstantIndexOp>(loc, size);
    weight.replaceAllUsesWith(
        b.create<memref::ViewOp>(loc, cast<MemRefType>(weight.getType()),
                                 program.getArgument(1), offset, bytes)
            .getResult());
    weight.erase();
  });
  SmallVector<Attribute> values;
  SmallVector<int64_t> at;
  for (auto &[value, offset] : places) {
    values.push_back(value);
    at.push_back(offset);
  }
  Builder b(&getContext());
  getOperation()->setAttr(weightsAttrName, b.getArrayAttr(values));
  getOperation()->setAttr(weightOffsetsAttrName, b.getDenseI64ArrayAttr(at));
}

void PlanMemoryPass::addArenaFunction(func::FuncOp program, StringRef name,
                                      AffineExpr bytes) {
  OpBuilder b(program);
  Location loc = program.getLoc();
  SmallVector<Type> inputs(symbols.size(), b.getIndexType());
  auto func = b.create<func::FuncOp>(
      loc, name, b.getFunctionType(inputs, b.getIndexType()));
  for (unsigned i = 0; i < symbols.size(); ++i)
    func.setArgAttr(i, symbolAttrName, b.getI64IntegerAttr(i));
  b.setInsertionPointToStart(func.addEntryBlock());
  b.create<func::ReturnOp>(loc,
                           materialize(b, loc, bytes, func.getArguments()));
}

/// Of each binding: in its memory, or where the arena ends so far.
void PlanMemoryPass::planBound(func::FuncOp program, bool isHost,
                               AffineExpr total) {
  for (auto [i, bind] : llvm::enumerate(bindings)) {
    if (!growing)
      total = getAffineConstantExpr(0, &getContext());
    collect(program, isHost, bind);
    if (groups.empty())
      continue;
    plan(total);
    std::string name =
        ((isHost ? hostBoundBytesPrefix : boundBytesPrefix) + Twine(i)).str();
    addArenaFunction(program, name, total + slack);
    if (isHost)
      bind->setAttr(hostBytesAttrName,
                    FlatSymbolRefAttr::get(&getContext(), name));
    else
      bind.setBytes(name);
  }
  // Where they are bound again, too.
  DenseMap<uint64_t, DictionaryAttr> attributes;
  for (BindOp bind : bindings)
    attributes[bind.getFirst()] = bind->getAttrDictionary();
  program.walk(
      [&](BindOp bind) { bind->setAttrs(attributes.lookup(bind.getFirst())); });
}

void PlanMemoryPass::runOnOperation() {
  auto program = getOperation().lookupSymbol<func::FuncOp>(programName);
  if (!program)
    return;
  for (BlockArgument argument : program.getArguments())
    if (getSymbolArgument(program, argument))
      symbols.push_back(argument);
  bindings.clear();
  numBound.clear();
  program.walk([&](BindOp bind) {
    auto [count, isFirst] = numBound.insert({bind.getFirst(), 0});
    count->second = std::max<unsigned>(count->second, bind.getValues().size());
    if (isFirst)
      bindings.push_back(bind);
  });
  for (bool isHost : {false, true}) {
    AffineExpr total = getAffineConstantExpr(0, &getContext());
    collect(program, isHost);
    bool isNeeded = !isHost || !groups.empty();
    bool isDivided = !isHost && canDivide();
    plan(total, isDivided ? page : 0);
    if (isDivided)
      getOperation()->setAttr(arenaPageAttrName,
                              Builder(&getContext()).getI64IntegerAttr(page));
    if (isNeeded)
      addArenaFunction(program, isHost ? hostArenaBytesName : arenaBytesName,
                       total + slack);
    planBound(program, isHost, total);
  }
  rewrite(program);
  placeWeights(program);
  offsets.clear();
  symbols.clear();
}

} // namespace nncc::exec
