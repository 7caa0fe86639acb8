// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A wasi-nn guest: runs "sum" on each f32 of its standard input, one after the
// other in one execution context, and prints what comes out.

#include <nn.h>

#include <stdio.h>

int main(void) {
  static const uint32_t dims[] = {1};
  uint32_t graph, context, written;
  float x, y;
  struct NNTensor input = {dims, 1, NN_F32, &x, sizeof x};
  if (nnLoadByName("sum", 3, &graph) || nnInitContext(graph, &context))
    return 1;
  while (fread(&x, sizeof x, 1, stdin)) {
    int error = nnSetInput(context, 0, &input);
    if (!error)
      error = nnComputeSingle(context);
    if (!error)
      error = nnGetOutput(context, 0, &y, sizeof y, &written);
    if (error)
      return printf("errno %d\n", error), 1;
    printf("%g\n", y);
  }
  return nnFinalizeContext(context) || nnUnload(graph);
}
