// Operators of a user's own.

def NN_ExternOp : NN_Op<"extern",
    [DeclareOpInterfaceMethods<NN_LowerToLinalgInterface>]> {
  let summary = "A packed function computes tensors from tensors";
  let description = [{
    What `--extern` declares. The results' types are the declaration's; the
    function gets `constants`, the ONNX attributes, by name. As any operator it
    depends on nothing else, so that calls may be left out or merged.
  }];
  let arguments = (ins StrAttr:$function, DictionaryAttr:$constants,
                       Variadic<NN_Tensor>:$inputs);
  let results = (outs Variadic<NN_Tensor>:$outputs);
}
