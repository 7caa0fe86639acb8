// Prints a digest of the results of math-accuracy.mjs's module for fixed inputs.
import { createHash } from "node:crypto";
import { load } from "./host.mjs";

const model = load(process.argv[2]);
const n = 4096;
const x = Float32Array.from({ length: n }, (_, i) => (i - n / 2) / 64 + 1 / 1024);
const y = Float32Array.from({ length: n }, (_, i) => ((i * 37) % 128) / 16 - 4);
const hash = createHash("sha256");
for (const { data } of model.run([{ shape: [n], data: x }, { shape: [n], data: y }])) {
  // Engines may choose the bits of a NaN.
  data.forEach((value, i) => { if (value !== value) data[i] = 12345; });
  hash.update(new Uint8Array(data.buffer));
}
console.log(hash.digest("hex"));
