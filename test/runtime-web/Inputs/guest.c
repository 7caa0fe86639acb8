// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A wasi-nn guest: opens "demo", gives it {{1, 2}} and prints what comes out.

#include <nn.h>

#include <stdio.h>

int main(void) {
  static const uint32_t dims[] = {1, 2};
  static const float data[] = {1, 2};
  struct NNTensor x = {dims, 2, NN_F32, data, sizeof data};
  float y[2];
  int error = nnRun("demo", "x", &x, y, sizeof y);
  if (error)
    return printf("errno %d\n", error), 1;
  return printf("%g %g\n", y[0], y[1]), 0;
}
