// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A wasi-nn guest of two models, "demo" and "minus", with a context of each
// open at once, and of a third that is not there.

#include <nn.h>

#include <stdio.h>

static void infer(uint32_t context, const float *data) {
  static const uint32_t dims[] = {1, 2};
  struct NNTensor x = {dims, 2, NN_F32, data, 8};
  uint32_t written;
  float y[2];
  int error = nnSetInput(context, 0, &x);
  if (!error)
    error = nnCompute(context);
  if (!error)
    error = nnGetOutput(context, 0, y, sizeof y, &written);
  if (error)
    printf("errno %d\n", error);
  else
    printf("%g %g\n", y[0], y[1]);
}

int main(void) {
  static const float ones[] = {1, 1}, twos[] = {2, 2};
  uint32_t demo, minus, other, demoContext, minusContext;
  const struct NNPart part = {"abc", 3};
  printf("%d %d\n", nnLoadByName("demo", 4, &demo),
         nnLoadByName("minus", 5, &minus));
  printf("%d %d %d\n", nnLoadByName("other", 5, &other),
         nnLoadByName("dem", 3, &other), nnLoad(&part, 1, 1, 0, &other));
  printf("%d %d\n", nnInitContext(minus, &minusContext),
         nnInitContext(demo, &demoContext));
  infer(demoContext, ones);
  infer(minusContext, ones);
  infer(demoContext, twos);
  printf("%d %d\n", nnFinalizeContext(minusContext), nnUnload(minus));
  infer(minusContext, ones);
  infer(0xFFFFFFFF, ones);
  infer(demoContext, ones);
  return 0;
}
