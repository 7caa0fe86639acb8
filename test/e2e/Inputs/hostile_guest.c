// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A wasi-nn guest that does all that it should not; prints each answer that is
// not the one of the specification. The model is y = 2x + 1 on f32[1, 2].

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define NN(name)                                                               \
  __attribute__((import_module("wasi_ephemeral_nn"), import_name(#name)))

struct Tensor {
  const uint32_t *dims;
  uint32_t rank;
  uint8_t type;
  const void *data;
  uint32_t bytes;
};

NN(load) int load(const void *, uint32_t, int, int, uint32_t *);
NN(load_by_name) int loadByName(const char *, uint32_t, uint32_t *);
NN(init_execution_context) int initContext(uint32_t, uint32_t *);
NN(set_input) int setInput(uint32_t, uint32_t, const struct Tensor *);
NN(compute) int compute(uint32_t);
NN(get_output)
int getOutput(uint32_t, uint32_t, void *, uint32_t, uint32_t *);
NN(unload) int unload(uint32_t);
NN(finalize_execution_context) int finalizeContext(uint32_t);
NN(fini_single) int finishSingle(uint32_t);

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
  struct {
    const char *bytes;
    uint32_t length;
  } part = {"abc", 3}, far = {outside, 8}, wraps = {"abc", 0xFFFFFFFF};
  EXPECT(Encoding, load(&part, 1, 1, 0, &graph));
  EXPECT(Encoding, load(&part, 1, 0, 0, &graph));
  EXPECT(Encoding, load(&part, 1, 9, 0, &graph));
  EXPECT(Unsupported, load(&part, 1, 1, 1, &graph));
  EXPECT(Invalid, load(&part, 1, 1, 9, &graph));
  EXPECT(Invalid, load(&far, 1, 1, 0, &graph));
  EXPECT(Invalid, load(&wraps, 1, 1, 0, &graph));
  EXPECT(Invalid, load(outside, 1, 1, 0, &graph));
  EXPECT(Invalid, load(&part, 0xFFFFFFFF, 1, 0, &graph));
  EXPECT(Invalid, load(&part, 1, 1, 0, outside));
  EXPECT(Invalid, loadByName(outside, 4, &graph));
  EXPECT(Invalid, loadByName("demo", 0xFFFFFFFF, &graph));
  EXPECT(Invalid, loadByName("demo", 4, outside));
  EXPECT(None, loadByName("demo", 0, &graph));
}

static void refuseHandles(void) {
  struct Tensor x = {dims, 2, 1, data, sizeof data};
  EXPECT(Invalid, initContext(77, &context));
  EXPECT(Invalid, initContext(0xFFFFFFFF, &context));
  EXPECT(Invalid, setInput(77, 0, &x));
  EXPECT(Invalid, compute(77));
  EXPECT(Invalid, getOutput(77, 0, y, sizeof y, &written));
  EXPECT(Invalid, unload(77));
  EXPECT(Invalid, finalizeContext(77));
  EXPECT(Invalid, finishSingle(77));
}

static void refuseInputs(void) {
  struct Tensor x = {dims, 2, 1, data, sizeof data};
  EXPECT(Failed, compute(context));
  EXPECT(Failed, getOutput(context, 0, y, sizeof y, &written));
  EXPECT(Invalid, setInput(context, 1, &x));
  EXPECT(Invalid, setInput(context, 0, outside));
  const struct Tensor wrong[] = {
      {outside, 2, 1, data, 8},     {dims, 0xFFFFFFFF, 1, data, 8},
      {dims, 1, 1, data, 8},        {dims, 2, 0, data, 8},
      {dims, 2, 9, data, 8},        {dims, 2, 1, outside, 8},
      {dims, 2, 1, data, 4},        {dims, 2, 1, data, 0xFFFFFFFF},
      {hugeDims, 2, 1, data, 8},    {dims, 2, 1, data, 0},
  };
  for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; ++i)
    EXPECT(Invalid, setInput(context, 0, &wrong[i]));
  x.dims = wrongDims; // Only the model itself knows its sizes.
  EXPECT(Ok, setInput(context, 0, &x));
  EXPECT(Invalid, compute(context));
}

static void workAsBefore(void) {
  struct Tensor x = {dims, 2, 1, data, sizeof data};
  EXPECT(Ok, setInput(context, 0, &x));
  free(malloc(1 << 22)); // The memory grows between the calls.
  EXPECT(Ok, compute(context));
  EXPECT(Large, getOutput(context, 0, y, 4, &written));
  EXPECT(Invalid, getOutput(context, 1, y, sizeof y, &written));
  EXPECT(Invalid, getOutput(context, 0, outside, sizeof y, &written));
  EXPECT(Invalid, getOutput(context, 0, y, sizeof y, outside));
  EXPECT(Ok, getOutput(context, 0, y, sizeof y, &written));
  if (written != 8 || y[0] != 3 || y[1] != 5)
    printf("%u bytes: %g %g\n", written, y[0], y[1]);
}

int main(void) {
  refuseLoads();
  refuseHandles();
  EXPECT(Ok, loadByName("demo", 4, &graph));
  EXPECT(Ok, initContext(graph, &context));
  refuseInputs();
  workAsBefore();
  EXPECT(Ok, finishSingle(context));
  EXPECT(Failed, compute(context));
  workAsBefore();
  EXPECT(Ok, finalizeContext(context));
  EXPECT(Invalid, compute(context));
  EXPECT(Ok, unload(graph));
  EXPECT(Invalid, initContext(graph, &context));
  return 0;
}
