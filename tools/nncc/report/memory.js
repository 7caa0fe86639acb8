// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The memory plan: where in the arena each buffer lies (upwards), and from which
// dispatch to which (to the right).

import { bytesText, svg } from "./view.js";

const SIZE = { width: 640, height: 440, left: 62, bottom: 26, top: 10, right: 8 };

export class MemoryView {
  /**
   * @param {HTMLElement} frame
   * @param {(dispatches: readonly number[]) => void} select
   */
  constructor(frame, select) {
    this.frame = frame;
    this.select = select;
    this.steps = 1;
    /** @type {{ box: Element, uses: readonly number[] }[]} */
    this.boxes = [];
    this.cursor = svg("g");
  }

  /** @param {number} step */
  x(step) {
    return SIZE.left + (step / this.steps) * (SIZE.width - SIZE.left - SIZE.right);
  }

  /** @param {import("./model.js").Model} model */
  draw(model) {
    this.steps = Math.max(1, model.dispatches.length);
    const room = SIZE.height - SIZE.top - SIZE.bottom;
    const arena = Math.max(1, model.arenaBytes);
    const y = (/** @type {number} */ offset) => SIZE.top + room * (1 - offset / arena);
    const grid = [0, 0.25, 0.5, 0.75, 1].map((part) => svg("g", { class: "grid" },
      svg("line", { x1: SIZE.left, x2: SIZE.width - SIZE.right, y1: y(part * arena), y2: y(part * arena) }),
      svg("text", { x: SIZE.left - 8, y: y(part * arena) + 4, "text-anchor": "end" }, bytesText(part * arena))));
    this.boxes = model.buffers.map((buffer) => {
      const [first = 0, last = 0] = [buffer.uses[0], buffer.uses[buffer.uses.length - 1]];
      const text = `${bytesText(buffer.bytes)} at ${bytesText(buffer.offset)}, dispatches ${first + 1} to ${last + 1}`;
      const box = svg("rect", {
        class: "buffer", x: this.x(first), width: Math.max(1, this.x(last + 1) - this.x(first)),
        y: y(buffer.offset + buffer.bytes), height: Math.max(0.75, (room * buffer.bytes) / arena),
        style: `--hue:${(buffer.index * 47) % 360}`,
      }, svg("title", {}, text));
      box.addEventListener("click", () => this.select(buffer.uses));
      return { box, uses: buffer.uses };
    });
    this.cursor = svg("g", { class: "cursor" });
    this.frame.replaceChildren(svg("svg", {
      viewBox: `0 0 ${SIZE.width} ${SIZE.height}`, role: "img",
      "aria-label": `The memory plan: ${model.buffers.length} buffers share ${bytesText(model.arenaBytes)}`,
    }, ...grid, ...this.boxes.map(({ box }) => box), this.cursor,
      svg("text", { class: "axis", x: SIZE.width - SIZE.right, y: SIZE.height - 7, "text-anchor": "end" }, `${model.dispatches.length} dispatches in their order →`)));
  }

  /** @param {ReadonlySet<number>} dispatches */
  highlight(dispatches) {
    for (const { box, uses } of this.boxes) box.classList.toggle("selected", uses.some((use) => dispatches.has(use)));
    this.cursor.replaceChildren(...[...dispatches].slice(0, 200).map((step) => svg("rect", {
      x: this.x(step), width: Math.max(1.5, this.x(step + 1) - this.x(step)), y: SIZE.height - SIZE.bottom + 3, height: 5, rx: 1,
    })));
  }
}
