// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The network as a graph: a card for each group of nodes.

import { layOut } from "./layout.js";
import { bytesText, countText, heat, html, onPress, percentText, svg, timeText } from "./view.js";

const CARD = { width: 190, height: 50 };
const STEP = { x: CARD.width + 26, y: CARD.height + 34, bend: 22 };
const ZOOM = { least: 0.04, most: 2.5, step: 1.25, smallestStart: 0.7 };

export class GraphView {
  /**
   * @param {HTMLElement} frame
   * @param {(dispatches: readonly number[]) => void} select
   */
  constructor(frame, select) {
    this.frame = frame;
    this.select = select;
    this.canvas = svg("g");
    this.scale = 1;
    this.offset = { x: 0, y: 0 };
    this.bounds = { left: 0, right: 1, bottom: 1 };
    /** @type {{ card: Element, dispatches: readonly number[], x: number, y: number }[]} */
    this.cards = [];
    this.picture = svg("svg", { role: "group", "aria-label": "The network; Tab goes from kernel to kernel", tabindex: 0 }, this.canvas);
    frame.replaceChildren(this.picture, this.makeButtons());
    this.listen();
  }

  /** @param {import("./model.js").Model} model */
  draw(model) {
    const layout = layOut(model.groups.length, model.edges, STEP.x, STEP.bend);
    const largest = Math.max(...model.groups.map((group) => group.ms));
    /** @param {import("./layout.js").Place} place */
    const top = (place) => place.layer * STEP.y;
    const edges = layout.routes.map(({ from, to, bends }) => {
      const [a, b] = [layout.places[from], layout.places[to]];
      if (!a || !b) return svg("path");
      const points = [
        [a.x, top(a) + CARD.height], ...bends.flatMap((bend) => [[bend.x, top(bend)], [bend.x, top(bend) + CARD.height]]), [b.x, top(b)],
      ];
      return svg("path", { d: curve(points), class: "edge" });
    });
    this.cards = model.groups.map((group, i) => {
      const place = layout.places[i];
      const [x, y] = place ? [place.x, top(place)] : [0, 0];
      const card = makeCard(group, model, heat(group.ms, largest));
      card.setAttribute("transform", `translate(${x - CARD.width / 2} ${y})`);
      onPress(card, () => this.select(group.dispatches));
      return { card, dispatches: group.dispatches, x, y };
    });
    this.bounds = { left: layout.left, right: layout.right, bottom: layout.layers * STEP.y };
    this.canvas.replaceChildren(...edges, ...this.cards.map(({ card }) => card));
    this.start();
  }

  /** @param {ReadonlySet<number>} dispatches */
  highlight(dispatches) {
    let shown = null;
    for (const entry of this.cards) {
      const isOn = entry.dispatches.some((dispatch) => dispatches.has(dispatch));
      entry.card.classList.toggle("selected", isOn);
      if (isOn) shown ??= entry;
    }
    if (shown) this.reveal(shown);
  }

  /** Moves a card into the middle if it is out of sight. @param {{ x: number, y: number }} at */
  reveal({ x, y }) {
    const { clientWidth: width, clientHeight: height } = this.frame;
    const [px, py] = [this.offset.x + x * this.scale, this.offset.y + y * this.scale];
    if (px > 40 && px < width - 40 && py > 10 && py < height - 40) return;
    this.offset = { x: width / 2 - x * this.scale, y: height / 2 - y * this.scale };
    this.apply();
  }

  /** The inputs at the top, readable. */
  start() {
    const { left, right } = this.bounds;
    const fitting = this.frame.clientWidth / (right - left + 40);
    this.scale = Math.min(1, Math.max(ZOOM.smallestStart, fitting));
    const first = this.cards[0];
    this.offset = { x: this.frame.clientWidth / 2 - (first?.x ?? 0) * this.scale, y: 16 };
    if (fitting >= ZOOM.smallestStart) this.offset.x = this.frame.clientWidth / 2 - ((left + right) / 2) * this.scale;
    this.apply();
  }

  fit() {
    const { left, right, bottom } = this.bounds;
    const { clientWidth: width, clientHeight: height } = this.frame;
    this.scale = Math.max(ZOOM.least, Math.min(1, width / (right - left + 40), height / (bottom + 40)));
    this.offset = { x: width / 2 - ((left + right) / 2) * this.scale, y: 16 };
    this.apply();
  }

  /** @param {number} factor @param {number} [x] @param {number} [y] the point that stays */
  zoom(factor, x = this.frame.clientWidth / 2, y = this.frame.clientHeight / 2) {
    const scale = Math.min(ZOOM.most, Math.max(ZOOM.least, this.scale * factor));
    const ratio = scale / this.scale;
    this.offset = { x: x - (x - this.offset.x) * ratio, y: y - (y - this.offset.y) * ratio };
    this.scale = scale;
    this.apply();
  }

  apply() {
    this.canvas.setAttribute("transform", `translate(${this.offset.x} ${this.offset.y}) scale(${this.scale})`);
  }

  makeButtons() {
    const button = (/** @type {string} */ text, /** @type {string} */ label, /** @type {() => void} */ act) => {
      const element = html("button", { "aria-label": label, title: label }, text);
      element.addEventListener("click", act);
      return element;
    };
    return html("div", { class: "zoom" },
      button("+", "Zoom in", () => this.zoom(ZOOM.step)),
      button("−", "Zoom out", () => this.zoom(1 / ZOOM.step)),
      button("⤢", "Show all", () => this.fit()),
      button("↥", "Back to the start", () => this.start()));
  }

  listen() {
    const { frame, picture } = this;
    frame.addEventListener("wheel", (event) => {
      event.preventDefault();
      const box = frame.getBoundingClientRect();
      if (event.ctrlKey || event.metaKey) this.zoom(Math.exp(-event.deltaY / 200), event.clientX - box.left, event.clientY - box.top);
      else this.pan(-event.deltaX, -event.deltaY);
    }, { passive: false });
    picture.addEventListener("pointermove", (event) => {
      const { buttons, movementX, movementY } = /** @type {PointerEvent} */ (event);
      if (buttons & 1) this.pan(movementX, movementY);
    });
    /** @type {Record<string, () => void>} */
    const keys = {
      "+": () => this.zoom(ZOOM.step), "=": () => this.zoom(ZOOM.step), "-": () => this.zoom(1 / ZOOM.step), 0: () => this.fit(),
      ArrowUp: () => this.pan(0, 60), ArrowDown: () => this.pan(0, -60), ArrowLeft: () => this.pan(60, 0), ArrowRight: () => this.pan(-60, 0),
    };
    picture.addEventListener("keydown", (event) => {
      const act = keys[/** @type {KeyboardEvent} */ (event).key];
      if (!act) return;
      event.preventDefault();
      act();
    });
    // Tab reaches cards that are out of sight.
    picture.addEventListener("focusin", (event) => {
      const entry = this.cards.find(({ card }) => card === event.target);
      if (entry) this.reveal(entry);
    });
  }

  /** @param {number} dx @param {number} dy */
  pan(dx, dy) {
    this.offset = { x: this.offset.x + dx, y: this.offset.y + dy };
    this.apply();
  }
}

/** A path that is vertical at every point. @param {number[][]} points */
function curve(points) {
  let path = "";
  points.forEach(([x = 0, y = 0], i) => {
    const [px = 0, py = 0] = points[i - 1] ?? [];
    const half = (y + py) / 2;
    if (i === 0) path = `M${x} ${y}`;
    else path += x === px ? `L${x} ${y}` : `C${px} ${half} ${x} ${half} ${x} ${y}`;
  });
  return path;
}

/**
 * @param {import("./model.js").Group} group
 * @param {import("./model.js").Model} model
 * @param {string} warmth
 */
function makeCard(group, model, warmth) {
  const share = model.ms > 0 ? group.ms / model.ms : 0;
  const name = group.nodes.length > 1 ? `${group.nodes[0]} + ${group.nodes.length - 1}` : (group.nodes[0] ?? "");
  const bytes = group.dispatches.reduce((sum, index) => sum + (model.dispatches[index]?.bytes ?? 0), 0);
  const label = `${group.ops.join(", ")}: ${percentText(share)} of the time, ${timeText(group.ms)}, ${countText(group.flops)} flop, ${bytesText(bytes)}; nodes ${group.nodes.join(", ")}`;
  return svg("g", { class: "card", tabindex: 0, role: "button", "aria-label": label, style: `--heat:${warmth}` },
    svg("title", {}, label),
    svg("rect", { class: "face", width: CARD.width, height: CARD.height, rx: 9 }),
    svg("rect", { class: "warmth", width: 5, height: CARD.height - 16, x: 8, y: 8, rx: 2.5 }),
    svg("text", { class: "ops", x: 22, y: 21 }, head(unique(group.ops).join(" · "), 18)),
    svg("text", { class: "share", x: CARD.width - 10, y: 21 }, percentText(share)),
    svg("text", { class: "name", x: 22, y: 38 }, cut(name, 25)));
}

/** @param {readonly string[]} words */
function unique(words) {
  return [...new Set(words)];
}

/** @param {string} text @param {number} length */
function head(text, length) {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

/** Keeps the end, where names differ. @param {string} text @param {number} length */
function cut(text, length) {
  return text.length <= length ? text : `…${text.slice(1 - length)}`;
}
