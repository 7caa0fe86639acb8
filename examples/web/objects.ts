// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Finds objects in a picture with a network of the YOLOX family.

import { NnccError } from "nncc";
import { classNames } from "./classes.js";
import { findBoxes, type Box } from "./boxes.js";
import { Panel } from "./panel.js";

const LINE = 3;

export class ObjectPanel extends Panel {
  private readonly drop: HTMLElement;
  private readonly canvas: HTMLCanvasElement;
  private readonly found: HTMLElement;
  private picture: ImageBitmap | undefined;

  constructor(section: HTMLElement) {
    super(section, "models/yolox.wasm");
    this.drop = section.querySelector("#drop")!;
    this.canvas = section.querySelector("#picture")!;
    this.found = section.querySelector("#found")!;
    const file = section.querySelector<HTMLInputElement>("#file")!;
    file.addEventListener("change", () => void this.open(file.files?.[0]));
    for (const type of ["dragover", "dragleave", "drop"]) {
      this.drop.addEventListener(type, (event) => {
        event.preventDefault();
        this.drop.classList.toggle("over", type === "dragover");
      });
    }
    this.drop.addEventListener("drop", (event) => void this.open(event.dataTransfer?.files[0]));
  }

  protected override loaded(): Promise<void> {
    return this.detect();
  }

  protected override explain(error: unknown): string {
    const missing = error instanceof NnccError && error.code === "load-failed";
    const hint = "no models/yolox.wasm here: compile a YOLOX network to it, as README.md says";
    return missing ? hint : super.explain(error);
  }

  private async open(file: File | undefined): Promise<void> {
    if (file === undefined) return;
    try {
      this.picture = await createImageBitmap(file);
    } catch {
      this.found.textContent = `${file.name} is not a picture`;
      return;
    }
    this.drop.classList.add("filled");
    this.found.textContent = "";
    this.paint([]);
    await this.detect();
  }

  private async detect(): Promise<void> {
    const { picture, model } = this;
    if (picture === undefined || model === undefined) return;
    const [input] = model.signature.inputs;
    const [, , height, width] = input!.shape.map(Number) as [number, number, number, number];
    // As these networks were trained: blue first, not scaled, grey borders.
    const outputs = await this.run({
      [input!.name]: { image: picture, scale: 1, order: "bgr", fit: "contain", align: "start", fill: 114 },
    });
    if (outputs === undefined) return;
    const ratio = Math.min(width / picture.width, height / picture.height);
    const boxes = findBoxes(Object.values(outputs)[0]!, width, height).map((box) => scaled(box, 1 / ratio));
    this.paint(boxes);
    const names = boxes.map(({ type, score }) => `${classNames[type] ?? type} ${(100 * score).toFixed(0)}%`);
    this.found.textContent = names.join(", ") || "nothing that the network knows";
  }

  private paint(boxes: readonly Box[]): void {
    const picture = this.picture!;
    Object.assign(this.canvas, { width: picture.width, height: picture.height });
    const context = this.canvas.getContext("2d")!;
    context.drawImage(picture, 0, 0);
    // As wide on the screen whatever the picture's size.
    const unit = picture.width / Math.max(1, this.canvas.clientWidth);
    context.lineWidth = LINE * unit;
    context.font = `600 ${14 * unit}px system-ui`;
    for (const { x, y, width, height, type } of boxes) {
      const colour = `hsl(${(type * 47) % 360} 90% 45%)`;
      context.strokeStyle = context.fillStyle = colour;
      context.strokeRect(x, y, width, height);
      const text = classNames[type] ?? String(type);
      context.fillRect(x, y, context.measureText(text).width + 12 * unit, 22 * unit);
      context.fillStyle = "white";
      context.fillText(text, x + 6 * unit, y + 16 * unit);
    }
  }
}

function scaled({ x, y, width, height, ...rest }: Box, ratio: number): Box {
  return { ...rest, x: x * ratio, y: y * ratio, width: width * ratio, height: height * ratio };
}
