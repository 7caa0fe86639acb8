// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A wasi-nn guest that does all that it should not; prints each answer that is
// not the one of the specification. The model is y = 2x + 1 on f32[1, 2].

#include <nn.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { Ok, Invalid, Encoding, Missing, Busy, Failed, Unsupported, Large, None };

static void expect(int want, int got, const char *call) {
  if (want != got)
    printf("%s: errno %d, expected %d\n", call, got, want);
}
#define EXPECT(want, call) expect(want, call, #call)

static void *const outside = (void *)0xFFFFFFFE;
static const uint32_t dims[] = {1, 2}, wrongDims[] = {2, 1},
                      hugeDims[] = {0x80000000, 0x80000000};
static const float data[] = {1, 2};
static uint32_t graph, context, written;
static float y[2];

static void refuseLoads(void) {
  struct NNPart part = {"abc", 3}, far = {outside, 8},
                wraps = {"abc", 0xFFFFFFFF};
  EXPECT(Encoding, nnLoad(&part, 1, 1, 0, &graph));
  EXPECT(Encoding, nnLoad(&part, 1, 0, 0, &graph));
  EXPECT(Encoding, nnLoad(&part, 1, 9, 0, &graph));
  EXPECT(Unsupported, nnLoad(&part, 1, 1, 1, &graph));
  EXPECT(Invalid, nnLoad(&part, 1, 1, 9, &graph));
  EXPECT(Invalid, nnLoad(&far, 1, 1, 0, &graph));
  EXPECT(Invalid, nnLoad(&wraps, 1, 1, 0, &graph));
  EXPECT(Invalid, nnLoad(outside, 1, 1, 0, &graph));
  EXPECT(Invalid, nnLoad(&part, 0xFFFFFFFF, 1, 0, &graph));
  EXPECT(Invalid, nnLoad(&part, 1, 1, 0, outside));
  EXPECT(Invalid, nnLoadByName(outside, 4, &graph));
  EXPECT(Invalid, nnLoadByName("demo", 0xFFFFFFFF, &graph));
  EXPECT(Invalid, nnLoadByName("demo", 4, outside));
  EXPECT(None, nnLoadByName("demo", 0, &graph));
}

static void refuseHandles(void) {
  struct NNTensor x = {dims, 2, 1, data, sizeof data};
  EXPECT(Invalid, nnInitContext(77, &context));
  EXPECT(Invalid, nnInitContext(0xFFFFFFFF, &context));
  EXPECT(Invalid, nnSetInput(77, 0, &x));
  EXPECT(Invalid, nnCompute(77));
  EXPECT(Invalid, nnGetOutput(77, 0, y, sizeof y, &written));
  EXPECT(Invalid, nnUnload(77));
  EXPECT(Invalid, nnFinalizeContext(77));
  EXPECT(Invalid, nnFinishSingle(77));
}

static void refuseInputs(void) {
  struct NNTensor x = {dims, 2, 1, data, sizeof data};
  EXPECT(Failed, nnCompute(context));
  EXPECT(Failed, nnGetOutput(context, 0, y, sizeof y, &written));
  EXPECT(Invalid, nnSetInput(context, 1, &x));
  EXPECT(Invalid, nnSetInput(context, 0, outside));
  const struct NNTensor wrong[] = {
      {outside, 2, 1, data, 8},  {dims, 0xFFFFFFFF, 1, data, 8},
      {dims, 1, 1, data, 8},     {dims, 2, 0, data, 8},
      {dims, 2, 9, data, 8},     {dims, 2, 1, outside, 8},
      {dims, 2, 1, data, 4},     {dims, 2, 1, data, 0xFFFFFFFF},
      {hugeDims, 2, 1, data, 8}, {dims, 2, 1, data, 0},
  };
  for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; ++i)
    EXPECT(Invalid, nnSetInput(context, 0, &wrong[i]));
  x.dims = wrongDims; // Only the model itself knows its sizes.
  EXPECT(Ok, nnSetInput(context, 0, &x));
  EXPECT(Invalid, nnCompute(context));
}

static void workAsBefore(void) {
  struct NNTensor x = {dims, 2, 1, data, sizeof data};
  EXPECT(Ok, nnSetInput(context, 0, &x));
  free(malloc(1 << 22)); // The memory grows between the calls.
  EXPECT(Ok, nnCompute(context));
  EXPECT(Large, nnGetOutput(context, 0, y, 4, &written));
  EXPECT(Invalid, nnGetOutput(context, 1, y, sizeof y, &written));
  EXPECT(Invalid, nnGetOutput(context, 0, outside, sizeof y, &written));
  EXPECT(Invalid, nnGetOutput(context, 0, y, sizeof y, outside));
  EXPECT(Ok, nnGetOutput(context, 0, y, sizeof y, &written));
  if (written != 8 || y[0] != 3 || y[1] != 5)
    printf("%u bytes: %g %g\n", written, y[0], y[1]);
}

int main(void) {
  refuseLoads();
  refuseHandles();
  EXPECT(Ok, nnLoadByName("demo", 4, &graph));
  EXPECT(Ok, nnInitContext(graph, &context));
  refuseInputs();
  workAsBefore();
  EXPECT(Ok, nnFinishSingle(context));
  EXPECT(Failed, nnCompute(context));
  workAsBefore();
  EXPECT(Ok, nnFinalizeContext(context));
  EXPECT(Invalid, nnCompute(context));
  EXPECT(Ok, nnUnload(graph));
  EXPECT(Invalid, nnInitContext(graph, &context));
  return 0;
}
