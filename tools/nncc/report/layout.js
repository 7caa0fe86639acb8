// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A layered drawing: every edge goes down. Long edges get a bend in each layer
// that they cross, layers are ordered by where neighbours are, and everything
// moves towards its neighbours as far as there is room.

/**
 * @typedef {{ id: number, layer: number, x: number, before: Place[], after: Place[], width: number }} Place
 *   a vertex, or a bend (id -1)
 * @typedef {{ places: Place[], routes: { from: number, to: number, bends: Place[] }[], layers: number, left: number, right: number }} Layout
 */

const SWEEPS = 6;
/** Longer edges are drawn straight: bends would widen every layer. */
const LONGEST_ROUTE = 24;

/**
 * @param {number} count vertices
 * @param {readonly [number, number][]} edges
 * @param {number} width of a vertex with its margin
 * @param {number} bendWidth
 * @returns {Layout}
 */
export function layOut(count, edges, width, bendWidth) {
  const forward = edges.filter(([from, to]) => from !== to);
  const layerOf = findLayers(count, forward);
  /** @type {Place[]} */
  const places = layerOf.map((layer, id) => ({ id, layer, x: 0, before: [], after: [], width }));
  const all = [...places];
  const routes = forward.map(([from, to]) => {
    /** @type {Place[]} */
    const bends = [];
    const [begin, end] = [layerOf[from] ?? 0, layerOf[to] ?? 0];
    if (end - begin <= LONGEST_ROUTE) {
      for (let layer = begin + 1; layer < end; ++layer) bends.push({ id: -1, layer, x: 0, before: [], after: [], width: bendWidth });
      all.push(...bends);
    }
    const path = [places[from], ...bends, places[to]];
    for (let i = 1; i < path.length; ++i) {
      const [a, b] = [path[i - 1], path[i]];
      if (!a || !b) continue;
      a.after.push(b);
      b.before.push(a);
    }
    return { from, to, bends };
  });
  /** @type {Place[][]} */
  const layers = Array.from({ length: Math.max(0, ...layerOf) + 1 }, () => []);
  for (const place of all) layers[place.layer]?.push(place);
  for (const layer of layers) spread(layer);
  for (let sweep = 0; sweep < SWEEPS; ++sweep) {
    for (const layer of layers) arrange(layer, "before");
    for (const layer of [...layers].reverse()) arrange(layer, "after");
  }
  for (const layer of layers) for (const place of layer) settle(place);
  const left = Math.min(0, ...all.map((place) => place.x - place.width / 2));
  const right = Math.max(0, ...all.map((place) => place.x + place.width / 2));
  return { places, routes, layers: layers.length, left, right };
}

/**
 * One more than the deepest vertex before; edges that close a cycle do not count.
 * @param {number} count
 * @param {readonly [number, number][]} edges
 */
function findLayers(count, edges) {
  /** @type {number[][]} */
  const before = Array.from({ length: count }, () => []);
  for (const [from, to] of edges) before[to]?.push(from);
  /** @type {(number | undefined)[]} */
  const layers = new Array(count);
  const open = new Set();
  for (let start = 0; start < count; ++start) {
    // A stack of its own: networks are deeper than a call stack may be.
    const stack = [start];
    while (stack.length > 0) {
      const at = stack[stack.length - 1] ?? 0;
      if (layers[at] !== undefined) {
        stack.pop();
        continue;
      }
      open.add(at);
      const next = before[at]?.find((from) => layers[from] === undefined && !open.has(from));
      if (next !== undefined) {
        stack.push(next);
        continue;
      }
      layers[at] = Math.max(0, ...(before[at] ?? []).map((from) => (layers[from] ?? -1) + 1));
      open.delete(at);
      stack.pop();
    }
  }
  return layers.map((layer) => layer ?? 0);
}

/** Side by side around 0. @param {Place[]} layer */
function spread(layer) {
  let x = -layer.reduce((sum, place) => sum + place.width, 0) / 2;
  for (const place of layer) {
    place.x = x + place.width / 2;
    x += place.width;
  }
}

/**
 * Orders a layer by the neighbours on one side and moves it there.
 * @param {Place[]} layer
 * @param {"before" | "after"} side
 */
function arrange(layer, side) {
  const wanted = new Map(layer.map((place) => [place, middle(place[side]) ?? place.x]));
  /** @param {Place} place */
  const want = (place) => wanted.get(place) ?? 0;
  layer.sort((a, b) => want(a) - want(b));
  // Blocks of places that touch; each lies where its members want on average.
  /** @type {{ members: Place[], width: number, sum: number, x: number }[]} */
  const blocks = [];
  for (const place of layer) {
    let block = { members: [place], width: place.width, sum: want(place), x: want(place) };
    for (let last = blocks[blocks.length - 1]; last; last = blocks[blocks.length - 1]) {
      if (last.x + last.width / 2 <= block.x - block.width / 2) break;
      blocks.pop();
      const members = [...last.members, ...block.members];
      const width = last.width + block.width;
      const sum = last.sum + block.sum;
      block = { members, width, sum, x: sum / members.length };
    }
    blocks.push(block);
  }
  for (const { members, width, x } of blocks) {
    let at = x - width / 2;
    for (const member of members) {
      member.x = at + member.width / 2;
      at += member.width;
    }
  }
}

/** A vertex alone with one neighbour on each side stands in line. @param {Place} place */
function settle(place) {
  if (place.id >= 0 || place.before.length !== 1 || place.after.length !== 1) return;
  place.x = Math.round(place.x);
}

/** @param {readonly Place[]} places */
function middle(places) {
  if (places.length === 0) return null;
  const xs = places.map((place) => place.x).sort((a, b) => a - b);
  return ((xs[(xs.length - 1) >> 1] ?? 0) + (xs[xs.length >> 1] ?? 0)) / 2;
}
