// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What the page shows: the compiler's report with its formulas worked out, and
// times, measured or estimated.

import { evaluate } from "./formula.js";

/**
 * @typedef {number | string | null} Amount
 * @typedef {{
 *   source?: string, flops: Amount | null, arena_bytes: Amount, weight_bytes: number,
 *   symbols: { name: string, min?: number, max?: number }[],
 *   kernels: { name: string, flops: Amount, bytes: Amount, shapes: string[], nodes: string[] }[],
 *   dispatches: { kernel: number, nodes: string[] }[],
 *   buffers: { offset: Amount, bytes: Amount, uses: number[] }[],
 *   placement: { node: string, op: string, inputs: number[] }[],
 * }} Report as nncc --report=FILE.json writes it
 * @typedef {{ msMedian: number, peakGflops: number | null, dispatches: { kernel: string, ms: number }[] }} Profile
 *   the key `nncc` of what nncc-run --profile=FILE writes
 * @typedef {{ index: number, kernel: number, nodes: string[], flops: number, bytes: number, ms: number }} Dispatch
 * @typedef {{ index: number, name: string, shapes: string[], nodes: string[], dispatches: number[],
 *             flops: number, bytes: number, ms: number }} Kernel with the sums over its dispatches
 * @typedef {{ index: number, ops: string[], nodes: string[], dispatches: number[], flops: number, ms: number }} Group
 *   ONNX nodes that share kernels
 * @typedef {{ index: number, offset: number, bytes: number, uses: number[] }} Buffer
 * @typedef {{ name: string, kernels: Kernel[], dispatches: Dispatch[], groups: Group[], edges: [number, number][],
 *             buffers: Buffer[], ms: number, runMs: number | null, peakGflops: number | null, flops: number | null,
 *             arenaBytes: number, weightBytes: number, nodeCount: number }} Model
 */

/** What estimated times assume. */
export const estimate = { gflops: 60, gigabytesPerSecond: 20 };

/**
 * @param {Report} report
 * @param {readonly number[]} symbols their values
 * @param {Profile | null} profile
 * @returns {Model}
 */
export function makeModel(report, symbols, profile) {
  const times = profile ? matchTimes(report, profile) : null;
  const dispatches = report.dispatches.map(({ kernel, nodes }, index) => {
    const info = report.kernels[kernel];
    const flops = evaluate(info?.flops ?? 0, symbols);
    const bytes = evaluate(info?.bytes ?? 0, symbols);
    const estimated = Math.max(flops / estimate.gflops, bytes / estimate.gigabytesPerSecond) / 1e6;
    return { index, kernel, nodes, flops, bytes, ms: times?.[index] ?? estimated };
  });
  const kernels = report.kernels.map(({ name, shapes, nodes }, index) => {
    const own = dispatches.filter((dispatch) => dispatch.kernel === index);
    return { index, name, shapes, nodes, dispatches: own.map((dispatch) => dispatch.index), ...addUp(own) };
  });
  const buffers = report.buffers.map(({ offset, bytes, uses }, index) => {
    return { index, offset: evaluate(offset, symbols), bytes: evaluate(bytes, symbols), uses };
  });
  return {
    name: report.source ?? "network",
    kernels, dispatches, buffers,
    ...groupNodes(report, dispatches),
    ms: addUp(dispatches).ms,
    runMs: profile?.msMedian ?? null,
    peakGflops: profile?.peakGflops ?? null,
    flops: report.flops === null ? null : evaluate(report.flops, symbols),
    arenaBytes: evaluate(report.arena_bytes, symbols),
    weightBytes: report.weight_bytes,
    nodeCount: report.placement.length,
  };
}

/** @param {readonly { ms: number, flops: number, bytes: number }[]} parts */
function addUp(parts) {
  /** @param {"ms" | "flops" | "bytes"} key */
  const sum = (key) => parts.reduce((total, part) => total + part[key], 0);
  return { ms: sum("ms"), flops: sum("flops"), bytes: sum("bytes") };
}

/**
 * The milliseconds of each dispatch.
 * @param {Report} report
 * @param {Profile} profile
 */
function matchTimes(report, profile) {
  const names = report.dispatches.map(({ kernel }) => report.kernels[kernel]?.name);
  const fits = profile.dispatches.length === names.length && names.every((name, i) => profile.dispatches[i]?.kernel === name);
  if (!fits) throw new Error("The profile is of another module: compile the network, profile that module, and try again.");
  return profile.dispatches.map((dispatch) => dispatch.ms);
}

/**
 * Nodes that a dispatch computes together become a group. Nodes that no kernel
 * computes (shapes, constants, views) disappear, and edges lead past them.
 * @param {Report} report
 * @param {readonly Dispatch[]} dispatches
 * @returns {{ groups: Group[], edges: [number, number][] }}
 */
function groupNodes(report, dispatches) {
  const nodes = report.placement;
  const numbers = new Map(nodes.map(({ node }, i) => [node, i]));
  const parents = nodes.map((_, i) => i);
  /** @param {number} i @returns {number} */
  const find = (i) => (parents[i] === i ? i : (parents[i] = find(parents[i] ?? i)));
  const members = dispatches.map((dispatch) => dispatch.nodes.flatMap((name) => numbers.get(name) ?? []));
  const isComputed = new Set(members.flat());
  for (const [first, ...rest] of members) for (const other of rest) parents[find(other)] = find(first ?? other);

  /** @type {Map<number, Group>} */
  const byRoot = new Map();
  nodes.forEach(({ node, op }, i) => {
    if (!isComputed.has(i)) return;
    const root = find(i);
    const group = byRoot.get(root) ?? { index: byRoot.size, ops: [], nodes: [], dispatches: [], flops: 0, ms: 0 };
    group.nodes.push(node);
    group.ops.push(op);
    byRoot.set(root, group);
  });
  dispatches.forEach(({ index, ms, flops }, i) => {
    const group = byRoot.get(find(members[i]?.[0] ?? -1));
    if (!group) return;
    group.dispatches.push(index);
    group.ms += ms;
    group.flops += flops;
  });
  const groupOf = nodes.map((_, i) => byRoot.get(find(i))?.index);
  return { groups: [...byRoot.values()], edges: findEdges(nodes, groupOf) };
}

/**
 * @param {Report["placement"]} nodes
 * @param {readonly (number | undefined)[]} groupOf
 * @returns {[number, number][]}
 */
function findEdges(nodes, groupOf) {
  /** The groups that a node's inputs come from. @type {Map<number, Set<number>>} */
  const known = new Map();
  /** @param {number} i @returns {Set<number>} */
  const sources = (i) => {
    const done = known.get(i);
    if (done) return done;
    /** @type {Set<number>} */
    const found = new Set();
    known.set(i, found);
    for (const input of nodes[i]?.inputs ?? []) {
      const group = groupOf[input];
      if (group !== undefined) found.add(group);
      else for (const source of sources(input)) found.add(source);
    }
    return found;
  };
  /** @type {Map<string, [number, number]>} */
  const edges = new Map();
  nodes.forEach((_, i) => {
    const to = groupOf[i];
    if (to === undefined) return;
    for (const from of sources(i)) if (from !== to) edges.set(`${from} ${to}`, [from, to]);
  });
  return [...edges.values()];
}
