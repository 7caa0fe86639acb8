// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package nncc;

import com.google.gson.Gson;
import com.google.gson.JsonPrimitive;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.graalvm.polyglot.Context;
import org.graalvm.polyglot.Source;
import org.graalvm.polyglot.Value;
import org.graalvm.polyglot.io.ByteSequence;

/**
 * A model that nncc compiled, on GraalWasm. It serves one call at a time.
 * docs/module-format.md has the layout.
 */
public final class Model {
  private static final int VALUE_BYTES = 16;
  private static final int DESCRIPTOR_BYTES = 40; // DLTensor
  private static final int TENSOR = 5;
  private static final int CPU = 1;
  private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;
  private static final int FLOAT32 = 2 | 32 << 8 | 1 << 16; // DLPack's code, bits and lanes

  /** Dense and row-major. */
  public record Tensor(int[] shape, float[] data) {}

  /** An input or output; a size is a number or, where the caller chooses, a name. */
  public record TensorType(String name, String dtype, List<JsonPrimitive> shape) {
    private Tensor check(Tensor tensor) {
      if (tensor == null) throw new IllegalArgumentException("input '" + name + "' was not given");
      int[] sizes = tensor.shape;
      boolean fits = sizes.length == shape.size()
          && IntStream.range(0, sizes.length).allMatch(i -> fits(shape.get(i), sizes[i]));
      if (!fits || count(sizes) != tensor.data.length) {
        String given = Arrays.toString(sizes) + " of " + tensor.data.length + " elements";
        throw new IllegalArgumentException("input '" + name + "' is " + shape + ", not " + given);
      }
      return tensor;
    }

    private static boolean fits(JsonPrimitive want, int size) {
      return want.isString() || want.getAsInt() == size;
    }
  }

  private record Signature(List<TensorType> inputs, List<TensorType> outputs) {}

  private final Value exports;
  private final Value memory;
  private final Signature signature;

  public Model(File file) throws IOException {
    // A JVM that is not GraalVM interprets, and would say so each time.
    Context context = Context.newBuilder("wasm").option("engine.WarnInterpreterOnly", "false").build();
    ByteSequence bytes = ByteSequence.create(Files.readAllBytes(file.toPath()));
    Value module = context.eval(Source.newBuilder("wasm", bytes, file.getName()).build());
    exports = module.newInstance().getMember("exports");
    memory = exports.getMember("memory");
    signature = new Gson().fromJson(text(call("nncc_signature")), Signature.class);
    Stream.concat(inputs().stream(), outputs().stream()).filter(type -> !type.dtype.equals("f32")).forEach(type -> {
      throw new IllegalArgumentException("'" + type.name + "' is " + type.dtype + "; this example knows f32");
    });
  }

  public List<TensorType> inputs() {
    return signature.inputs;
  }

  public List<TensorType> outputs() {
    return signature.outputs;
  }

  /** The outputs by name, in the order of the signature. */
  public Map<String, Tensor> run(Map<String, Tensor> inputs) {
    List<Tensor> tensors = inputs().stream().map(type -> type.check(inputs.get(type.name))).toList();
    List<int[]> shapes = Stream.concat(
        tensors.stream().map(Tensor::shape), outputs().stream().map(type -> new int[type.shape.size()])).toList();
    // One block: values, descriptors, shapes, elements.
    int dims = (VALUE_BYTES + DESCRIPTOR_BYTES) * shapes.size();
    int data = align(dims + shapes.stream().mapToInt(shape -> 8 * shape.length).sum());
    int bytes = data + tensors.stream().mapToInt(tensor -> align(4 * tensor.data.length)).sum();
    int block = call("nncc_alloc", bytes);
    if (block == 0) throw new IllegalStateException("the module has no room for the inputs");
    try {
      writeArguments(block, shapes, tensors, block + dims, block + data);
      if (call("main", 0, block, shapes.size(), 0) != 0) {
        throw new IllegalStateException(text(call("nncc_error")));
      }
      Map<String, Tensor> results = new LinkedHashMap<>();
      int descriptor = block + VALUE_BYTES * shapes.size() + DESCRIPTOR_BYTES * tensors.size();
      for (TensorType type : outputs()) {
        results.put(type.name, read(descriptor));
        descriptor += DESCRIPTOR_BYTES;
      }
      return results;
    } finally {
      call("nncc_free", block);
    }
  }

  private void writeArguments(int block, List<int[]> shapes, List<Tensor> tensors, int dims, int data) {
    for (int i = 0; i < shapes.size(); i++) {
      int descriptor = block + VALUE_BYTES * shapes.size() + DESCRIPTOR_BYTES * i;
      memory.writeBufferLong(LITTLE, block + VALUE_BYTES * i, TENSOR);
      memory.writeBufferLong(LITTLE, block + VALUE_BYTES * i + 8, descriptor);
      int[] words = {data, CPU, 0, shapes.get(i).length, FLOAT32, dims, 0, 0, 0, 0};
      for (int k = 0; k < words.length; k++) memory.writeBufferInt(LITTLE, descriptor + 4 * k, words[k]);
      for (int size : shapes.get(i)) {
        memory.writeBufferLong(LITTLE, dims, size);
        dims += 8;
      }
      if (i >= tensors.size()) continue;
      float[] values = tensors.get(i).data;
      for (int k = 0; k < values.length; k++) memory.writeBufferFloat(LITTLE, data + 4 * k, values[k]);
      data += align(4 * values.length);
    }
  }

  /** A copy of what a descriptor describes. */
  private Tensor read(int descriptor) {
    int dims = memory.readBufferInt(LITTLE, descriptor + 20);
    int[] shape = IntStream.range(0, memory.readBufferInt(LITTLE, descriptor + 12))
        .map(k -> (int) memory.readBufferLong(LITTLE, dims + 8 * k)).toArray();
    int address = memory.readBufferInt(LITTLE, descriptor) + (int) memory.readBufferLong(LITTLE, descriptor + 32);
    float[] data = new float[count(shape)];
    for (int k = 0; k < data.length; k++) data[k] = memory.readBufferFloat(LITTLE, address + 4 * k);
    return new Tensor(shape, data);
  }

  private int call(String name, Object... arguments) {
    Value result = exports.getMember(name).execute(arguments);
    return result.isNumber() ? result.asInt() : 0;
  }

  private String text(int address) {
    var bytes = new ByteArrayOutputStream();
    for (byte letter; (letter = memory.readBufferByte(address++)) != 0; ) bytes.write(letter);
    return bytes.toString(StandardCharsets.UTF_8);
  }

  private static int count(int[] shape) {
    return IntStream.of(shape).reduce(1, Math::multiplyExact);
  }

  private static int align(int bytes) {
    return (bytes + 63) & ~63;
  }
}
