//===- Program.h - What the compiler tells the runtime ----------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The generated object defines these; targets/wasm/EntryPoints.cpp writes them.
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_RUNTIME_CORE_PROGRAM_H
#define NNCC_RUNTIME_CORE_PROGRAM_H

#include <stdint.h>

namespace nncc {

enum class DimKind : uint32_t {
  Constant, ///< The value is the size.
  Symbol,   ///< The value is the number of the symbol.
};

/// The words of the program's table:
///   symbols, inputs, outputs, offset of the weights in their region, bytes of
///   it before what is stored;
///   per symbol: name, smallest value, largest value (0xFFFFFFFF: any);
///   per input: name, type, rank, per dimension its kind and value;
///   per output: name, type, rank.
/// A name is an offset in nncc_strings, a type is code | bits << 8.
inline constexpr unsigned programHeaderWords = 5;

} // namespace nncc

extern "C" {
extern const uint32_t nncc_program[];
extern const char nncc_strings[];
extern const char nncc_signature_text[];
extern char nncc_weight_data[];

/// The frame of a call: arena, weights, symbols, inputs (in), outputs and the
/// dimensions of all outputs (out).
extern uint32_t nncc_frame[];

void nncc_call_run(uint32_t *frame);
uint64_t nncc_call_arena_bytes(const uint32_t *symbols);

/// In modules with GPU code: the constant words of the list of dispatches, and
/// the same two functions for the program that writes it.
extern const uint32_t nncc_gpu_commands[];
void nncc_call_gpu_record(uint32_t *frame);
uint64_t nncc_call_gpu_arena_bytes(const uint32_t *symbols);
/// Memory for what such a program computes itself.
uint64_t nncc_call_host_arena_bytes(const uint32_t *symbols);
/// The symbols that such a program binds, after those of its inputs, and how
/// many they are.
extern uint32_t nncc_gpu_sizes[];
extern const uint32_t nncc_gpu_num_sizes;
}

#endif
