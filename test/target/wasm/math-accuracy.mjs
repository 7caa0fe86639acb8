// Compiles every math function, on vectors and scalars, and compares sampled
// results with double precision. Arguments: nncc-translate, a scratch folder and
// a feature. Prints the largest error of each function in ulp of f32.
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { load } from "./host.mjs";

const [, , translate, folder, feature] = process.argv;

function erf(x) {
  if (Math.abs(x) > 6 || x !== x) return x !== x ? x : Math.sign(x);
  let term = Math.abs(x), sum = term;
  for (let i = 3; term > sum * 2 ** -54; i += 2) sum += term *= (2 * x * x) / i;
  return (Math.sign(x) || x) * 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * (sum === 0 ? 1 : sum);
}
const away = (x) => (Number.isFinite(x) && x % 1 !== 0 ? Math.sign(x) * Math.floor(Math.abs(x) + 0.5) : x);
const even = (x) => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.abs(x) < 0.5 ? x * 0 : Math.round(x));

// Name, reference, largest |x| of most samples, limit in ulp, arguments.
const unary = [
  ["exp", Math.exp, 110, 1.1],
  ["exp afn", (x) => (Math.abs(x) > 87.336 ? 0 : Math.exp(-Math.abs(x))), 90, 1.1], ["exp2", (x) => 2 ** x, 160, 1.2], ["expm1", Math.expm1, 30, 3],
  ["log", Math.log, 1e6, 1.1], ["log2", Math.log2, 1e6, 0.51], ["log10", Math.log10, 1e6, 0.51],
  ["log1p", Math.log1p, 100, 2.5], ["sin", Math.sin, 1e5, 0.7], ["cos", Math.cos, 1e5, 0.7],
  ["tan", Math.tan, 1e5, 0.51], ["asin", Math.asin, 1, 0.51], ["acos", Math.acos, 1, 0.51],
  ["atan", Math.atan, 100, 0.51], ["sinh", Math.sinh, 90, 0.51], ["cosh", Math.cosh, 90, 0.51],
  ["tanh", Math.tanh, 10, 5.7], ["asinh", Math.asinh, 100, 0.51], ["acosh", Math.acosh, 100, 0.51],
  ["atanh", Math.atanh, 1, 0.51], ["erf", erf, 5, 7.5], ["cbrt", Math.cbrt, 1e6, 0.51],
  ["rsqrt", (x) => 1 / Math.sqrt(x), 1e6, 1.6], ["sqrt", Math.sqrt, 1e6, 0.51],
  ["floor", Math.floor, 100, 0], ["ceil", Math.ceil, 100, 0], ["trunc", Math.trunc, 100, 0],
  ["round", away, 100, 0], ["roundeven", even, 100, 0], ["absf", Math.abs, 100, 0],
];
const binary = [["powf", (x, y) => (x === 1 || y === 0 ? 1 : x === -1 && Math.abs(y) === Infinity ? 1 : x ** y), 20, 0.51, "math"], ["atan2", Math.atan2, 20, 0.51, "math"],
  ["remf", (x, y) => x % y, 1e4, 0, "arith"],
  ["minnumf", (x, y) => (y < x || x !== x ? y : x), 10, 0, "arith"],
  ["maximumf", Math.max, 10, 0, "arith"]];

/** With a flag, of what is not above 0. */
function kernel(name, dialect, arity, lanes) {
  const [op, flag] = name.split(" ");
  const type = lanes > 1 ? `vector<${lanes}xf32>` : "f32";
  const at = (m) => (lanes > 1 ? `vector.load %${m}[%i] : memref<?xf32>, ${type}` : `memref.load %${m}[%i] : memref<?xf32>`);
  return `func.func private @"${name}_${lanes}"(%x: memref<?xf32>, %y: memref<?xf32>, %out: memref<?xf32>, %begin: index, %end: index) {
    %step = arith.constant ${lanes} : index
    scf.for %i = %begin to %end step %step {
      %a = ${at("x")}
      %b = ${at("y")}
      ${flag ? `%c = math.absf %a : ${type}\n%d = arith.negf %c : ${type}` : ""}
      %r = ${dialect}.${op} ${flag ? `%d fastmath<${flag}>` : arity > 1 ? "%a, %b" : "%a"} : ${type}
      ${lanes > 1 ? "vector" : "memref"}.store %r, %out[%i] : memref<?xf32>${lanes > 1 ? `, ${type}` : ""}
    }
    return
  }`;
}

const all = [...unary.map((row) => [...row, "math", 1]), ...binary.map((row) => [...row, 2])];
const rows = all.flatMap((row) => [[...row, 4], [...row, 1]]);
const memrefs = (n, type) => Array(n).fill(type).join(", ");
const n = rows.length;
const program = `module attributes {nncc.symbols = ["n"],
  nncc.inputs = [${["x", "y"].map((x) => `{name = "${x}", type = tensor<?xf32, affine_map<()[s0] -> (s0)>>}`)}],
  nncc.outputs = [${rows.map(([name, , , , , , lanes]) => `{name = "${name}_${lanes}", type = tensor<?xf32, affine_map<()[s0] -> (s0)>>}`)}]} {
${rows.map(([name, , , , dialect, arity, lanes]) => kernel(name, dialect, arity, lanes)).join("\n")}
func.func @nncc_run(%arena: memref<?xi8>, %w: memref<?xi8>, %n: index, %x: memref<?xf32>, %y: memref<?xf32>) -> (${memrefs(n, "memref<?xf32>")}, ${memrefs(n, "index")}) {
  %c0 = arith.constant 0 : index
  %c4 = arith.constant 4 : index
  %bytes = arith.muli %n, %c4 : index
${rows.map(([name, , , , , , lanes], i) => `  %i${i} = arith.constant ${i} : index
  %o${i} = arith.muli %i${i}, %bytes : index
  %out${i} = memref.view %arena[%o${i}][%n] : memref<?xi8> to memref<?xf32>
  call @"${name}_${lanes}"(%x, %y, %out${i}, %c0, %n) : (memref<?xf32>, memref<?xf32>, memref<?xf32>, index, index) -> ()`).join("\n")}
  return ${rows.map((_, i) => `%out${i}`)}, ${rows.map(() => "%n")} : ${memrefs(n, "memref<?xf32>")}, ${memrefs(n, "index")}
}
func.func @nncc_arena_bytes(%n: index) -> index {
  %bytes = arith.constant ${4 * n} : index
  %size = arith.muli %n, %bytes : index
  return %size : index
}}`;

mkdirSync(folder, { recursive: true });
writeFileSync(`${folder}/math.mlir`, program);
execFileSync(translate, [`${folder}/math.mlir`, `--features=${feature}`, "-o", `${folder}/math.wasm`], { stdio: "inherit" });
const module = load(`${folder}/math.wasm`);

// A fixed sequence, so that a failure can be repeated.
let state = 1;
const random = () => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) / 2 ** 32;
const special = [0, -0, 1, -1, 0.5, -0.5, 2, -2, 3, -3, 1.5, -1.5, 2.5, 1e-40, -1e-40, 1e-45, 3e38, -3e38, 1e10, -1e10,
  16777216, 88.7, -103.9, Infinity, -Infinity, NaN];
const float = new Float32Array(1), word = new Uint32Array(float.buffer);
function ulps(got, want) {
  const rounded = Math.fround(want);
  if (Object.is(got, rounded) || (got !== got && want !== want)) return 0;
  if (got === rounded) return got === 0 ? Infinity : 0; // The sign of zero.
  if (!Number.isFinite(got) || !Number.isFinite(rounded)) return Infinity;
  float[0] = Math.abs(rounded);
  word[0] += 1;
  return Math.abs(got - want) / (float[0] - Math.abs(rounded));
}

let failed = false;
const worst = rows.map(() => [0, NaN, NaN]);
for (const range of new Set(all.map((row) => row[2]))) {
  const pairs = special.flatMap((a) => special.map((b) => [a, b]));
  for (let i = 0; i < 40000; ++i) {
    const scale = i % 3 ? 1 : Math.exp(-20 * random());
    const y = i % 5 ? 20 * (2 * random() - 1) : Math.round(20 * (2 * random() - 1));
    pairs.push([range * (2 * random() - 1) * scale, y]);
  }
  const x = new Float32Array(pairs.map(([a]) => a)), y = new Float32Array(pairs.map(([, b]) => b));
  const results = module.run([{ shape: [x.length], data: x }, { shape: [y.length], data: y }]);
  rows.forEach(([name, reference, most], k) => {
    // Every function also sees the samples of the others, in a coarser way.
    for (let i = 0; i < x.length; i += most === range ? 1 : 7) {
      const error = ulps(results[k].data[i], reference(x[i], y[i]));
      if (error > worst[k][0]) worst[k] = [error, x[i], y[i]];
    }
  });
}
rows.forEach(([name, , , limit, , arity, lanes], k) => {
  const [error, x, y] = worst[k];
  const ok = error <= limit;
  failed ||= !ok;
  console.log(`${ok ? "ok" : "FAIL"} ${name} x${lanes}: ${error.toFixed(2)} ulp at ${x}${arity > 1 ? `, ${y}` : ""} (limit ${limit})`);
});
process.exit(failed ? 1 : 0);
