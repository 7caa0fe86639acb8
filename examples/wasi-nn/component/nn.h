// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// ../core/nn.h for programs that become components: the same call on wasi:nn,
// as the canonical ABI lays out its functions.

#ifndef NN_H
#define NN_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define NN(interface, name)                                                    \
  __attribute__((import_module("wasi:nn/" interface "@0.2.0-rc-2024-10-28"),   \
                 import_name(name)))

/// As tensor-type numbers it.
enum { NN_F32 = 1 };

struct NNTensor {
  const uint32_t *dims;
  uint32_t rank;
  uint8_t type;
  const void *data;
  uint32_t bytes;
};

/// A list or a string.
struct NNList {
  void *items;
  uint32_t count;
};

/// result<resource, error>; the handle is that of either.
struct NNHandle {
  uint8_t isError;
  uint32_t handle;
};

struct NNNamed {
  struct NNList name;
  uint32_t tensor;
};

/// result<list<tuple<string, tensor>>, error>
struct NNOutputs {
  uint8_t isError;
  union {
    struct NNList named;
    uint32_t error;
  };
};

NN("graph", "load-by-name")
void nnLoadByName(const char *name, uint32_t length, struct NNHandle *);
NN("graph", "[method]graph.init-execution-context")
void nnInitContext(uint32_t graph, struct NNHandle *);
NN("tensor", "[constructor]tensor")
uint32_t nnMakeTensor(const uint32_t *dims, uint32_t rank, uint32_t type,
                      const void *data, uint32_t bytes);
NN("tensor", "[method]tensor.data")
void nnGetData(uint32_t tensor, struct NNList *);
NN("inference", "[method]graph-execution-context.compute")
void nnCompute(uint32_t context, const struct NNNamed *, uint32_t count,
               struct NNOutputs *);
NN("errors", "[method]error.code") uint32_t nnGetCode(uint32_t error);

/// How the host gets room for what it returns.
__attribute__((export_name("cabi_realloc"))) void *
nnReallocate(void *block, size_t old, size_t alignment, size_t bytes) {
  (void)old, (void)alignment;
  return realloc(block, bytes);
}

/// An error-code, counted from 1 so that it is not 0.
static inline int nnFail(uint32_t error) { return 1 + (int)nnGetCode(error); }

/// One run of a model with one f32 input and one f32 output; 0 or why not. The
/// program ends soon: nothing is given back.
static inline int nnRun(const char *model, const char *inputName,
                        const struct NNTensor *input, float *output,
                        uint32_t bytes) {
  struct NNHandle graph, context;
  struct NNOutputs outputs;
  struct NNList data;
  nnLoadByName(model, strlen(model), &graph);
  if (graph.isError)
    return nnFail(graph.handle);
  nnInitContext(graph.handle, &context);
  if (context.isError)
    return nnFail(context.handle);
  struct NNNamed named = {{(char *)inputName, strlen(inputName)},
                          nnMakeTensor(input->dims, input->rank, input->type,
                                       input->data, input->bytes)};
  nnCompute(context.handle, &named, 1, &outputs);
  if (outputs.isError)
    return nnFail(outputs.error);
  nnGetData(((struct NNNamed *)outputs.named.items)->tensor, &data);
  memcpy(output, data.items, data.count < bytes ? data.count : bytes);
  return 0;
}

#endif
