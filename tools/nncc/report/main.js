// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Puts the views together: one selection, shown by all.

import { GraphView } from "./graph.js";
import { MemoryView } from "./memory.js";
import { estimate, makeModel } from "./model.js";
import { KernelTable, showDetails } from "./tables.js";
import { TimelineView } from "./timeline.js";
import { byId, bytesText, countText, html, timeText } from "./view.js";

/** @type {{ report: import("./model.js").Report, profile: { nncc?: import("./model.js").Profile } | null }} */
const data = JSON.parse(byId("data").textContent ?? "");

const symbols = data.report.symbols.map(({ min, max }) => max ?? Math.max(min ?? 1, 1));
let profile = data.profile?.nncc ?? null;
let model = makeModel(data.report, symbols, null);

/** @param {readonly number[]} dispatches */
function select(dispatches) {
  const selection = new Set(dispatches);
  for (const view of views) view.highlight(selection);
  showDetails(byId("details"), model, selection);
}

const views = [
  new GraphView(byId("graph"), select), new TimelineView(byId("timeline"), select),
  new MemoryView(byId("memory"), select), new KernelTable(byId("kernels"), select),
];

function draw() {
  byId("problem").textContent = "";
  try {
    model = makeModel(data.report, symbols, profile);
  } catch (error) {
    profile = null;
    byId("problem").textContent = error instanceof Error ? error.message : String(error);
    model = makeModel(data.report, symbols, null);
  }
  byId("name").textContent = model.name;
  document.title = `${model.name} · nncc report`;
  byId("source").textContent = profile
    ? `Times were measured (a run takes ${timeText(profile.msMedian)}${profile.peakGflops ? `; peak ${profile.peakGflops.toFixed(1)} GFLOP/s` : ""}).`
    : `Times are estimated (${estimate.gflops} GFLOP/s, ${estimate.gigabytesPerSecond} GB/s); open a profile of nncc-run to see measured ones.`;
  const tiles = [
    [profile ? "Kernel time" : "Estimated time", timeText(model.ms)], ["Work", model.flops === null ? "depends on data" : `${countText(model.flops)} flop`],
    ["Speed", profile && model.flops !== null && model.ms > 0 ? `${(model.flops / model.ms / 1e6).toFixed(1)} GFLOP/s` : "–"],
    ["Weights", bytesText(model.weightBytes)], ["Arena", bytesText(model.arenaBytes)],
    ["Kernels", `${model.kernels.length}`], ["Dispatches", `${model.dispatches.length}`], ["ONNX nodes", `${model.nodeCount}`],
  ];
  byId("tiles").replaceChildren(...tiles.map(([name = "", value = ""]) => html("div", {}, html("dt", {}, name), html("dd", {}, value))));
  for (const view of views) view.draw(model);
  select([]);
}

/** @param {File} file */
async function openProfile(file) {
  try {
    profile = JSON.parse(await file.text()).nncc ?? null;
    if (!profile) throw new Error("it was not written by nncc-run --profile=FILE");
    draw();
  } catch (error) {
    byId("problem").textContent = `${file.name}: ${error instanceof Error ? error.message : error}`;
  }
}

function listen() {
  const input = /** @type {HTMLInputElement} */ (byId("profile"));
  input.addEventListener("change", () => input.files?.[0] && openProfile(input.files[0]));
  byId("open").addEventListener("click", () => input.click());
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    const file = event.dataTransfer?.files[0];
    if (file) openProfile(file);
  });
  byId("theme").addEventListener("click", () => {
    const root = document.documentElement;
    const isDark = getComputedStyle(root).colorScheme.includes("dark");
    root.style.colorScheme = isDark ? "light" : "dark";
  });
  document.addEventListener("keydown", ({ key }) => key === "Escape" && select([]));
  byId("symbols").append(...data.report.symbols.map(({ name }, i) => {
    const field = /** @type {HTMLInputElement} */ (html("input", { type: "number", min: 1, value: symbols[i] ?? 1 }));
    field.addEventListener("change", () => {
      symbols[i] = Number(field.value);
      profile = null; // It was measured for other sizes.
      draw();
    });
    return html("label", {}, `${name} `, field);
  }));
}

/** The address may name a dispatch: report.html#17 */
function selectByAddress() {
  const number = Number(location.hash.slice(1));
  if (number >= 1) select([number - 1]);
}

listen();
draw();
selectByAddress();
addEventListener("hashchange", selectByAddress);
document.documentElement.dataset["ready"] = "yes";
