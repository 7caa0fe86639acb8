// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// An operator for models with --extern, f32[...] by its attribute `factor`, in
// the model's own memory (docs/module-format.md has the layouts).

#include <stdint.h>

struct Tensor {
  float *data;
  int32_t device[2], rank;
  uint32_t type;
  int64_t *sizes;
};
struct Value {
  uint32_t tag, reserved;
  union {
    struct Tensor *tensor;
    double number;
    uint64_t bits;
  };
};

int32_t my_domain__Scale(void *self, const struct Value *args, int32_t count,
                         struct Value *result) {
  const struct Tensor *x = args[0].tensor, *y = args[1].tensor;
  double factor = args[3].number; // Behind its name.
  int64_t elements = 1;
  (void)self, (void)count, (void)result;
  if (factor < 0)
    return 7;
  for (int32_t i = 0; i < x->rank; ++i)
    elements *= x->sizes[i];
  for (int64_t i = 0; i < elements; ++i)
    y->data[i] = factor * x->data[i];
  return 0;
}
