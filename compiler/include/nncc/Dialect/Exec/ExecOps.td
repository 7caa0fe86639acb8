#ifndef NNCC_EXEC_OPS
#define NNCC_EXEC_OPS

include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Exec_Dialect : Dialect {
  let name = "exec";
  let cppNamespace = "::nncc::exec";
  let summary = "The host program: buffers, weights and dispatches of kernels";
  let description = [{
    A program is a `func.func @nncc_run` that allocates buffers and dispatches
    kernels, and the kernels: private functions over 1-D memrefs with the
    unit attribute `exec.kernel`. The arguments of both that hold the value of
    the program's symbol i carry `exec.symbol = i`. A kernel's last two
    arguments are the steps [begin, end) of its grid that the call computes.
  }];
  let dependentDialects = ["::mlir::memref::MemRefDialect"];
}

class Exec_Op<string mnemonic, list<Trait> traits = []>
    : Op<Exec_Dialect, mnemonic, traits>;

def Exec_Bytes : MemRefRankOf<[I8], [1]>;

def Exec_AllocOp : Exec_Op<"alloc", [MemoryEffects<[MemAlloc]>]> {
  let summary = "A buffer that lives while the program uses it";
  let description = [{
    `bytes` is a map `()[symbols] -> (size)`: the size of the buffer as a
    function of all symbols of the program. The memory plan turns it into a
    part of the arena.
  }];
  let arguments = (ins AffineMapAttr:$bytes);
  let results = (outs Exec_Bytes:$buffer);
  let assemblyFormat = "$bytes attr-dict `:` type($buffer)";
}

def Exec_WeightOp : Exec_Op<"weight", [Pure]> {
  let summary = "A constant tensor, row-major";
  let arguments = (ins ElementsAttr:$value);
  let results = (outs Exec_Bytes:$buffer);
  let assemblyFormat = "$value attr-dict `:` type($buffer)";
}

def Exec_DotOp : Exec_Op<"dot", !listconcat([Pure, SameOperandsAndResultType],
                                            ElementwiseMappable.traits)> {
  let summary = "Product of two pairs of i16, summed up";
  let description = [{
    An i32 holds a pair, its first number in the low half, both signed. The sum
    wraps, which it does for four times -2^15 alone. With `bytes` the numbers of
    `lhs` are 0 to 255.
  }];
  let arguments = (ins SignlessIntegerLike:$lhs, SignlessIntegerLike:$rhs,
                       UnitAttr:$bytes);
  let results = (outs SignlessIntegerLike:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($result)";
}

def Exec_WidenOp : Exec_Op<"widen", !listconcat([Pure],
                                                ElementwiseMappable.traits)> {
  let summary = "Two numbers of i8 in an i16, as two of i16 in an i32";
  let arguments = (ins SignlessIntegerLike:$pair);
  let results = (outs SignlessIntegerLike:$result);
  let assemblyFormat = "$pair attr-dict `:` type($pair) `to` type($result)";
}

def Exec_PaddedViewOp : Exec_Op<"padded_view", [Pure]> {
  let summary = "A view with a border of one value around it";
  let description = [{
    Inside of a kernel: reads of the border give `value` and touch no memory.
    Nothing is written through it.
  }];
  let arguments = (ins AnyStridedMemRef:$source, DenseI64ArrayAttr:$low,
                       DenseI64ArrayAttr:$high, TypedAttrInterface:$value);
  let results = (outs AnyMemRef:$result);
  let assemblyFormat = [{
    $source `low` $low `high` $high $value attr-dict
    `:` type($source) `to` type($result)
  }];
  let hasVerifier = 1;
}

def Exec_ExternOp : Exec_Op<"extern",
    [AttrSizedOperandSegments, DestinationStyleOpInterface]> {
  let summary = "Tensors that a function outside of the program computes";
  let description = [{
    Calls the packed function of that name. `types` are those of the inputs and
    outputs in `nn`, with their signs and sizes; `constants` are given to the
    function by name. A name that begins with `nncc_library_` is a function of
    the runtime, which is called directly.
  }];
  let arguments = (ins StrAttr:$function, DictionaryAttr:$constants,
                       TypeArrayAttr:$types,
                       Variadic<AnyRankedTensor>:$inputs,
                       Variadic<AnyRankedTensor>:$inits);
  let results = (outs Variadic<AnyRankedTensor>:$outputs);
  let assemblyFormat = [{
    $function $constants $types `ins` `(` $inputs `:` type($inputs) `)`
    `outs` `(` $inits `:` type($inits) `)` attr-dict `:` type($outputs)
  }];
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() {
      return getInitsMutable();
    }
  }];
}

def Exec_CallExternOp : Exec_Op<"call_extern"> {
  let summary = "An `exec.extern` on buffers: inputs, then outputs, row-major";
  let arguments = (ins StrAttr:$function, DictionaryAttr:$constants,
                       TypeArrayAttr:$types, I64Attr:$num_inputs,
                       Variadic<Exec_Bytes>:$buffers);
  let assemblyFormat = [{
    $function $constants $types `inputs` $num_inputs `(` $buffers `)`
    attr-dict `:` type($buffers)
  }];
}

def Exec_ReadbackOp : Exec_Op<"readback", [SameVariadicOperandSize]> {
  let summary = "Ends a segment of a program for a device: its buffers are read";
  let description = [{
    Copies each whole buffer of the device in `from` into the host's memory in
    `to`, as words. What follows is the next segment: it runs when the device
    has done all that came before.
  }];
  let arguments = (ins Variadic<AnyMemRef>:$from, Variadic<AnyMemRef>:$to);
  let assemblyFormat = [{
    $from `to` $to attr-dict `:` type($from) `to` type($to)
  }];
}

def Exec_UploadOp : Exec_Op<"upload"> {
  let summary = "Copies elements in the host's memory to a buffer of the device";
  let arguments = (ins AnyMemRef:$from, AnyMemRef:$to);
  let assemblyFormat = [{
    $from `to` $to attr-dict `:` type($from) `to` type($to)
  }];
}

def Exec_BindOp : Exec_Op<"bind", [MemoryEffects<[MemWrite]>]> {
  let summary = "Gives symbols their values while the program runs";
  let description = [{
    Sizes that data tell: the symbol `first` + i takes the value of element i
    from here on. The run ends with a message, which names the node, if
    one is negative or together they are larger than any tensor.

    The result is memory for all buffers whose sizes need these symbols, of as
    many bytes as the function `bytes` of all symbols says.
  }];
  let arguments = (ins Variadic<I64>:$values, I64Attr:$first,
                       OptionalAttr<FlatSymbolRefAttr>:$bytes);
  let results = (outs Exec_Bytes:$memory);
  let assemblyFormat = [{
    `symbol` $first `to` $values (`bytes` $bytes^)? attr-dict `:` type($memory)
  }];
}

def Exec_CheckOp : Exec_Op<"check", [MemoryEffects<[MemWrite]>]> {
  let summary = "Ends the run with a message unless two sizes are equal";
  let arguments = (ins Index:$lhs, Index:$rhs);
  let assemblyFormat = "$lhs `is` $rhs attr-dict";
}

def Exec_DispatchOp : Exec_Op<"dispatch",
    [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Runs a kernel over its whole grid";
  let description = [{
    `grid` is a map `()[symbols] -> (steps)`. `arguments` are the kernel's
    arguments but for the last two, which the target gives.
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, AffineMapAttr:$grid,
                       Variadic<AnyType>:$arguments);
  let assemblyFormat = [{
    $kernel `grid` $grid `(` $arguments `)` attr-dict `:` type($arguments)
  }];
}

#endif
