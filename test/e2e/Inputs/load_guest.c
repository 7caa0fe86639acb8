// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A wasi-nn guest: loads a model from the bytes of its standard input, as each
// encoding from openvino to autodetect, and runs it on {1, 2, 3, 4}, an i64
// tensor.

#include <nn.h>

#include <stdio.h>

enum { NN_I64 = 5, encodings = 6 };

static void infer(uint32_t graph) {
  static const uint32_t dims[] = {2, 2};
  static const int64_t data[] = {1, 2, 3, 4};
  struct NNTensor x = {dims, 2, NN_I64, data, sizeof data};
  uint32_t context, written;
  int64_t y[4];
  int8_t isBig[4];
  int error = nnInitContext(graph, &context);
  if (!error)
    error = nnSetInput(context, 0, &x);
  if (!error)
    error = nnCompute(context);
  if (!error)
    error = nnGetOutput(context, 0, y, sizeof y, &written);
  if (!error)
    error = nnGetOutput(context, 1, isBig, sizeof isBig, &written);
  if (error)
    printf(" errno %d", error);
  for (int i = 0; i < 4 && !error; ++i)
    printf(" %lld%s", y[i], isBig[i] ? "!" : "");
}

int main(void) {
  static char bytes[1 << 20];
  struct NNPart part = {bytes, fread(bytes, 1, sizeof bytes, stdin)};
  for (uint32_t encoding = 0; encoding < encodings; ++encoding) {
    uint32_t graph;
    int error = nnLoad(&part, 1, encoding, 0, &graph);
    printf("%d:%s", encoding, error ? " refused" : "");
    if (!error)
      infer(graph);
    printf("\n");
  }
  return 0;
}
