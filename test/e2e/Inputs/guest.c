// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A wasi-nn guest: runs "model" on the f32 numbers of its standard input, whose
// sizes are its arguments (2x3x7x5 6x1x1), and prints the bits of two outputs.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NN(name)                                                               \
  __attribute__((import_module("wasi_ephemeral_nn"), import_name(#name)))

struct Tensor {
  const uint32_t *dims;
  uint32_t rank;
  uint8_t type;
  const void *data;
  uint32_t bytes;
};

NN(load_by_name) int loadByName(const char *, uint32_t, uint32_t *);
NN(init_execution_context) int initContext(uint32_t, uint32_t *);
NN(set_input) int setInput(uint32_t, uint32_t, const struct Tensor *);
NN(compute) int compute(uint32_t);
NN(get_output)
int getOutput(uint32_t, uint32_t, void *, uint32_t, uint32_t *);

static void check(int error) {
  if (error)
    exit(printf("errno %d\n", error));
}

static uint32_t words[4096];

static struct Tensor readInput(char *sizes, uint32_t *dims) {
  struct Tensor tensor = {dims, 0, 1, words, sizeof(float)};
  for (char *size = strtok(sizes, "x"); size; size = strtok(NULL, "x"))
    tensor.bytes *= dims[tensor.rank++] = (uint32_t)atoi(size);
  if (fread(words, 1, tensor.bytes, stdin) != tensor.bytes)
    check(-1);
  return tensor;
}

int main(int argc, char **argv) {
  uint32_t graph, context, dims[8];
  check(loadByName("model", strlen("model"), &graph));
  check(initContext(graph, &context));
  for (int i = 1; i < argc; ++i) {
    struct Tensor input = readInput(argv[i], dims);
    check(setInput(context, (uint32_t)i - 1, &input));
  }
  check(compute(context));
  for (uint32_t i = 0; i < 2; ++i) {
    uint32_t bytes;
    check(getOutput(context, i, words, sizeof words, &bytes));
    for (uint32_t k = 0; k < bytes / 4; ++k)
      printf("%08x ", words[k]);
    printf("\n");
  }
  return 0;
}
