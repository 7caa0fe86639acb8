#ifndef NNCC_PIPELINE_PASSES
#define NNCC_PIPELINE_PASSES

include "mlir/Pass/PassBase.td"

def RecordSignature : Pass<"record-signature", "::mlir::ModuleOp"> {
  let summary = "Keep the names and types of @main on the module";
  let description = [{
    The later stages know neither names nor symbolic shapes: `nncc.inputs` and
    `nncc.outputs` (arrays of {name, type}), `nncc.symbols` and
    `nncc.symbol_bounds` keep what the module's signature says.
  }];
}

#endif
