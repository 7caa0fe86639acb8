// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A wasi-nn guest that does all that it should not; prints each answer that is
// not the one of the specification, and how many calls there were. The model is
// y = 2x + 1 on f32[1, 2].

#include <nn.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { Ok, Invalid, Encoding, Missing, Busy, Failed, Unsupported, Large, None };

static int numCalls;

static void expect(int want, int got, const char *call, uint32_t with) {
  ++numCalls;
  if (want != got)
    printf("%s with %#x: errno %d, expected %d\n", call, with, got, want);
}
#define EXPECT(want, call) expect(want, call, #call, 0)
/// The same for each element of an array, `it`.
#define EXPECT_ALL(want, array, call)                                          \
  for (unsigned i = 0; i < sizeof array / sizeof *array; ++i) {                \
    uint32_t it = array[i];                                                    \
    expect(want, call, #call, it);                                             \
  }
#define AT(address) ((void *)(address))

/// Addresses where no byte is, those where four are too many, and lengths that
/// are too long for every address.
static uint32_t outside[6], cutOff[9], tooLong[4];
static const uint32_t dead[] = {1, 2, 77, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF};
static const uint32_t dims[] = {1, 2};
static const float data[] = {1, 2};
static const struct NNTensor sound = {dims, 2, NN_F32, data, sizeof data};
static uint32_t graph, context, written;
static float y[2];

static void findEdges(void) {
  uint32_t end = __builtin_wasm_memory_size(0) << 16;
  const uint32_t far[] = {0x7FFFFFFF, 0x80000000, 0xFFFFFFFC, 0xFFFFFFFF};
  outside[0] = end;
  outside[1] = end + 1;
  memcpy(outside + 2, far, sizeof far);
  for (int i = 0; i < 3; ++i)
    cutOff[i] = end - 1 - i;
  memcpy(cutOff + 3, outside, sizeof outside);
  tooLong[0] = end;
  memcpy(tooLong + 1, far, 3 * sizeof *far);
}

static int load(struct NNPart part, uint32_t count, uint32_t encoding,
                uint32_t target) {
  return nnLoad(&part, count, encoding, target, &graph);
}

static void refuseLoads(void) {
  const struct NNPart part = {"abc", 3};
  static const uint32_t unknown[] = {7, 255, 0xFFFFFFFF};
  static const uint32_t others[] = {0, 1, 2, 3, 4, 5, 6};
  static const uint32_t devices[] = {1, 2}, nothing[] = {4, 255, 0xFFFFFFFF};
  EXPECT_ALL(Invalid, cutOff, nnLoad(&part, 1, 1, 0, AT(it)));
  EXPECT_ALL(Invalid, cutOff, nnLoad(AT(it), 1, 1, 0, &graph));
  EXPECT_ALL(Invalid, outside, load((struct NNPart){AT(it), 3}, 1, 1, 0));
  EXPECT_ALL(Invalid, tooLong, load((struct NNPart){"abc", it}, 1, 1, 0));
  EXPECT_ALL(Encoding, unknown, load(part, 1, it, 0));
  EXPECT_ALL(Encoding, others, load(part, 1, it, 0));
  EXPECT_ALL(Unsupported, devices, load(part, 1, 1, it));
  EXPECT_ALL(Invalid, nothing, load(part, 1, 1, it));
  EXPECT(Invalid, load(part, 0x20000000, 1, 0));
  EXPECT(Invalid, load(part, 0xFFFFFFFF, 1, 0));
}

static void refuseNames(void) {
  static const uint32_t others[] = {0, 1, 3, 5};
  EXPECT_ALL(Invalid, cutOff, nnLoadByName("demo", 4, AT(it)));
  EXPECT_ALL(Invalid, outside, nnLoadByName(AT(it), 4, &graph));
  EXPECT_ALL(Invalid, tooLong, nnLoadByName("demo", it, &graph));
  EXPECT_ALL(None, others, nnLoadByName("demo", it, &graph));
  EXPECT_ALL(Invalid, cutOff, nnLoadWithConfig("demo", 4, "{}", 2, AT(it)));
  EXPECT_ALL(Invalid, outside, nnLoadWithConfig("demo", 4, AT(it), 2, &graph));
  EXPECT_ALL(Invalid, tooLong, nnLoadWithConfig("demo", 4, "{}", it, &graph));
  EXPECT(None, nnLoadWithConfig("dome", 4, "{}", 2, &graph));
}

/// There may be a graph 0 and a context 0.
static void refuseHandles(void) {
  EXPECT_ALL(Invalid, dead, nnInitContext(it, &context));
  EXPECT_ALL(Invalid, dead, nnUnload(it));
  EXPECT_ALL(Invalid, dead, nnSetInput(it, 0, &sound));
  EXPECT_ALL(Invalid, dead, nnCompute(it));
  EXPECT_ALL(Invalid, dead, nnComputeSingle(it));
  EXPECT_ALL(Invalid, dead, nnGetOutput(it, 0, y, sizeof y, &written));
  EXPECT_ALL(Invalid, dead, nnGetOutputSingle(it, 0, y, sizeof y, &written));
  EXPECT_ALL(Invalid, dead, nnFinishSingle(it));
  EXPECT_ALL(Invalid, dead, nnFinalizeContext(it));
  EXPECT_ALL(Invalid, cutOff, nnInitContext(graph, AT(it)));
}

static int set(const uint32_t *sizes, uint32_t rank, uint32_t type,
               const void *values, uint32_t bytes) {
  struct NNTensor x = {sizes, rank, type, values, bytes};
  return nnSetInput(context, 0, &x);
}

static int setSizes(uint32_t first, uint32_t second) {
  const uint32_t sizes[] = {first, second};
  return set(sizes, 2, NN_F32, data, sizeof data);
}

static void refuseInputs(void) {
  static const uint32_t places[] = {1, 2, 0x80000000, 0xFFFFFFFF};
  static const uint32_t ranks[] = {0, 1, 3, 64, 65, 0x40000000, 0xFFFFFFFF};
  static const uint32_t types[] = {0, 2, 3, 4, 5, 6, 255};
  static const uint32_t lengths[] = {0, 4, 7, 9, 16};
  static const uint32_t sizes[] = {0, 2, 0x80000000, 0x80000001, 0xFFFFFFFF};
  EXPECT(Failed, nnCompute(context));
  EXPECT(Failed, nnComputeSingle(context));
  EXPECT(Failed, nnGetOutput(context, 0, y, sizeof y, &written));
  EXPECT_ALL(Invalid, places, nnSetInput(context, it, &sound));
  EXPECT_ALL(Invalid, cutOff, nnSetInput(context, 0, AT(it)));
  EXPECT_ALL(Invalid, outside, set(AT(it), 2, NN_F32, data, 8));
  EXPECT_ALL(Invalid, ranks, set(dims, it, NN_F32, data, 8));
  EXPECT_ALL(Invalid, types, set(dims, 2, it, data, 8));
  EXPECT_ALL(Invalid, outside, set(dims, 2, NN_F32, AT(it), 8));
  EXPECT_ALL(Invalid, lengths, set(dims, 2, NN_F32, data, it));
  EXPECT_ALL(Invalid, tooLong, set(dims, 2, NN_F32, data, it));
  EXPECT_ALL(Invalid, sizes, setSizes(it, 2));
  EXPECT(Invalid, setSizes(1, 0x80000002));
  EXPECT(Invalid, setSizes(2, 1));
  EXPECT(Failed, nnCompute(context));
}

static void workAsBefore(void) {
  EXPECT(Ok, nnSetInput(context, 0, &sound));
  free(malloc(1 << 22)); // The memory grows between the calls.
  EXPECT(Ok, nnCompute(context));
  EXPECT(Ok, nnGetOutput(context, 0, y, sizeof y, &written));
  if (written != 8 || y[0] != 3 || y[1] != 5)
    printf("%u bytes: %g %g\n", written, y[0], y[1]);
}

static void refuseOutputs(void) {
  static const uint32_t places[] = {1, 2, 0x80000000, 0xFFFFFFFF};
  static const uint32_t lengths[] = {0, 1, 7};
  findEdges(); // They have moved.
  EXPECT_ALL(Invalid, places, nnGetOutput(context, it, y, 8, &written));
  EXPECT_ALL(Invalid, outside, nnGetOutput(context, 0, AT(it), 8, &written));
  EXPECT_ALL(Large, lengths, nnGetOutput(context, 0, y, it, &written));
  EXPECT_ALL(Invalid, tooLong, nnGetOutput(context, 0, y, it, &written));
  EXPECT_ALL(Invalid, cutOff, nnGetOutput(context, 0, y, 8, AT(it)));
}

int main(void) {
  findEdges();
  refuseLoads();
  refuseNames();
  EXPECT(Ok, nnLoadByName("demo", 4, &graph));
  EXPECT(Ok, nnInitContext(graph, &context));
  refuseHandles();
  refuseInputs();
  workAsBefore();
  refuseOutputs();
  workAsBefore();
  EXPECT(Ok, nnFinishSingle(context));
  EXPECT(Failed, nnCompute(context));
  workAsBefore();
  EXPECT(Ok, nnFinalizeContext(context));
  EXPECT(Invalid, nnCompute(context));
  EXPECT(Invalid, nnFinalizeContext(context));
  EXPECT(Ok, nnUnload(graph));
  EXPECT(Invalid, nnUnload(graph));
  EXPECT(Invalid, nnInitContext(graph, &context));
  printf("%d calls\n", numCalls);
  return 0;
}
