#ifndef NNCC_CONVERSION_NNTOLINALG_PASSES
#define NNCC_CONVERSION_NNTOLINALG_PASSES

include "mlir/Pass/PassBase.td"

def NNToLinalg : Pass<"nn-to-linalg", "::mlir::ModuleOp"> {
  let summary = "Ask each op of @main for its linalg form";
  let description = [{
    Tensors lose their encodings and integers their signs. The values of the
    program's symbols become the first arguments of @main, so that every size is
    computed from them.
  }];
  let options = [
    Option<"maxScatterTests", "max-scatter-tests", "int64_t", "0",
           "Let the elements of a scatter's result look for their updates, with "
           "this many tests at most">,
  ];
  let dependentDialects = ["::nncc::nn::NNDialect"];
}

#endif
