// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A wasi-nn guest: runs "model" on the f32 numbers of its standard input, whose
// sizes are its arguments (2x3x7x5 6x1x1), and prints the bits of two outputs.

#include <nn.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(int error) {
  if (error)
    exit(printf("errno %d\n", error));
}

static uint32_t words[4096];

static struct NNTensor readInput(char *sizes, uint32_t *dims) {
  struct NNTensor tensor = {dims, 0, 1, words, sizeof(float)};
  for (char *size = strtok(sizes, "x"); size; size = strtok(NULL, "x"))
    tensor.bytes *= dims[tensor.rank++] = (uint32_t)atoi(size);
  if (fread(words, 1, tensor.bytes, stdin) != tensor.bytes)
    check(-1);
  return tensor;
}

int main(int argc, char **argv) {
  uint32_t graph, context, dims[8];
  check(nnLoadByName("model", strlen("model"), &graph));
  check(nnInitContext(graph, &context));
  for (int i = 1; i < argc; ++i) {
    struct NNTensor input = readInput(argv[i], dims);
    check(nnSetInput(context, (uint32_t)i - 1, &input));
  }
  check(nnCompute(context));
  for (uint32_t i = 0; i < 2; ++i) {
    uint32_t bytes;
    check(nnGetOutput(context, i, words, sizeof words, &bytes));
    for (uint32_t k = 0; k < bytes / 4; ++k)
      printf("%08x ", words[k]);
    printf("\n");
  }
  return 0;
}
