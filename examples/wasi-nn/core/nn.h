// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// wasi-nn for C programs: wasi_ephemeral_nn, with some of WasmEdge's functions.
// Each function returns 0, or an errno.

#ifndef NN_H
#define NN_H

#include <stdint.h>
#include <string.h>

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

/// A part of a model in a file.
struct NNPart {
  const void *bytes;
  uint32_t length;
};

NN(load)
int nnLoad(const struct NNPart *parts, uint32_t count, uint32_t encoding,
           uint32_t target, uint32_t *graph);
NN(load_by_name)
int nnLoadByName(const char *name, uint32_t length, uint32_t *graph);
NN(load_by_name_with_config)
int nnLoadWithConfig(const char *name, uint32_t length, const char *config,
                     uint32_t configLength, uint32_t *graph);
NN(init_execution_context) int nnInitContext(uint32_t graph, uint32_t *context);
NN(set_input)
int nnSetInput(uint32_t context, uint32_t index, const struct NNTensor *);
NN(compute) int nnCompute(uint32_t context);
NN(get_output)
int nnGetOutput(uint32_t context, uint32_t index, void *buffer, uint32_t size,
                uint32_t *written);
NN(compute_single) int nnComputeSingle(uint32_t context);
NN(get_output_single)
int nnGetOutputSingle(uint32_t context, uint32_t index, void *buffer,
                      uint32_t size, uint32_t *written);
NN(unload) int nnUnload(uint32_t graph);
NN(fini_single) int nnFinishSingle(uint32_t context);
NN(finalize_execution_context) int nnFinalizeContext(uint32_t context);

/// One run of a model with one f32 input and one f32 output. Inputs have no
/// names here but numbers.
static inline int nnRun(const char *model, const char *inputName,
                        const struct NNTensor *input, float *output,
                        uint32_t bytes) {
  uint32_t graph, context, written;
  (void)inputName;
  int error = nnLoadByName(model, strlen(model), &graph);
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
