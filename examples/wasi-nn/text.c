// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Reads a text from the standard input and says in which language it is. The
// model takes how often each group of three bytes occurs, by its hash; see
// train_languages.py.

#include <nn.h>

#include <stdio.h>
#include <string.h>

enum { buckets = 1024, classes = 4 };

static const char *const languages[classes] = {"English", "French", "German",
                                               "Spanish"};

/// FNV-1a of three bytes.
static uint32_t hash(const unsigned char *bytes) {
  uint32_t value = 2166136261u;
  for (int i = 0; i < 3; ++i)
    value = (value ^ bytes[i]) * 16777619u;
  return value % buckets;
}

/// The share of each group of three bytes; ASCII letters count as small.
static void readFeatures(float *features) {
  unsigned char last[3] = " ";
  int byte, count = 0;
  memset(features, 0, buckets * sizeof *features);
  while ((byte = getchar()) != EOF) {
    last[0] = last[1];
    last[1] = last[2];
    last[2] = byte >= 'A' && byte <= 'Z' ? byte + 32 : byte;
    if (++count >= 3)
      ++features[hash(last)];
  }
  for (int i = 0; count > 2 && i < buckets; ++i)
    features[i] /= count - 2;
}

int main(void) {
  static const uint32_t dims[] = {1, buckets};
  static float features[buckets];
  float probabilities[classes];
  readFeatures(features);
  struct NNTensor input = {dims, 2, NN_F32, features, sizeof features};
  int error = nnRun("languages", "features", &input, probabilities,
                    sizeof probabilities);
  if (error)
    return fprintf(stderr, "wasi-nn answers error %d\n", error), 1;
  int best = 0;
  for (int i = 1; i < classes; ++i)
    if (probabilities[i] > probabilities[best])
      best = i;
  printf("%s %.0f%%\n", languages[best], 100 * probabilities[best]);
  return 0;
}
