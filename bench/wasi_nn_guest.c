// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A wasi-nn guest that tells how long its calls take: guest NAME RUNS SIZE...
// gives the model NAME an f32 input of these sizes, and prints microseconds for
// load, context, the first inference and the median of RUNS others.

#include <nn.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { maxRank = 8, maxRuns = 10000, maxOutput = 1 << 24 };

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return 1e6 * time.tv_sec + 1e-3 * time.tv_nsec;
}

static void check(int error, const char *call) {
  if (error)
    exit(fprintf(stderr, "%s: errno %d\n", call, error) != 0);
}

static uint32_t graph, context;

static double infer(const struct NNTensor *input, void *output) {
  uint32_t written;
  double begin = now();
  check(nnSetInput(context, 0, input), "set_input");
  check(nnCompute(context), "compute");
  check(nnGetOutput(context, 0, output, maxOutput, &written), "get_output");
  return now() - begin;
}

static int compare(const void *a, const void *b) {
  double difference = *(const double *)a - *(const double *)b;
  return (difference > 0) - (difference < 0);
}

int main(int argc, char **argv) {
  static double times[maxRuns];
  uint32_t dims[maxRank], count = 1;
  if (argc < 3 || argc > maxRank + 3)
    return fprintf(stderr, "usage: guest NAME RUNS SIZE...\n"), 1;
  for (int i = 3; i < argc; ++i)
    count *= dims[i - 3] = (uint32_t)atoi(argv[i]);
  int runs = atoi(argv[2]) < maxRuns ? atoi(argv[2]) : maxRuns;
  void *data = calloc(count, sizeof(float)), *output = malloc(maxOutput);
  struct NNTensor input = {dims, (uint32_t)argc - 3, NN_F32, data, 4 * count};

  double begin = now();
  check(nnLoadByName(argv[1], strlen(argv[1]), &graph), "load_by_name");
  double loaded = now();
  check(nnInitContext(graph, &context), "init_execution_context");
  double ready = now();
  double first = infer(&input, output);
  for (int i = 0; i < runs; ++i)
    times[i] = infer(&input, output);
  qsort(times, runs, sizeof *times, compare);
  printf("%.1f %.1f %.1f %.1f\n", loaded - begin, ready - loaded, first,
         runs ? times[runs / 2] : 0);
  return 0;
}
