// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Short ways to make elements and to write numbers.

/**
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 * @param {(Node | string)[]} children
 */
export function html(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/**
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 * @param {(Node | string)[]} children
 */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

/**
 * @template {Element} T
 * @param {T} element
 * @param {Record<string, string | number>} attributes
 * @param {(Node | string)[]} children
 * @returns {T}
 */
function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/** @param {string} id @returns {HTMLElement} */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element;
}

/** @param {number} bytes */
export function bytesText(bytes) {
  if (!Number.isFinite(bytes)) return "?";
  const units = ["B", "KiB", "MiB", "GiB"];
  let unit = 0;
  for (; bytes >= 1024 && unit < 3; ++unit) bytes /= 1024;
  return `${bytes >= 100 || unit === 0 ? bytes.toFixed(0) : bytes.toPrecision(3)} ${units[unit]}`;
}

/** @param {number} count */
export function countText(count) {
  if (!Number.isFinite(count)) return "?";
  const units = ["", "k", "M", "G", "T"];
  let unit = 0;
  for (; count >= 1000 && unit < 4; ++unit) count /= 1000;
  return `${unit === 0 ? count.toFixed(0) : count.toPrecision(3)} ${units[unit]}`.trim();
}

/** @param {number} ms */
export function timeText(ms) {
  return ms >= 1 ? `${ms.toPrecision(4)} ms` : `${(1000 * ms).toPrecision(3)} µs`;
}

/** @param {number} share of 1 */
export function percentText(share) {
  return `${(100 * share).toFixed(1)}%`;
}

/** How warm a part is painted: 0 to 1. @param {number} share @param {number} largest */
export function heat(share, largest) {
  return largest > 0 ? Math.sqrt(Math.max(0, share) / largest).toFixed(3) : "0";
}

/**
 * Calls `act` on a click and on Enter or Space, as a button does.
 * @param {Element} element
 * @param {() => void} act
 */
export function onPress(element, act) {
  element.addEventListener("click", act);
  element.addEventListener("keydown", (event) => {
    const { key } = /** @type {KeyboardEvent} */ (event);
    if (key !== "Enter" && key !== " ") return;
    event.preventDefault();
    act();
  });
}
