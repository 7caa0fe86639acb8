// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A module written by hand after docs/module-format.md, so that the runtime can
// be tested apart from the compiler: y[n,2] = 2 * x[n,2] + b[2], mask = x > 0.
// With n > 1000 it reports an error, with n == 999 it traps.

typedef unsigned char u8;
typedef unsigned u32;
typedef unsigned long long u64;
typedef long long i64;

#define EXPORT(name) __attribute__((export_name(#name)))

struct Value {
  u32 tag, reserved;
  u64 payload;
};

struct Tensor {
  u32 data;
  int deviceType, deviceId, rank;
  u8 code, bits;
  unsigned short lanes;
  u32 shape, strides, pad;
  u64 byteOffset;
};

extern u8 __heap_base;
static u32 top;
static const char *message = "";

EXPORT(nncc_abi_version) int abiVersion(void) { return 1; }
EXPORT(nncc_error) const char *lastError(void) { return message; }
EXPORT(nncc_free) void release(u32 address) { (void)address; }

// Every block moves the end of memory, so that each call grows it.
EXPORT(nncc_alloc) u32 allocate(u32 bytes) {
  u32 pages = (bytes + 65535) / 65536 + 1;
  u32 old = __builtin_wasm_memory_grow(0, pages);
  return old == (u32)-1 ? 0 : old * 65536;
}

#ifdef EXTERNAL
// The loader writes the whole file, with a header of 64 bytes.
static float file[18];
static const float *weights = file + 16;
EXPORT(nncc_weights) float *weightAddress(void) { return file; }
#else
static float weights[2] = {10, 20};
#endif

static void setOutput(struct Tensor *out, u32 data, i64 rows, u8 code, u8 bits) {
  i64 *shape = (i64 *)out->shape;
  shape[0] = rows;
  shape[1] = 2;
  out->data = data;
  out->code = code;
  out->bits = bits;
}

#ifndef NO_MAIN
EXPORT(main) int run(u32 self, struct Value *args, int nargs, struct Value *ret) {
  (void)self, (void)ret;
  if (nargs != 3 || args[0].tag != 5)
    return message = "3 arguments are needed", 1;
  struct Tensor *x = (struct Tensor *)(u32)args[0].payload;
  i64 rows = ((i64 *)x->shape)[0];
  if (rows > 1000)
    return message = "input 'x': too many rows", 1;
  if (rows == 999)
    __builtin_trap();
  const float *from = (const float *)x->data;
#ifdef REUSE
  static float y[2000]; // For measurements, which call it often.
  static u8 mask[2000];
#else
  float *y = (float *)allocate((u32)rows * 8);
  u8 *mask = (u8 *)allocate((u32)rows * 2);
#endif
  for (u32 i = 0; i < (u32)rows * 2; ++i) {
    y[i] = 2 * from[i] + weights[i % 2];
    mask[i] = from[i] > 0;
  }
  setOutput((struct Tensor *)(u32)args[1].payload, (u32)y, rows, 2, 32);
  setOutput((struct Tensor *)(u32)args[2].payload, (u32)mask, rows, 6, 8);
  return 0;
}
#endif
