#ifndef NNCC_FRONTENDS_ONNX_PASSES
#define NNCC_FRONTENDS_ONNX_PASSES

include "mlir/Pass/PassBase.td"

def OnnxToNN : Pass<"onnx-to-nn", "::mlir::ModuleOp"> {
  let summary = "Legalize ONNX nodes to nn ops";
  let description = [{
    Every node becomes ops of `nn` with inferred types. Versions of operators,
    optional operands, defaults, negative axes and layouts are resolved here;
    operands that say shapes, axes or bounds must be constant or computed from
    sizes. What is not supported is reported node by node.
  }];
  let dependentDialects = ["::mlir::func::FuncDialect",
                           "::nncc::nn::NNDialect",
                           "::nncc::onnx::OnnxDialect"];
}

#endif
