// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Reads a picture of a digit, 8 by 8 pixels as plain PGM, from the standard
// input and says which digits it may be.

#include <nn.h>

#include <stdio.h>

enum { side = 8, pixels = side * side, classes = 10, shown = 5 };

/// The brightness of each pixel, from 0 to 16; 0 if this is no such picture.
static int readPicture(float *picture) {
  int width, height, brightest, value;
  if (scanf("P2 %d %d %d", &width, &height, &brightest) != 3 || width != side ||
      height != side || brightest < 1)
    return 0;
  for (int i = 0; i < pixels; ++i) {
    if (scanf("%d", &value) != 1)
      return 0;
    picture[i] = 16.f * value / brightest;
  }
  return 1;
}

static void printBest(float *probabilities) {
  for (int rank = 0; rank < shown; ++rank) {
    int best = 0;
    for (int i = 1; i < classes; ++i)
      if (probabilities[i] > probabilities[best])
        best = i;
    printf("%d %.1f%%\n", best, 100 * probabilities[best]);
    probabilities[best] = -1;
  }
}

int main(void) {
  static const uint32_t dims[] = {1, 1, side, side};
  float picture[pixels], probabilities[classes];
  if (!readPicture(picture))
    return fprintf(stderr, "this is no PGM picture of 8 by 8 pixels\n"), 1;
  struct NNTensor input = {dims, 4, NN_F32, picture, sizeof picture};
  int error =
      nnRun("digits", "image", &input, probabilities, sizeof probabilities);
  if (error)
    return fprintf(stderr, "wasi-nn answers error %d\n", error), 1;
  printBest(probabilities);
  return 0;
}
