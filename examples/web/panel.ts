// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What the panels have in common: a model, and a line that tells of it.

import { loadModel, messageOf, type Inputs, type Model, type Tensor } from "nncc";

export class Panel {
  protected model: Model | undefined;
  private readonly address: string;
  private readonly status: HTMLElement;
  private loading: AbortController | undefined;
  /** Runs wait for each other: a model does one at a time. */
  private queue: Promise<unknown> = Promise.resolve();

  constructor(section: HTMLElement, address: string) {
    this.address = address;
    this.status = section.querySelector(".status")!;
  }

  /** Loads the model, in place of the one that is there. */
  async load(device: "auto" | "cpu"): Promise<void> {
    this.loading?.abort();
    const { signal } = (this.loading = new AbortController());
    const bar = document.createElement("progress");
    this.show(bar, "loading");
    try {
      const onProgress = (loaded: number, total: number): void => {
        if (total > 0) bar.value = loaded / total;
        this.show(bar, `${(loaded / 1024).toFixed(0)} KiB`);
      };
      const model = await loadModel(this.address, { device, signal, onProgress });
      await this.queue;
      this.model?.dispose();
      this.model = model;
      this.showDevice("ready");
      await this.loaded();
    } catch (error) {
      if (!signal.aborted) this.showProblem(error);
    }
  }

  /** What there is to do with a new model. */
  protected async loaded(): Promise<void> {}

  /** What to say when the model cannot be had. */
  protected explain(error: unknown): string {
    return messageOf(error);
  }

  /** The outputs, or nothing when that failed, which the panel then says. */
  protected run(inputs: Inputs): Promise<Record<string, Tensor> | undefined> {
    const run = this.queue.then(() => this.runNow(inputs));
    this.queue = run;
    return run;
  }

  private async runNow(inputs: Inputs): Promise<Record<string, Tensor> | undefined> {
    if (this.model === undefined) return undefined;
    try {
      const begin = performance.now();
      const outputs = await this.model.run(inputs);
      this.showDevice(`${(performance.now() - begin).toFixed(1)} ms`);
      return outputs;
    } catch (error) {
      this.showProblem(error);
      return undefined;
    }
  }

  private showDevice(text: string): void {
    const { device, whyNotGpu } = this.model!;
    const badge = element("span", "device", device.toUpperCase());
    this.show(badge, text, ...(whyNotGpu === undefined ? [] : [element("span", "why", whyNotGpu)]));
  }

  private showProblem(error: unknown): void {
    this.show(element("span", "problem", this.explain(error)));
  }

  private show(...parts: (HTMLElement | string)[]): void {
    this.status.replaceChildren(...parts);
  }
}

export function element(tag: string, className: string, text: string): HTMLElement {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}
