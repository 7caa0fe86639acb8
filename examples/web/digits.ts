// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Classifies what is drawn. The network knows digits as scikit-learn has them:
// 8 x 8 cells, each the number of its 16 dots that are inked.

import { Panel, element } from "./panel.js";

const CELLS = 8;
const DOTS = 4 * CELLS;
const BRUSH = 30;
const INKED = 100;

export class DigitPanel extends Panel {
  private readonly pad: HTMLCanvasElement;
  private readonly pen: CanvasRenderingContext2D;
  private readonly scores: HTMLElement;
  private readonly answer: HTMLElement;

  constructor(section: HTMLElement) {
    super(section, "models/digits.wasm");
    this.pad = section.querySelector("#pad")!;
    this.pen = this.pad.getContext("2d", { willReadFrequently: true })!;
    this.scores = section.querySelector("#scores")!;
    this.answer = section.querySelector("#digit")!;
    Object.assign(this.pen, { lineWidth: BRUSH, lineCap: "round", lineJoin: "round", strokeStyle: "white" });
    this.pad.addEventListener("pointerdown", (event) => this.draw(event));
    this.pad.addEventListener("pointermove", (event) => event.buttons !== 0 && this.draw(event));
    this.pad.addEventListener("pointerup", () => void this.classify());
    section.querySelector("#clear")!.addEventListener("click", () => this.clear());
    this.clear();
  }

  protected override loaded(): Promise<void> {
    return this.classify();
  }

  private draw(event: PointerEvent): void {
    const scale = this.pad.width / this.pad.clientWidth;
    const [x, y] = [event.offsetX * scale, event.offsetY * scale];
    if (event.type === "pointerdown") {
      this.pad.setPointerCapture(event.pointerId);
      this.pen.beginPath();
      this.pen.moveTo(x, y);
    }
    this.pen.lineTo(x, y);
    this.pen.stroke();
  }

  private clear(): void {
    this.pen.clearRect(0, 0, this.pad.width, this.pad.height);
    this.answer.textContent = "";
    this.showScores(new Array<number>(10).fill(0));
  }

  private async classify(): Promise<void> {
    const data = countDots(this.pen, this.pad.width);
    if (data === undefined) return;
    const [input] = this.model?.signature.inputs ?? [];
    if (input === undefined) return;
    const outputs = await this.run({ [input.name]: { dtype: "f32", shape: [1, 1, CELLS, CELLS], data } });
    if (outputs === undefined) return;
    const probabilities = Array.from(Object.values(outputs)[0]!.data as Float32Array);
    this.showScores(probabilities);
    this.answer.textContent = `It is a ${probabilities.indexOf(Math.max(...probabilities))}`;
  }

  private showScores(probabilities: readonly number[]): void {
    const best = Math.max(...probabilities);
    this.scores.replaceChildren(...probabilities.map((probability, digit) => {
      const row = element("li", probability === best && best > 0 ? "best" : "", "");
      const bar = document.createElement("progress");
      bar.value = probability;
      row.append(String(digit), bar, `${(100 * probability).toFixed(0)}%`);
      return row;
    }));
  }
}

/** The drawing, cut out and made as high as the cells; undefined when there is none. */
function countDots(pen: CanvasRenderingContext2D, size: number): Float32Array | undefined {
  const { data } = pen.getImageData(0, 0, size, size);
  let [left, right, top, bottom] = [size, -1, size, -1];
  for (let i = 3; i < data.length; i += 4) {
    if (data[i]! < INKED) continue;
    const [x, y] = [(i >> 2) % size, Math.floor((i >> 2) / size)];
    [left, right, top, bottom] = [Math.min(left, x), Math.max(right, x), Math.min(top, y), Math.max(bottom, y)];
  }
  if (right < 0) return undefined;
  const [width, height] = [right - left + 1, bottom - top + 1];
  const scale = DOTS / Math.max(width, height);
  const small = new OffscreenCanvas(DOTS, DOTS).getContext("2d", { willReadFrequently: true })!;
  small.imageSmoothingQuality = "high";
  const [w, h] = [width * scale, height * scale];
  small.drawImage(pen.canvas, left, top, width, height, (DOTS - w) / 2, (DOTS - h) / 2, w, h);
  const dots = small.getImageData(0, 0, DOTS, DOTS).data;
  const cells = new Float32Array(CELLS * CELLS);
  for (let i = 0; i < DOTS * DOTS; ++i) {
    const cell = Math.floor(i / DOTS / 4) * CELLS + Math.floor((i % DOTS) / 4);
    if (dots[4 * i + 3]! >= INKED) cells[cell]! += 1;
  }
  return cells;
}
