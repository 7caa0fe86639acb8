#ifndef NNCC_NN_OPS
#define NNCC_NN_OPS

include "nncc/Dialect/NN/NNBase.td"
include "nncc/Dialect/NN/NNEnums.td"
include "nncc/Dialect/NN/NNInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class NN_Op<string mnemonic, list<Trait> traits = []>
    : Op<NN_Dialect, mnemonic, !listconcat([Pure], traits)> {
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}

// An op whose result types follow from its operands and attributes, and which
// has a linalg form. Its family's .cpp defines inferReturnTypes and
// lowerToLinalg.
class NN_InferredOp<string mnemonic, list<Trait> traits = []>
    : NN_Op<mnemonic, !listconcat([
        InferTypeOpAdaptor,
        DeclareOpInterfaceMethods<NN_LowerToLinalgInterface>], traits)>;

include "nncc/Dialect/NN/NNElementwiseOps.td"
include "nncc/Dialect/NN/NNQuantizedOps.td"
include "nncc/Dialect/NN/NNReductionOps.td"
include "nncc/Dialect/NN/NNShapeOps.td"
include "nncc/Dialect/NN/NNIndexingOps.td"
include "nncc/Dialect/NN/NNSpatialOps.td"
include "nncc/Dialect/NN/NNMatmulOps.td"
include "nncc/Dialect/NN/NNRecurrentOps.td"
include "nncc/Dialect/NN/NNControlOps.td"
include "nncc/Dialect/NN/NNExternOps.td"

#endif
