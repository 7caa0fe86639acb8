// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The answer of a YOLOX network as boxes.

import type { Tensor } from "nncc";

/** In pixels of the network's input. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly score: number;
  readonly type: number;
}

const STRIDES = [8, 16, 32];
const LEAST_SCORE = 0.3;
const MOST_OVERLAP = 0.45;
/** Of a row: x, y, log width, log height, whether there is an object, then a score for each class. */
const BEFORE_CLASSES = 5;

/** The boxes in `output` [1, cells, 5 + classes] for an input of this size, the surest first. */
export function findBoxes({ data, shape }: Tensor, width: number, height: number): Box[] {
  const values = data as Float32Array;
  const length = shape[2]!;
  const boxes: Box[] = [];
  let row = 0;
  for (const stride of STRIDES) {
    for (let i = 0; i < height / stride; ++i) {
      for (let j = 0; j < width / stride; ++j, row += length) {
        const box = boxOf(values.subarray(row, row + length), j, i, stride);
        if (box.score >= LEAST_SCORE) boxes.push(box);
      }
    }
  }
  return withoutOverlaps(boxes.sort((a, b) => b.score - a.score));
}

function boxOf(row: Float32Array, column: number, line: number, stride: number): Box {
  const classes = row.subarray(BEFORE_CLASSES);
  let type = 0;
  for (let i = 1; i < classes.length; ++i) if (classes[i]! > classes[type]!) type = i;
  const [width, height] = [Math.exp(row[2]!) * stride, Math.exp(row[3]!) * stride];
  return {
    x: (row[0]! + column) * stride - width / 2,
    y: (row[1]! + line) * stride - height / 2,
    width, height, type,
    score: row[4]! * classes[type]!,
  };
}

/** Of boxes of one class that lie over each other, the first. */
function withoutOverlaps(boxes: readonly Box[]): Box[] {
  const kept: Box[] = [];
  for (const box of boxes) {
    if (!kept.some((other) => other.type === box.type && overlap(other, box) > MOST_OVERLAP)) kept.push(box);
  }
  return kept;
}

/** The area that two boxes share, by the area that they cover. */
function overlap(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  const shared = Math.max(0, width) * Math.max(0, height);
  return shared / (a.width * a.height + b.width * b.height - shared);
}
