// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Recognises a digit, drawn below, with a network that is linked in.

#include "digits.h"

#include <stdio.h>

static const char drawing[] = "...###.."
                              "..#..##."
                              ".....#.."
                              "...##..."
                              ".....#.."
                              "......#."
                              "..#..#.."
                              "...##...";

// The 16 floats behind the image are the 64 bytes that kernels may read.
static float image[64 + 16];
static _Alignas(64) unsigned char arena[digits_ARENA_BYTES];

int main(void) {
  for (int i = 0; i < 64; ++i)
    image[i] = drawing[i] == '#' ? 1.0f : 0.0f;

  digits_inputs in = {.image = image};
  digits_outputs out;
  int error = digits_run(&in, &out, arena, sizeof arena);
  if (error) {
    fprintf(stderr, "%s\n", digits_message(error));
    return 1;
  }

  unsigned best = 0;
  for (unsigned i = 1; i < out.probabilities_shape[1]; ++i)
    if (out.probabilities[i] > out.probabilities[best])
      best = i;
  printf("This is a %u (%.0f%%).\n", best, 100.0 * out.probabilities[best]);
  return 0;
}
