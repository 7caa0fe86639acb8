// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The table of kernels and what is known of the selection.

import { bytesText, countText, heat, html, onPress, percentText, timeText } from "./view.js";

/**
 * @typedef {import("./model.js").Kernel} Kernel
 * @typedef {{ title: string, value: (kernel: Kernel) => number | string, text: (kernel: Kernel) => string, isText?: boolean }} Column
 */

export class KernelTable {
  /**
   * @param {HTMLElement} frame
   * @param {(dispatches: readonly number[]) => void} select
   */
  constructor(frame, select) {
    this.frame = frame;
    this.select = select;
    this.sorted = { column: 0, descending: true };
    /** @type {{ row: Element, kernel: Kernel }[]} */
    this.rows = [];
    /** @type {import("./model.js").Model | null} */
    this.model = null;
  }

  /** @param {import("./model.js").Model} model */
  draw(model) {
    this.model = model;
    const columns = makeColumns(model);
    const { column, descending } = this.sorted;
    const key = (columns[column] ?? columns[0])?.value ?? (() => 0);
    const kernels = [...model.kernels].sort((a, b) => {
      const [x, y] = [key(a), key(b)];
      return (x < y ? -1 : x > y ? 1 : a.index - b.index) * (descending ? -1 : 1);
    });
    const largest = Math.max(...kernels.map((kernel) => kernel.ms));
    this.rows = kernels.map((kernel) => {
      const cells = columns.map((each) => html("td", each.isText ? { class: "text", title: each.text(kernel) } : {}, each.text(kernel)));
      const row = html("tr", { tabindex: 0, style: `--heat:${heat(kernel.ms, largest)}` }, ...cells);
      onPress(row, () => this.select(kernel.dispatches));
      return { row, kernel };
    });
    this.frame.replaceChildren(html("table", {},
      html("thead", {}, html("tr", {}, ...columns.map((each, i) => this.makeHead(each, i)))),
      html("tbody", {}, ...this.rows.map(({ row }) => row))));
  }

  /** @param {Column} column @param {number} i */
  makeHead(column, i) {
    const isSorted = i === this.sorted.column;
    const order = this.sorted.descending ? "descending" : "ascending";
    const button = html("button", {}, column.title, isSorted ? (this.sorted.descending ? " ↓" : " ↑") : "");
    button.addEventListener("click", () => {
      this.sorted = { column: i, descending: isSorted ? !this.sorted.descending : !column.isText };
      if (this.model) this.draw(this.model);
    });
    return html("th", { scope: "col", "aria-sort": isSorted ? order : "none", ...(column.isText ? { class: "text" } : {}) }, button);
  }

  /** @param {ReadonlySet<number>} dispatches */
  highlight(dispatches) {
    for (const { row, kernel } of this.rows) row.classList.toggle("selected", kernel.dispatches.some((i) => dispatches.has(i)));
  }
}

/** @param {import("./model.js").Model} model @returns {Column[]} */
function makeColumns(model) {
  const speed = (/** @type {Kernel} */ { flops, ms }) => (flops > 0 && ms > 0 ? flops / ms / 1e6 : 0);
  const { peakGflops } = model;
  /** @type {Column[]} */
  const measured = peakGflops === null ? [] : [
    { title: "GFLOP/s", value: speed, text: (kernel) => (speed(kernel) ? speed(kernel).toFixed(1) : "") },
    { title: "% of peak", value: speed, text: (kernel) => (speed(kernel) ? `${((100 * speed(kernel)) / peakGflops).toFixed(0)}%` : "") },
  ];
  return [
    { title: "Share", value: (kernel) => kernel.ms, text: (kernel) => percentText(model.ms > 0 ? kernel.ms / model.ms : 0) },
    { title: "Time", value: (kernel) => kernel.ms, text: (kernel) => timeText(kernel.ms) },
    { title: "Calls", value: (kernel) => kernel.dispatches.length, text: (kernel) => String(kernel.dispatches.length) },
    { title: "Flop", value: (kernel) => kernel.flops, text: (kernel) => (kernel.flops ? countText(kernel.flops) : "") },
    { title: "Bytes", value: (kernel) => kernel.bytes, text: (kernel) => bytesText(kernel.bytes) },
    ...measured,
    { title: "ONNX nodes", isText: true, value: (kernel) => kernel.nodes.join(" "), text: (kernel) => kernel.nodes.join(" ") },
    { title: "Operands", isText: true, value: (kernel) => kernel.shapes.join(" "), text: (kernel) => kernel.shapes.join("  ") },
  ];
}

/**
 * What there is to say about some dispatches.
 * @param {HTMLElement} frame
 * @param {import("./model.js").Model} model
 * @param {ReadonlySet<number>} selection
 */
export function showDetails(frame, model, selection) {
  const dispatches = [...selection].flatMap((i) => model.dispatches[i] ?? []);
  if (dispatches.length === 0) {
    frame.replaceChildren(html("p", { class: "hint" }, "Select a kernel in the graph, the timeline, the memory plan or the table: all four show where it is."));
    return;
  }
  const sum = (/** @type {"ms" | "flops" | "bytes"} */ key) => dispatches.reduce((total, dispatch) => total + dispatch[key], 0);
  const [ms, flops] = [sum("ms"), sum("flops")];
  const nodes = [...new Set(dispatches.flatMap((dispatch) => dispatch.nodes))];
  const speed = flops > 0 && ms > 0 ? flops / ms / 1e6 : 0;
  const facts = [
    ["Share of time", percentText(model.ms > 0 ? ms / model.ms : 0)], ["Time", timeText(ms)], ["Work", `${countText(flops)} flop`], ["Operands", bytesText(sum("bytes"))],
    ...(speed && model.peakGflops ? [["Speed", `${speed.toFixed(1)} GFLOP/s`], ["Of peak", `${((100 * speed) / model.peakGflops).toFixed(0)}%`]] : []),
  ];
  const shapes = [...new Set(dispatches.map((dispatch) => (model.kernels[dispatch.kernel]?.shapes ?? []).join("  ")))];
  frame.replaceChildren(
    html("h3", {}, nodes.slice(0, 4).join(" + ") + (nodes.length > 4 ? ` and ${nodes.length - 4} more` : "")),
    html("dl", {}, ...facts.map(([name = "", value = ""]) => html("div", {}, html("dt", {}, name), html("dd", {}, value)))),
    html("p", { class: "hint" }, `${dispatches.length} dispatch${dispatches.length > 1 ? "es" : ""}; operands:`),
    ...shapes.slice(0, 5).map((text) => html("code", {}, text)));
}
