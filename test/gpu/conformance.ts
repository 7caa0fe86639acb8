// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What the driver must do wherever there is WebGPU: each case is run in Node, in
// Chromium and in Deno. So nothing here imports anything of one of them.

import type * as Runtime from "../../runtime/web/dist/index.js";

/** What a place gives the cases. */
export interface Place {
  readonly nncc: typeof Runtime;
  /** The bytes of the module of program.ts. */
  readonly module: Uint8Array<ArrayBuffer>;
  /** The same module with changes to its section. */
  variant(changes: object): Uint8Array<ArrayBuffer>;
}

export interface Case {
  readonly name: string;
  run(place: Place): Promise<void>;
}

const same = (got: unknown, wanted: unknown): void => {
  const [a, b] = [JSON.stringify(got), JSON.stringify(wanted)];
  if (a !== b) throw new Error(`${a} instead of ${b}`);
};

const isTrue = (condition: boolean, what: string): void => {
  if (!condition) throw new Error(what);
};

async function rejects(promise: Promise<unknown>, code: string, text = /./): Promise<void> {
  let error: { code?: string; message?: string } | undefined;
  await promise.catch((thrown: typeof error) => (error = thrown));
  if (error === undefined) throw new Error(`${code} was expected, but nothing was thrown`);
  same(error.code, code);
  isTrue(text.test(error.message ?? ""), `'${error.message}' does not say ${text}`);
}

const ramp = (rows: number): Float32Array<ArrayBuffer> => Float32Array.from({ length: 2 * rows }, (_, i) => i - 3);
const scaled = (x: ArrayLike<number>): number[] => Array.from(x, (value, i) => 2 * value + [10, 20][i % 2]!);
const values = (tensor: Runtime.Tensor | undefined): number[] => Array.from(tensor!.data as Float32Array);

/** A device whose buffers are counted. */
async function countingDevice(): Promise<{ device: GPUDevice; live: Set<GPUBuffer> }> {
  const adapter = (await navigator.gpu.requestAdapter())!;
  const device = await adapter.requestDevice();
  keep.push(adapter, device);
  const live = new Set<GPUBuffer>();
  const create = device.createBuffer.bind(device);
  device.createBuffer = (descriptor) => {
    const buffer = create(descriptor);
    const destroy = buffer.destroy.bind(buffer);
    live.add(buffer);
    buffer.destroy = () => {
      live.delete(buffer);
      destroy();
    };
    return buffer;
  };
  return { device, live };
}

/** The npm package webgpu crashes when such objects are collected. */
const keep: unknown[] = [];

export const cases: readonly Case[] = [
  {
    name: "dispatches in order, with sizes that change",
    async run({ nncc, module }) {
      const model = await nncc.loadModel(module, { device: "gpu" });
      same([model.device, model.whyNotGpu], ["gpu", undefined]);
      for (const rows of [3, 1000, 1, 3]) {
        const x = ramp(rows);
        const { y, mask } = await model.run({ x });
        same(y!.shape, [rows, 2]);
        same(values(y), scaled(x));
        same([mask!.dtype, ...values(mask)], ["bool", ...Array.from(x, (value) => Number(value > 0))]);
      }
      model.dispose();
    },
  },
  {
    name: "outputs stay valid and inputs stay as they are",
    async run({ nncc, module }) {
      const model = await nncc.loadModel(module, { device: "gpu" });
      const x = ramp(2);
      const first = await model.run({ x });
      await model.run({ x: ramp(4) });
      same([values(first["y"]), Array.from(x)], [scaled(ramp(2)), Array.from(ramp(2))]);
      model.dispose();
    },
  },
  {
    name: "kept outputs feed the next run without a readback",
    async run({ nncc, module }) {
      const model = await nncc.loadModel(module, { device: "gpu" });
      const first = await model.run({ x: ramp(2) }, { keep: "gpu" });
      const second = await model.run({ x: first["y"]! }, { keep: ["y"] });
      const third = await model.run({ x: second["y"] as Runtime.GpuTensor });
      same(values(third["y"]), scaled(scaled(scaled(ramp(2)))));
      same((second["mask"] as Runtime.Tensor).dtype, "bool");
      same(values(await first["y"]!.read()), scaled(ramp(2)));
      first["y"]!.destroy();
      await rejects(first["y"]!.read(), "disposed");
      await rejects(model.run({ x: first["y"]! }), "disposed", /'x'/);
      await rejects(model.run({ x: ramp(2) }, { keep: ["z"] }), "unknown-output", /'z'/);
      model.dispose();
      await rejects(first["mask"]!.read(), "disposed");
    },
  },
  {
    name: "outputs go where the caller wants them, be it the input of a run that loses its device",
    async run({ nncc, module }) {
      const model = await nncc.loadModel(module, { device: "gpu" });
      const x = ramp(2);
      for (const isLost of [false, true]) {
        const expected = scaled(x);
        const run = model.run({ x }, { into: { y: x, mask: new Uint8Array(9) } });
        if (isLost) model.gpu!.destroy();
        const { y, mask } = await run;
        isTrue(y!.data === x, "y is in another array");
        same([values(y), mask!.data.length], [expected, 4]);
      }
      const kept = await model.run({ x: ramp(1) }, { keep: ["y"], into: { mask: new Uint8Array(2) } });
      await model.run({ x: ramp(1) }, { keep: ["y"], into: kept });
      await rejects(model.run({ x }, { into: { y: kept["y"]! } }), "wrong-dtype", /'y'.*GpuTensor/);
      await rejects(model.run({ x }, { into: { y: ramp(1) } }), "wrong-shape", /'y' has 4 elements.*2/);
      const moved = ramp(2);
      const run = model.run({ x: ramp(2) }, { into: { y: moved } });
      await rejects(model.run({ x: ramp(2) }, { into: { y: x } }), "busy");
      structuredClone(moved, { transfer: [moved.buffer] });
      await rejects(run, "wrong-shape", /'y'.*holds 0/);
      same(values((await model.run({ x: ramp(2) }, { into: { y: x } }))["y"]), scaled(ramp(2)));
      model.dispose();
    },
  },
  {
    name: "takes buffers of the caller's",
    async run({ nncc, module }) {
      const { device } = await countingDevice();
      const model = await nncc.loadModel(module, { device: "gpu", gpu: device });
      isTrue(model.gpu === device, "the model does not run on the device that was given");
      const usage = GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
      const buffer = device.createBuffer({ size: 64, usage });
      device.queue.writeBuffer(buffer, 16, ramp(2));
      const { y } = await model.run({ x: { dtype: "f32", shape: [2, 2], buffer, offset: 16 } });
      same(values(y), scaled(ramp(2)));
      await rejects(model.run({ x: buffer }), "wrong-shape", /open sizes/);
      await rejects(model.run({ x: { dtype: "f32", shape: [9, 2], buffer } }), "wrong-shape", /72 bytes.* 64/);
      const unreadable = device.createBuffer({ size: 64, usage: GPUBufferUsage.COPY_DST });
      await rejects(model.run({ x: { dtype: "f32", shape: [1, 2], buffer: unreadable } }), "wrong-device", /COPY_SRC/);
      for (const offset of [2, -4, NaN]) {
        await rejects(model.run({ x: { dtype: "f32", shape: [1, 2], buffer, offset } }), "wrong-shape", /'x'.* at byte/);
      }
      buffer.destroy();
      await rejects(model.run({ x: { dtype: "f32", shape: [1, 2], buffer } }), "gpu-error", /destroyed/);
      same(values((await model.run({ x: ramp(2) }))["y"]), scaled(ramp(2)));
      model.dispose();
      device.destroy();
    },
  },
  {
    name: "what is on another device is refused",
    async run({ nncc, module }) {
      const [one, other] = [await nncc.loadModel(module), await nncc.loadModel(module)];
      const { y } = await one.run({ x: ramp(1) }, { keep: "gpu" });
      await rejects(other.run({ x: y! }), "wrong-device", /'x'.*same 'gpu'/);
      const buffer = y!.buffer;
      await rejects(other.run({ x: { dtype: "f32", shape: [1, 2], buffer } }), "gpu-error");
      same(values((await other.run({ x: ramp(1) }))["y"]), scaled(ramp(1)));
      const cpu = await nncc.loadModel(module, { device: "cpu" });
      await rejects(cpu.run({ x: y! }), "wrong-device", /CPU/);
      await rejects(cpu.run({ x: ramp(1) }, { keep: "gpu" }), "unsupported-device", /CPU/);
      for (const model of [one, other, cpu]) model.dispose();
    },
  },
  {
    name: "models on one device exchange tensors",
    async run({ nncc, module }) {
      const { device, live } = await countingDevice();
      const options = { device: "gpu", gpu: device } as const;
      const [one, other] = [await nncc.loadModel(module, options), await nncc.loadModel(module, options)];
      const { y } = await one.run({ x: ramp(1) }, { keep: "gpu" });
      same(values((await other.run({ x: y! }))["y"]), scaled(scaled(ramp(1))));
      one.dispose();
      same(values((await other.run({ x: ramp(1) }))["y"]), scaled(ramp(1)));
      other.dispose();
      same(live.size, 0);
      device.destroy();
    },
  },
  {
    name: "two runs at once are refused, and the next works",
    async run({ nncc, module }) {
      const model = await nncc.loadModel(module, { device: "gpu" });
      const first = model.run({ x: ramp(2) });
      await rejects(model.run({ x: ramp(2) }), "busy", /await/);
      same(values((await first)["y"]), scaled(ramp(2)));
      same(values((await model.run({ x: ramp(1) }))["y"]), scaled(ramp(1)));
      model.dispose();
    },
  },
  {
    name: "wrong inputs are refused by name, and the next run works",
    async run({ nncc, module }) {
      const model = await nncc.loadModel(module, { device: "gpu" });
      await rejects(model.run({}), "missing-input", /'x'/);
      await rejects(model.run({ x: new Int32Array(2) }), "wrong-dtype");
      await rejects(model.run({ x: new Float32Array(3) }), "wrong-shape", /'x'/);
      for (const shape of [[1.5, 2], [-1, -3], [NaN, 2]]) {
        await rejects(model.run({ x: { dtype: "f32", shape, data: new Float32Array(3) } }), "wrong-shape", /'x'/);
      }
      try {
        model.runSync({ x: ramp(1) });
        throw new Error("the GPU's results are there at once");
      } catch (error) {
        same((error as { code?: string }).code, "unsupported-device");
      }
      await rejects(model.run({ x: ramp(100001) }), "run-failed", /too many rows/);
      same(values((await model.run({ x: ramp(1) }))["y"]), scaled(ramp(1)));
      model.dispose();
    },
  },
  {
    name: "dispose frees every buffer, whatever happened before",
    async run({ nncc, module, variant }) {
      const { device, live } = await countingDevice();
      const options = { device: "gpu", gpu: device } as const;
      for (let i = 0; i < 3; ++i) {
        const model = await nncc.loadModel(module, options);
        for (const rows of [1, 500, 2]) await model.run({ x: ramp(rows) });
        await model.run({ x: ramp(3) }, { keep: "gpu" });
        await model.run({ x: new Float32Array(3) }).catch(() => undefined);
        isTrue(live.size > 3, "buffers are not counted");
        model.dispose();
        model.dispose();
        same(live.size, 0);
        await rejects(model.run({ x: ramp(1) }), "disposed");
      }
      await rejects(nncc.loadModel(variant({ kernels: broken }), options), "gpu-error");
      same(live.size, 0);
      const model = await nncc.loadModel(module, options);
      const running = model.run({ x: ramp(1) });
      model.dispose();
      await rejects(running, "disposed");
      same(live.size, 0);
      device.destroy();
    },
  },
  {
    name: "a shader that is refused is an error with the kernel and its nodes, or the CPU",
    async run({ nncc, variant }) {
      const module = variant({ kernels: broken });
      await rejects(nncc.loadModel(module, { device: "gpu" }), "gpu-error", /'scale'.*'\/mul', '\/add'.*no_such/s);
      const model = await nncc.loadModel(module);
      same(model.device, "cpu");
      isTrue(/'scale'.*no_such/s.test(model.whyNotGpu!), `why: ${model.whyNotGpu}`);
      same(values((await model.run({ x: ramp(1) }))["y"]), scaled(ramp(1)));
      model.dispose();
    },
  },
  {
    name: "limits and features that the GPU lacks are told",
    async run({ nncc, variant }) {
      const limits = variant({ limits: { maxBufferSize: 2 ** 50 } });
      await rejects(nncc.loadModel(limits, { device: "gpu" }), "unsupported-device", /maxBufferSize.*1125899906842624/);
      const features = variant({ features: ["no-such-feature"] });
      await rejects(nncc.loadModel(features, { device: "gpu" }), "unsupported-device", /no-such-feature/);
      const model = await nncc.loadModel(features);
      same(model.device, "cpu");
      isTrue(/no-such-feature/.test(model.whyNotGpu!), `why: ${model.whyNotGpu}`);
      model.dispose();
    },
  },
  {
    name: "more memory than there is, is an error, and smaller runs work",
    async run({ nncc, module }) {
      const { device } = await countingDevice();
      Object.defineProperty(device, "limits", { value: { maxBufferSize: 4096 } });
      const model = await nncc.loadModel(module, { device: "gpu", gpu: device });
      await rejects(model.run({ x: ramp(1000) }), "out-of-memory", /arena.*4096/);
      same(values((await model.run({ x: ramp(1) }))["y"]), scaled(ramp(1)));
      model.dispose();
      device.destroy();
    },
  },
  {
    name: "a buffer that is refused is an error, and the next run works",
    async run({ nncc, module }) {
      const { device, live } = await countingDevice();
      const model = await nncc.loadModel(module, { device: "gpu", gpu: device });
      const create = device.createBuffer;
      const untold: string[] = [];
      device.onuncapturederror = ({ error }) => untold.push(error.message);
      const refusing = async (usage: number, text: RegExp, keep: string[] = []): Promise<void> => {
        device.createBuffer = (descriptor) => create(descriptor.usage & usage ? { ...descriptor, size: 2 ** 45 } : descriptor);
        await rejects(model.run({ x: ramp(1) }, { keep }), "gpu-error", text);
        device.createBuffer = create;
        same(values((await model.run({ x: ramp(1) }))["y"]), scaled(ramp(1)));
      };
      await refusing(~0, /buffers of the run/);
      const { y } = await model.run({ x: ramp(2) }, { keep: ["y"] });
      await refusing(GPUBufferUsage.COPY_SRC, /the run/, ["y"]);
      same(values(await (y as Runtime.GpuTensor).read()), scaled(ramp(2)));
      model.dispose();
      same(untold, []);
      same(live.size, 0);
      device.destroy();
    },
  },
  {
    name: "an arena of several buffers is as one",
    async run({ nncc, variant }) {
      const { device, live } = await countingDevice();
      Object.defineProperty(device, "limits", { value: { maxBufferSize: 256 } });
      const model = await nncc.loadModel(variant({ arenaPage: 256 }), { device: "gpu", gpu: device });
      for (const rows of [3, 32, 1]) {
        const { y, mask } = await model.run({ x: ramp(rows) });
        same(values(y), scaled(ramp(rows)));
        same(values(mask), Array.from(ramp(rows), (value) => Number(value > 0)));
      }
      isTrue([...live].filter(({ label }) => label === "arena").length > 1, "the arena is one buffer");
      const kept = await model.run({ x: ramp(32) }, { keep: "gpu" });
      same(values(await kept["y"]!.read()), scaled(ramp(32)));
      same(values((await model.run({ x: kept["y"]! }))["y"]), scaled(scaled(ramp(32))));
      model.dispose();
      same(live.size, 0);
      device.destroy();
    },
  },
  {
    name: "an invalid dispatch names its kernel",
    async run({ nncc, variant }) {
      const swapped = variant({ outputs: [{ storage: "f32" }, { storage: "i32" }], weights: [{ offset: 0, bytes: 4 }] });
      const model = await nncc.loadModel(swapped, { device: "gpu" });
      await rejects(model.run({ x: ramp(1) }), "gpu-error", /kernel 'scale' of the ONNX nodes '\/mul', '\/add'/);
      model.dispose();
    },
  },
  {
    name: "a device that is lost in the middle of 100 runs loses none",
    async run({ nncc, module }) {
      const model = await nncc.loadModel(module, { device: "gpu" });
      const devices = new Set<GPUDevice>();
      for (let i = 0; i < 100; ++i) {
        const run = model.run({ x: ramp(1 + (i % 3)) });
        devices.add(model.gpu!);
        if (i % 40 === 20) model.gpu!.destroy();
        if (i % 40 === 25) setTimeout(() => model.gpu!.destroy());
        same(values((await run)["y"]), scaled(ramp(1 + (i % 3))));
      }
      isTrue(devices.size > 2, "no new device was opened");
      same(model.device, "gpu");
      model.dispose();
    },
  },
  {
    name: "a lost device is an error where the caller wants that",
    async run({ nncc, module }) {
      const model = await nncc.loadModel(module, { device: "gpu", onDeviceLost: "fail" });
      const { y } = await model.run({ x: ramp(1) }, { keep: "gpu" });
      const run = model.run({ x: ramp(1) });
      model.gpu!.destroy();
      await rejects(run, "device-lost");
      same(values((await model.run({ x: ramp(1) }))["y"]), scaled(ramp(1)));
      await rejects(model.run({ x: y! }), "device-lost", /'x'/);
      model.dispose();
    },
  },
  {
    name: "the caller's device is not replaced when it is lost",
    async run({ nncc, module }) {
      const { device } = await countingDevice();
      const model = await nncc.loadModel(module, { device: "gpu", gpu: device });
      const run = model.run({ x: ramp(1) });
      device.destroy();
      await rejects(run, "device-lost", /new one/);
      model.dispose();
    },
  },
  {
    name: "without WebGPU the CPU runs, and it is said why",
    async run({ nncc, module }) {
      const had = Object.getOwnPropertyDescriptor(navigator, "gpu");
      const never = { requestAdapter: async () => null };
      for (const [value, text] of [[undefined, /no WebGPU/], [never, /no GPU/]] as const) {
        Object.defineProperty(navigator, "gpu", { value, configurable: true });
        try {
          const model = await nncc.loadModel(module);
          same(model.device, "cpu");
          isTrue(text.test(model.whyNotGpu!), `why: ${model.whyNotGpu}`);
          same(values((await model.run({ x: ramp(1) }))["y"]), scaled(ramp(1)));
          await rejects(nncc.loadModel(module, { device: "gpu" }), "unsupported-device", text);
          model.dispose();
        } finally {
          if (had === undefined) delete (navigator as { gpu?: GPU }).gpu;
          else Object.defineProperty(navigator, "gpu", had);
        }
      }
    },
  },
  {
    name: "when the GPU is lost and there is no other, the CPU goes on",
    async run({ nncc, module }) {
      const model = await nncc.loadModel(module);
      const had = Object.getOwnPropertyDescriptor(navigator, "gpu");
      Object.defineProperty(navigator, "gpu", { value: undefined, configurable: true });
      try {
        model.gpu!.destroy();
        same(values((await model.run({ x: ramp(1) }))["y"]), scaled(ramp(1)));
        same(model.device, "cpu");
        isTrue(/lost/.test(model.whyNotGpu!), `why: ${model.whyNotGpu}`);
      } finally {
        if (had === undefined) delete (navigator as { gpu?: GPU }).gpu;
        else Object.defineProperty(navigator, "gpu", had);
      }
      model.dispose();
    },
  },
  {
    name: "a GPU that gives no device is told",
    async run({ nncc, module }) {
      const failing = (text: string) => () => Promise.reject(new DOMException(text, "OperationError"));
      const adapter = { info: { description: "of the test" }, limits: {}, features: new Set(), requestDevice: failing("too many") };
      const had = Object.getOwnPropertyDescriptor(navigator, "gpu");
      for (const [requestAdapter, text] of [
        [async () => adapter, /no device: too many/], [failing("blocked"), /does not work here: blocked/],
      ] as const) {
        Object.defineProperty(navigator, "gpu", { value: { requestAdapter }, configurable: true });
        try {
          const model = await nncc.loadModel(module);
          isTrue(model.device === "cpu" && text.test(model.whyNotGpu!), `why: ${model.whyNotGpu}`);
          model.dispose();
          await rejects(nncc.loadModel(module, { device: "gpu" }), "unsupported-device", text);
        } finally {
          if (had === undefined) delete (navigator as { gpu?: GPU }).gpu;
          else Object.defineProperty(navigator, "gpu", had);
        }
      }
    },
  },
  {
    name: "a load that is aborted at any time leaves no buffer",
    async run({ nncc, module }) {
      const { device, live } = await countingDevice();
      let [ended, loaded] = [0, 0];
      for (let turns = 0; turns < 60 && loaded === 0; turns += 3) {
        const controller = new AbortController();
        const loading = nncc.loadModel(module, { device: "gpu", gpu: device, signal: controller.signal });
        loading.catch(() => undefined);
        for (let i = 0; i < turns; ++i) await new Promise((resolve) => setTimeout(resolve));
        controller.abort();
        await loading.then((model) => (model.dispose(), ++loaded), (error) => (same(error.code, "aborted"), ++ended));
        same(live.size, 0);
      }
      isTrue(ended > 0, "no load was aborted");
      device.destroy();
    },
  },
  {
    name: "an aborted load ends, and leaves no buffer",
    async run({ nncc, module }) {
      const { device, live } = await countingDevice();
      const options = { device: "gpu", gpu: device } as const;
      await rejects(nncc.loadModel(module, { ...options, signal: AbortSignal.abort() }), "aborted");
      const controller = new AbortController();
      const loading = nncc.loadModel(module, { ...options, signal: controller.signal });
      controller.abort(new Error("the user left"));
      await rejects(loading, "aborted", /the user left/);
      same(live.size, 0);
      device.destroy();
    },
  },
  {
    name: "a profile has the times of the dispatches",
    async run({ nncc, module }) {
      const adapter = await navigator.gpu.requestAdapter();
      keep.push(adapter);
      if (!adapter!.features.has("timestamp-query")) return;
      const loading = nncc.loadModel(module, { device: "gpu", profile: true });
      // Which import nothing when they run.
      if ("ServiceWorkerGlobalScope" in globalThis) return rejects(loading, "load-failed", /the part that profiles/);
      const model = await loading;
      same(values((await model.run({ x: ramp(1) }))["y"]), scaled(ramp(1)));
      const calls = model.profiler!.take();
      same(calls.map(({ kernel }) => model.profiler!.table.kernels[kernel]!.name), ["scale", "positive"]);
      for (const { begin, end } of calls) isTrue(0 <= begin && begin <= end, `from ${begin} to ${end}`);
      model.dispose();
    },
  },
];

const broken = [
  {
    name: "scale",
    nodes: ["/mul", "/add"],
    bindings: ["arena", "weight", "input", "symbols"],
    variants: [{ features: [], code: "@compute @workgroup_size(1) fn scale() { no_such(); }" }],
  },
];
