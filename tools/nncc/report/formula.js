// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

/** @type {Readonly<Record<string, (a: number, b: number) => number>>} */
const operators = {
  "*": (a, b) => a * b,
  floordiv: (a, b) => Math.floor(a / b),
  ceildiv: (a, b) => Math.ceil(a / b),
  mod: (a, b) => a - Math.floor(a / b) * b,
};

/**
 * The value of a formula such as "(s0 * 64) ceildiv 4", where `symbols[i]` is si.
 * @param {number | string | null} formula
 * @param {readonly number[]} symbols
 * @returns {number} NaN when it is no formula
 */
export function evaluate(formula, symbols) {
  if (typeof formula !== "string") return formula ?? NaN;
  const tokens = formula.match(/s\d+|\d+|[-+*()]|floordiv|ceildiv|mod/g) ?? [];
  let at = 0;
  const sum = () => {
    let value = product();
    while (tokens[at] === "+" || tokens[at] === "-") value += tokens[at++] === "+" ? product() : -product();
    return value;
  };
  const product = () => {
    let value = factor();
    for (let apply = operators[tokens[at] ?? ""]; apply; apply = operators[tokens[at] ?? ""]) {
      ++at;
      value = apply(value, factor());
    }
    return value;
  };
  /** @returns {number} */
  const factor = () => {
    const token = tokens[at++] ?? "";
    if (token === "-") return -factor();
    if (token.startsWith("s")) return symbols[Number(token.slice(1))] ?? NaN;
    if (token !== "(") return Number(token || NaN);
    const value = sum();
    ++at;
    return value;
  };
  return sum();
}
