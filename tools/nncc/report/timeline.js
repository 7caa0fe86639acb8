// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// One run from left to right: a bar for each dispatch, as wide as its time.

import { heat, html, percentText, timeText } from "./view.js";

export class TimelineView {
  /**
   * @param {HTMLElement} frame
   * @param {(dispatches: readonly number[]) => void} select
   */
  constructor(frame, select) {
    this.frame = frame;
    this.select = select;
    /** @type {Element[]} */
    this.bars = [];
    this.current = 0;
    frame.addEventListener("keydown", ({ key }) => {
      const step = key === "ArrowRight" ? 1 : key === "ArrowLeft" ? -1 : 0;
      if (step === 0) return;
      this.current = Math.min(this.bars.length - 1, Math.max(0, this.current + step));
      this.select([this.current]);
    });
  }

  /** @param {import("./model.js").Model} model */
  draw(model) {
    const largest = Math.max(...model.dispatches.map((dispatch) => dispatch.ms));
    this.bars = model.dispatches.map(({ index, ms, nodes }) => {
      const title = `${index + 1}: ${nodes.join(" + ")}, ${timeText(ms)}, ${percentText(model.ms > 0 ? ms / model.ms : 0)}`;
      const bar = html("span", { class: "bar", title, style: `flex-grow:${(1000 * ms) / model.ms};--heat:${heat(ms, largest)}` });
      bar.addEventListener("click", () => this.select([index]));
      return bar;
    });
    this.frame.replaceChildren(...this.bars);
  }

  /** @param {ReadonlySet<number>} dispatches */
  highlight(dispatches) {
    const [first] = dispatches;
    if (first !== undefined) this.current = first;
    this.bars.forEach((bar, i) => bar.classList.toggle("selected", dispatches.has(i)));
  }
}
