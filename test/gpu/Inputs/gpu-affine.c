// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The module of affine.c with code for the GPU, as the section in program.ts
// and docs/module-format.md describe it: the commands of
//   0: y = 2 * x + b, a flush, 1: mask = y > b.
// With SEGMENTS, the host copies y to its place between the two, behind the end
// of the arena so far; only then are the outputs' sizes and places told.

#include "../../runtime-web/Inputs/affine.c"

enum { mostRows = 100000 };
static u32 stream[64 + 2 * mostRows];
static u32 length;

EXPORT(nncc_weights) float *gpuWeights(void) { return weights; }

static void write(u32 word) { stream[length++] = word; }

static void writeRange(u32 space, u32 offset, u32 bytes) {
  write(space);
  write(offset);
  write(bytes);
}

static void beginList(u32 arenaBytes, u32 rows) {
  length = 0;
  write(1);
  write(0); // The number of words, set at the end.
  write(arenaBytes);
  write(1);
  write(rows);
}

static void endList(void) {
  write(0);
  stream[1] = length;
}

static void writeScale(u32 rows) {
  write(1), write(0), write((rows * 2 + 63) / 64), write(1), write(4);
  writeRange(0, 0, rows * 8);
  writeRange(0x200, 0, 8);
  writeRange(0x100, 0, rows * 8);
  writeRange(0x300, 0, 16);
}

static void writePositive(u32 rows, u32 maskAt) {
  write(1), write(1), write((rows * 2 + 63) / 64), write(1), write(4);
  writeRange(0, maskAt, rows * 8);
  writeRange(0, 0, rows * 8);
  writeRange(0x200, 0, 8);
  writeRange(0x300, 0, 16);
}

static void describe(struct Value *results, u32 rows, u32 at, u32 maskAt) {
  struct Tensor *y = (struct Tensor *)(u32)results[0].payload;
  struct Tensor *mask = (struct Tensor *)(u32)results[1].payload;
  setOutput(y, 0, rows, 2, 32);
  setOutput(mask, 0, rows, 6, 8);
  y->deviceType = mask->deviceType = 15;
  y->byteOffset = at;
  mask->byteOffset = maskAt;
}

#ifdef SEGMENTS
static u32 plannedRows;
// Volatile, or the loop below becomes a call of memcpy.
static volatile u32 room[2 * mostRows];

EXPORT(nncc_gpu_resume)
int resume(u32 self, struct Value *args, int nargs, struct Value *ret) {
  (void)self;
  if (nargs != 2)
    return message = "2 outputs are needed", 1;
  u32 rows = plannedRows, bytes = rows * 8;
  u32 maskAt = (bytes + 255) / 256 * 256, at = 2 * maskAt;
  beginList(at + bytes, rows);
  write(4), write(at), write(rows * 2);
  for (u32 i = 0; i < rows * 2; ++i)
    write(room[i]);
  writePositive(rows, maskAt);
  endList();
  describe(args, rows, at, maskAt);
  ret->tag = 3;
  ret->payload = (u32)stream;
  return 0;
}
#endif

EXPORT(nncc_gpu_plan)
int plan(u32 self, struct Value *args, int nargs, struct Value *ret) {
  (void)self;
  if (nargs != 3 || args[0].tag != 5)
    return message = "3 arguments are needed", 1;
  struct Tensor *x = (struct Tensor *)(u32)args[0].payload;
  if (x->deviceType != 15)
    return message = "input 'x' is not on the GPU", 1;
  u32 rows = (u32)((i64 *)x->shape)[0];
  if (rows > mostRows)
    return message = "input 'x': too many rows", 1;
  u32 bytes = rows * 8;
#ifdef SEGMENTS
  plannedRows = rows;
  beginList(bytes, rows);
  writeScale(rows);
  write(3), write(1);
  writeRange(0, 0, bytes);
  write((u32)room);
  describe(&args[1], 0, 0, 0);
#else
  u32 maskAt = (bytes + 255) / 256 * 256;
  beginList(maskAt + bytes, rows);
  writeScale(rows);
  write(2);
  writePositive(rows, maskAt);
  describe(&args[1], rows, 0, maskAt);
#endif
  endList();
  ret->tag = 3;
  ret->payload = (u32)stream;
  return 0;
}
