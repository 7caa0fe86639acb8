// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A guest that calls wasi-nn at random: whatever it passes, each call answers
// an errno, and an honest run of "demo", y = 2x + 1 on f32[1, 2], works
// afterwards.
//
//     fuzz_guest SEED ROUNDS

#include <nn.h>

#include <stdio.h>
#include <stdlib.h>

enum { places = 1 << 12, slack = 64, numErrnos = 9 };

/// All that the host may be told to write to.
static union {
  uint32_t words[places + slack];
  char text[4];
} arena;
static uint32_t state;
static const uint32_t dims[] = {1, 2};
static const void *lastTensor = dims;

static uint32_t next(void) {
  state ^= state << 13;
  state ^= state >> 17;
  return state ^= state << 5;
}

/// A place in the arena, mostly, or one outside of the memory.
static void *place(void) {
  uint32_t end = __builtin_wasm_memory_size(0) << 16;
  switch (next() % 8) {
  case 0:
    return (void *)(end - next() % 20 + 4);
  case 1:
    return (void *)(end + next() % (1 << 30));
  case 2:
    return (void *)(0xFFFFFFFF - next() % 20);
  default:
    return (char *)arena.words + next() % (4 * places);
  }
}

static uint32_t number(void) {
  static const uint32_t telling[] = {0,  1,  2,    3,          4,         5,
                                     6,  7,  8,    16,         63,        64,
                                     65, 77, 1024, 0x80000000, 0xFFFFFFFF};
  return next() % 4 ? telling[next() % (sizeof telling / 4)] : next();
}

/// Puts into the arena what calls may find there.
static void scribble(void) {
  uint32_t *at = &arena.words[next() % (places - 8)];
  uint32_t words[] = {(uint32_t)(next() % 4 ? (void *)dims : place()), 2, 1,
                      (uint32_t)place(), 8};
  memcpy(at, words, sizeof words);
  lastTensor = at;
  if (next() % 4 == 0)
    at[next() % 5] = number();
  if (next() % 4 == 0)
    memcpy(arena.text, "demo", 4);
  arena.words[next() % places] = number();
}

static int callOnce(void) {
  uint32_t context = next() % 2 ? next() % 4 : number();
  switch (next() % 10) {
  case 0:
    return nnLoad(place(), number(), number(), number(), place());
  case 1:
    return nnLoadByName(next() % 2 ? arena.text : place(), number(), place());
  case 2:
    return nnInitContext(context, place());
  case 3:
  case 4:
    return nnSetInput(context, next() % 4 ? 0 : number(),
                      next() % 2 ? lastTensor : place());
  case 5:
    return nnCompute(context);
  case 6:
  case 7:
    // No more than 8 bytes are written, wherever the buffer is.
    return nnGetOutput(context, next() % 4 ? 0 : number(), place(), number(),
                       place());
  case 8:
    return next() % 64 ? nnFinishSingle(context) : nnFinalizeContext(context);
  default:
    return next() % 64 ? nnComputeSingle(context) : nnUnload(context);
  }
}

static int workHonestly(void) {
  static const float x[] = {1, 2};
  struct NNTensor input = {dims, 2, NN_F32, x, sizeof x};
  uint32_t graph, context, written;
  float y[2];
  int error = nnLoadByName("demo", 4, &graph);
  error = error ? error : nnInitContext(graph, &context);
  error = error ? error : nnSetInput(context, 0, &input);
  error = error ? error : nnCompute(context);
  error = error ? error : nnGetOutput(context, 0, y, sizeof y, &written);
  error = error ? error : nnFinalizeContext(context);
  error = error ? error : nnUnload(graph);
  return error ? error : y[0] != 3 || y[1] != 5 || written != 8;
}

int main(int argc, char **argv) {
  state = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
  int rounds = argc > 2 ? atoi(argv[2]) : 20000, answers[numErrnos] = {0};
  uint32_t graph, context;
  nnLoadByName("demo", 4, &graph);
  for (int i = 0; i < 4; ++i)
    nnInitContext(graph, &context);
  for (int i = 0; i < rounds; ++i) {
    scribble();
    unsigned answer = callOnce();
    if (answer >= numErrnos)
      return printf("round %d: answer %u\n", i, answer), 1;
    ++answers[answer];
    if (i % 1000 == 999 && workHonestly() != 0)
      return printf("round %d: honest calls fail\n", i), 1;
  }
  printf("%d calls\n", rounds);
  fprintf(stderr, "%d succeeded, %d invalid\n", answers[0], answers[1]);
  return 0;
}
