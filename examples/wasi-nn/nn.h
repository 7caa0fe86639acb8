// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// wasi-nn for C programs: what of wasi_ephemeral_nn the examples use. Each
// function returns 0, or an errno.

#ifndef NN_H
#define NN_H

#include <stdint.h>

#define NN(name)                                                               \
  __attribute__((import_module("wasi_ephemeral_nn"), import_name(#name)))

enum { NN_F32 = 1 };

struct NNTensor {
  const uint32_t *dims;
  uint32_t rank;
  uint8_t type;
  const void *data;
  uint32_t bytes;
};

NN(load_by_name)
int nnLoadByName(const char *name, uint32_t length, uint32_t *graph);
NN(init_execution_context) int nnInitContext(uint32_t graph, uint32_t *context);
NN(set_input)
int nnSetInput(uint32_t context, uint32_t index, const struct NNTensor *);
NN(compute) int nnCompute(uint32_t context);
NN(get_output)
int nnGetOutput(uint32_t context, uint32_t index, void *buffer, uint32_t size,
                uint32_t *written);

/// One run of the model `name` with one f32 input and one f32 output.
static inline int nnRun(const char *name, uint32_t length,
                        const struct NNTensor *input, float *output,
                        uint32_t bytes) {
  uint32_t graph, context, written;
  int error = nnLoadByName(name, length, &graph);
  if (!error)
    error = nnInitContext(graph, &context);
  if (!error)
    error = nnSetInput(context, 0, input);
  if (!error)
    error = nnCompute(context);
  if (!error)
    error = nnGetOutput(context, 0, output, bytes, &written);
  return error;
}

#endif
