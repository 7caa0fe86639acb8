// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The module of affine.c with code for the GPU, as the section in program.ts
// and docs/module-format.md describe it: the commands of
//   0: y = 2 * x + b, a flush, 1: mask = y > b.

#include "../../runtime-web/Inputs/affine.c"

static u32 stream[64];
static u32 length;

EXPORT(nncc_weights) float *gpuWeights(void) { return weights; }

static void write(u32 word) { stream[length++] = word; }

static void writeRange(u32 space, u32 offset, u32 bytes) {
  write(space);
  write(offset);
  write(bytes);
}

EXPORT(nncc_gpu_plan)
int plan(u32 self, struct Value *args, int nargs, struct Value *ret) {
  (void)self;
  if (nargs != 3 || args[0].tag != 5)
    return message = "3 arguments are needed", 1;
  struct Tensor *x = (struct Tensor *)(u32)args[0].payload;
  if (x->deviceType != 15)
    return message = "input 'x' is not on the GPU", 1;
  u32 rows = (u32)((i64 *)x->shape)[0];
  if (rows > 100000)
    return message = "input 'x': too many rows", 1;
  u32 bytes = rows * 8;
  u32 maskAt = (bytes + 255) / 256 * 256;
  u32 groups = (rows * 2 + 63) / 64;
  length = 0;
  write(1);
  write(0); // The number of words, set below.
  write(maskAt + bytes);
  write(1);
  write(rows);
  write(1), write(0), write(groups), write(1), write(4);
  writeRange(0, 0, bytes);
  writeRange(0x200, 0, 8);
  writeRange(0x100, 0, bytes);
  writeRange(0x300, 0, 16);
  write(2);
  write(1), write(1), write(groups), write(1), write(4);
  writeRange(0, maskAt, bytes);
  writeRange(0, 0, bytes);
  writeRange(0x200, 0, 8);
  writeRange(0x300, 0, 16);
  write(0);
  stream[1] = length;
  struct Tensor *y = (struct Tensor *)(u32)args[1].payload;
  struct Tensor *mask = (struct Tensor *)(u32)args[2].payload;
  setOutput(y, 0, rows, 2, 32);
  setOutput(mask, 0, rows, 6, 8);
  y->deviceType = mask->deviceType = 15;
  y->byteOffset = 0;
  mask->byteOffset = maskAt;
  ret->tag = 3;
  ret->payload = (u32)stream;
  return 0;
}
