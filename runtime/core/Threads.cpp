//===- Threads.cpp - Kernels over several threads -------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Linked into modules built with --threads. One job at a time, published by the
// thread that called `main`. Threads take chunks of its steps from a counter,
// so that a worker that sleeps, is late or is gone costs time and nothing else:
// the caller waits only for workers that have joined the job. It waits without
// blocking, since the main thread of a page may not block.
//
//===----------------------------------------------------------------------===//

#include "Threads.h"

#define NNCC_EXPORT(NAME) extern "C" __attribute__((export_name(NAME)))

using namespace nncc;

namespace {

struct Job {
  Slice slice;
  const void *arguments;
  uint32_t steps;
  uint32_t pieces; ///< A part is one of so many of the steps that are left,
  uint32_t least;  ///< and has at least so many.
} job;

// All are accessed with atomic instructions, which are sequentially consistent.
// A worker counts itself in before it reads isOpen, and the caller closes a job
// before it reads numActive: so a job changes only when nobody reads it.
uint32_t generation; ///< Of jobs. Workers sleep on its address.
uint32_t isOpen;
uint32_t numActive;
uint32_t numSleeping;
uint32_t nextStep;
uint32_t hasFailed;

uint32_t numThreads = 1;

/// A thread takes this part of its share of what is left: large parts first,
/// and small ones at the end, so that all end at the same time (guided
/// self-scheduling; Polychronopoulos and Kuck, 1987).
constexpr uint32_t partsOfShare = 2;
/// The last parts may be this much smaller than what is worth a thread.
constexpr uint32_t partsOfUseful = 4;
/// About 0.1 ms: longer than most kernels that run on one thread between two
/// that run on all.
constexpr uint32_t spinsBeforeSleep = 1 << 18;
/// Some 10 s and more for the last part of a kernel: its worker was killed.
constexpr uint64_t spinsBeforeFailure = 1ull << 33;

uint32_t load(const uint32_t &word) {
  return __atomic_load_n(&word, __ATOMIC_SEQ_CST);
}

void store(uint32_t &word, uint32_t value) {
  __atomic_store_n(&word, value, __ATOMIC_SEQ_CST);
}

uint32_t fetchAdd(uint32_t &word, uint32_t value) {
  return __atomic_fetch_add(&word, value, __ATOMIC_SEQ_CST);
}

/// Stores `value` where `expected` is; else says what is there instead.
bool replace(uint32_t &word, uint32_t &expected, uint32_t value) {
  return __atomic_compare_exchange_n(&word, &expected, value, /*weak=*/false,
                                     __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

} // namespace

static uint32_t atMost(uint32_t a, uint32_t b) { return a < b ? a : b; }

static uint32_t atLeast(uint32_t a, uint32_t b) { return a > b ? a : b; }

static void computeParts() {
  for (uint32_t begin = load(nextStep); begin < job.steps;) {
    uint32_t rest = job.steps - begin;
    uint32_t end = begin + atMost(rest, atLeast(rest / job.pieces, job.least));
    if (!replace(nextStep, begin, end)) // Then begin is what it is now.
      continue;
    job.slice(job.arguments, begin, end);
    begin = load(nextStep);
  }
}

static void wakeWorkers() {
  fetchAdd(generation, 1);
  if (load(numSleeping) != 0)
    __builtin_wasm_memory_atomic_notify(reinterpret_cast<int *>(&generation),
                                        0xFFFFFFFF);
}

static void publish(Slice slice, const void *arguments, uint32_t steps,
                    uint32_t parts) {
  job = {slice, arguments, steps, load(numThreads) * partsOfShare,
         atLeast(steps / parts / partsOfUseful, 1)};
  store(nextStep, 0);
  store(isOpen, 1);
  wakeWorkers();
}

static void join() {
  store(isOpen, 0);
  for (uint64_t spins = 0; load(numActive) != 0; ++spins)
    if (spins == spinsBeforeFailure)
      abandonRun("a worker thread does not end its part of a kernel");
  if (load(hasFailed))
    abandonRun("a worker thread failed");
}

extern "C" void nncc_parallel(Slice slice, const void *arguments,
                              uint32_t steps, uint32_t parts) {
  if (load(numThreads) < 2 || parts < 2 || steps < 2) {
    slice(arguments, 0, steps);
    return;
  }
  publish(slice, arguments, steps, parts);
  computeParts();
  join();
}

/// The compiler writes its body when the module is linked.
NNCC_EXPORT("nncc_copy_weights")
__attribute__((noinline)) void nncc_copy_weights() { asm volatile(""); }

extern "C" void nncc_load_weights() {
  static bool isDone;
  if (!isDone)
    nncc_copy_weights();
  isDone = true;
}

/// How many threads take part, with the one that calls `main`; 0 ends workers.
NNCC_EXPORT("nncc_set_threads") void nncc_set_threads(uint32_t count) {
  store(numThreads, count);
  if (count == 0)
    wakeWorkers();
}

/// What a worker does until nncc_set_threads(0), or its host ends it.
NNCC_EXPORT("nncc_worker") void nncc_worker() {
  for (;;) {
    uint32_t seen = load(generation); // First: what changes later wakes it.
    if (load(numThreads) == 0)
      return;
    fetchAdd(numActive, 1);
    if (load(isOpen))
      computeParts();
    fetchAdd(numActive, -1);
    for (uint32_t i = 0; i < spinsBeforeSleep && load(generation) == seen; ++i)
      ;
    if (load(generation) != seen)
      continue;
    fetchAdd(numSleeping, 1);
    __builtin_wasm_memory_atomic_wait32(reinterpret_cast<int *>(&generation),
                                        static_cast<int>(seen), -1);
    fetchAdd(numSleeping, -1);
  }
}

/// A worker whose nncc_worker trapped says so: the call of `main` fails.
NNCC_EXPORT("nncc_worker_failed") void nncc_worker_failed() {
  store(hasFailed, 1);
  fetchAdd(numActive, -1);
}
