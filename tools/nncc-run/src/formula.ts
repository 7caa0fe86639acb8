// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

/**
 * The value of a formula of the compiler, such as "(s0 * 64) ceildiv 4", where
 * `symbols[i]` is si; null when it is not one.
 */
export function evaluate(formula: number | string, symbols: readonly number[]): number | null {
  if (typeof formula === "number") return formula;
  const tokens = formula.match(/s\d+|\d+|[-+*()]|floordiv|ceildiv|mod/g) ?? [];
  let at = 0;
  const sum = (): number => {
    let value = product();
    while (tokens[at] === "+" || tokens[at] === "-") value += tokens[at++] === "+" ? product() : -product();
    return value;
  };
  const product = (): number => {
    let value = factor();
    for (let operator = operators[tokens[at]!]; operator !== undefined; operator = operators[tokens[at]!]) {
      ++at;
      value = operator(value, factor());
    }
    return value;
  };
  const factor = (): number => {
    const token = tokens[at++] ?? "";
    if (token === "-") return -factor();
    if (token.startsWith("s")) return symbols[Number(token.slice(1))] ?? NaN;
    if (token !== "(") return Number(token || NaN);
    const value = sum();
    return tokens[at++] === ")" ? value : NaN;
  };
  const value = sum();
  return at === tokens.length && Number.isFinite(value) ? value : null;
}

const operators: Readonly<Record<string, (a: number, b: number) => number>> = {
  "*": (a, b) => a * b,
  floordiv: (a, b) => Math.floor(a / b),
  ceildiv: (a, b) => Math.ceil(a / b),
  mod: (a, b) => a - Math.floor(a / b) * b,
};
