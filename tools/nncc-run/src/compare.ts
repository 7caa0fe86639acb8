// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import { toNumbers, typeText, type Tensor } from "nncc";

export interface Comparison {
  readonly ok: boolean;
  /** One line: the largest error, or why the two cannot be compared. */
  readonly text: string;
}

/** Relative and absolute. */
export interface Tolerances {
  readonly rtol?: number | undefined;
  readonly atol?: number | undefined;
}

/** What rounding leaves of sums: numbers of 16 bits have 8 or 11 bits of their own. */
function defaultTolerances({ dtype }: Tensor): Required<Tolerances> {
  return dtype === "f16" || dtype === "bf16" ? { rtol: 1e-2, atol: 1e-2 } : { rtol: 1e-3, atol: 1e-4 };
}

/**
 * Compares as NumPy's assert_allclose does: |got - want| <= atol + rtol * |want|,
 * NaN equal to NaN, infinities equal to themselves.
 */
export function compare(got: Tensor, want: Tensor, given: Tolerances): Comparison {
  const defaults = defaultTolerances(want);
  const rtol = given.rtol ?? defaults.rtol;
  const atol = given.atol ?? defaults.atol;
  if (got.dtype !== want.dtype || got.shape.join() !== want.shape.join()) {
    const text = `${typeText(got.dtype, got.shape)}, but ${typeText(want.dtype, want.shape)} is expected`;
    return { ok: false, text };
  }
  const a = toNumbers(got);
  const b = toNumbers(want);
  let wrong = 0;
  let worst = 0;
  let worstAt = -1;
  let first = -1;
  for (let i = 0; i < a.length; ++i) {
    const x = a[i]!;
    const y = b[i]!;
    if (x === y || (x !== x && y !== y)) continue;
    const error = Math.abs(x - y);
    if (!(error <= atol + rtol * Math.abs(y)) || !Number.isFinite(y)) {
      if (first < 0) first = i;
      ++wrong;
    }
    if (!(error <= worst)) {
      worst = Number.isNaN(error) ? Infinity : error;
      worstAt = i;
    }
  }
  const type = typeText(got.dtype, got.shape);
  if (wrong === 0) return { ok: true, text: `${type} largest error ${worst.toPrecision(3)}` };
  const at = `at ${worstAt}: ${a[worstAt]} instead of ${b[worstAt]}, first at ${first}`;
  return { ok: false, text: `${type} largest error ${worst.toPrecision(3)} (${at}), ${wrong} of ${a.length} wrong` };
}
