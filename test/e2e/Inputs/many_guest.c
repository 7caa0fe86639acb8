// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A guest that opens and closes more than any host can keep: 10,000 graphs and
// execution contexts, one after the other. The model is y = 2x + 1 on f32[1,
// 2].

#include <nn.h>

#include <stdio.h>

int main(void) {
  static const uint32_t dims[] = {1, 2};
  uint32_t graph, context, last = ~0u, written;
  float x[2], y[2];
  for (int i = 0; i < 10000; ++i) {
    x[0] = x[1] = i;
    struct NNTensor input = {dims, 2, NN_F32, x, sizeof x};
    int error = nnLoadByName("demo", 4, &graph);
    error = error ? error : nnInitContext(graph, &context);
    error = error ? error : nnSetInput(context, 0, &input);
    error = error ? error : nnCompute(context);
    error = error ? error : nnGetOutput(context, 0, y, sizeof y, &written);
    // Who was closed is not whoever came next.
    if (!error && last != ~0u && nnCompute(last) != 1)
      return printf("a closed context computes\n"), 1;
    error = error ? error : nnFinalizeContext(context);
    error = error ? error : nnUnload(graph);
    if (error || y[1] != 2.f * i + 1)
      return printf("round %d: errno %d, %g\n", i, error, y[1]), 1;
    last = context;
  }
  printf("10000 rounds\n");
  return 0;
}
