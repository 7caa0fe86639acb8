// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package nncc;

import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Runs a model on files: Main model.wasm x.f32 ... */
public final class Main {
  public static void main(String[] args) throws IOException {
    Model model = new Model(new File(args[0]));
    if (args.length - 1 != model.inputs().size()) {
      throw new IllegalArgumentException("the model has " + model.inputs().size() + " inputs");
    }
    Map<String, Model.Tensor> inputs = new HashMap<>();
    for (int i = 0; i < model.inputs().size(); i++) {
      Model.TensorType type = model.inputs().get(i);
      int[] shape = type.shape().stream().mapToInt(size -> size.isString() ? 1 : size.getAsInt()).toArray();
      inputs.put(type.name(), new Model.Tensor(shape, readFloats(Path.of(args[i + 1]))));
    }
    model.run(inputs).forEach((name, tensor) -> System.out.println(name + " " + print(tensor)));
  }

  private static float[] readFloats(Path file) throws IOException {
    var buffer = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
    float[] values = new float[buffer.remaining()];
    buffer.get(values);
    return values;
  }

  private static String print(Model.Tensor tensor) {
    String sizes = IntStream.of(tensor.shape()).mapToObj(String::valueOf).collect(Collectors.joining("x"));
    StringBuilder line = new StringBuilder(sizes.isEmpty() ? "scalar" : sizes);
    for (float value : tensor.data()) line.append(String.format(" %08x", Float.floatToRawIntBits(value)));
    return line.toString();
  }
}
