// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The page: two networks, each in a panel that says where it runs.

import { DigitPanel } from "./digits.js";
import { ObjectPanel } from "./objects.js";

const panels = [
  new DigitPanel(document.querySelector("#digits")!),
  new ObjectPanel(document.querySelector("#objects")!),
];
const forceCpu = document.querySelector<HTMLInputElement>("#force-cpu")!;

function loadAll(): void {
  for (const panel of panels) void panel.load(forceCpu.checked ? "cpu" : "auto");
}

forceCpu.addEventListener("change", loadAll);
loadAll();
