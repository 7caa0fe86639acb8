// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Pictures as inputs: scaled to the size that the model wants, as numbers.

import type { Inputs, PlainInput, PlainInputs } from "./bind.js";
import { NnccError, messageOf } from "./errors.js";
import { toHalf } from "./half.js";
import type { Signature, TensorType } from "./signature.js";
import { arrayClass, typeText, type Tensor } from "./tensor.js";

export type Picture = ImageBitmap | VideoFrame | OffscreenCanvas | HTMLCanvasElement | HTMLImageElement | HTMLVideoElement;

/**
 * A picture and how it becomes an input of the shape [1, C, H, W] or
 * [1, H, W, C] with 1 (grey), 3 or 4 channels. A value is
 * (pixel * scale - mean[c]) / std[c], where pixels are 0..255 in sRGB.
 */
export interface ImageInput {
  readonly image: Picture;
  /** 1/255 for floats, otherwise 1, by default. */
  readonly scale?: number;
  /** 0 for each channel by default. */
  readonly mean?: readonly number[];
  /** 1 for each channel by default. */
  readonly std?: readonly number[];
  /** The order of three channels, "rgb" by default. */
  readonly order?: "rgb" | "bgr";
  /** How another aspect ratio is met: "stretch" by default, "contain" leaves borders, "cover" cuts. */
  readonly fit?: "stretch" | "contain" | "cover";
  /** Where a picture that does not fill, or overfills, the input lies. */
  readonly align?: "center" | "start";
  /** Of the borders, 0..255; 0 by default. */
  readonly fill?: number;
}

/** Whether a value is a picture rather than numbers. */
function isPicture(value: unknown): value is ImageInput | ImageBitmap | VideoFrame {
  const has = (name: "ImageBitmap" | "VideoFrame"): boolean =>
    typeof globalThis[name] === "function" && value instanceof globalThis[name];
  return has("ImageBitmap") || has("VideoFrame") || (typeof value === "object" && value !== null && "image" in value);
}

/** The inputs with pictures read. Throws `wrong-shape` where the model wants none. */
export function readPictures(signature: Signature, inputs: Inputs): PlainInputs {
  return Object.fromEntries(Object.entries(inputs).map(([name, value]) => {
    const type = signature.inputs.find((input) => input.name === name);
    // bindInputs says that there is no such input.
    if (type === undefined || !isPicture(value)) return [name, value as PlainInput];
    return [name, readPicture(type, "image" in value ? value : { image: value })];
  }));
}

/** Where the channels and sizes of an image input are. */
interface ImageShape {
  readonly shape: number[];
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** Elements from one channel, and from one pixel, to the next. */
  readonly channelStep: number;
  readonly pixelStep: number;
}

function readPicture(type: TensorType, input: ImageInput): Tensor {
  const shape = imageShape(type, input.image);
  const { channels, channelStep, pixelStep } = shape;
  const pixels = drawPixels(type.name, shape, input);
  const data = new (arrayClass(type.dtype))(channels * shape.height * shape.width) as { [i: number]: number };
  const isFloat = /^b?f/.test(type.dtype);
  const { scale = isFloat ? 1 / 255 : 1, mean = [], std = [], order = "rgb" } = input;
  const convert = type.dtype === "f16" ? toHalf : (value: number) => value;
  for (let c = 0; c < channels; ++c) {
    const factor = scale / (std[c] ?? 1);
    const offset = -(mean[c] ?? 0) / (std[c] ?? 1);
    const from = order === "bgr" && c < 3 && channels >= 3 ? 2 - c : c;
    for (let p = 0, at = c * channelStep; p < pixels.length; p += 4, at += pixelStep) {
      const pixel = channels === 1 ? grey(pixels, p) : pixels[p + from]!;
      data[at] = convert(pixel * factor + offset);
    }
  }
  return { dtype: type.dtype, shape: shape.shape, data: data as unknown as Tensor["data"] };
}

/** By ITU-R BT.601, as most libraries have it. */
function grey(pixels: Uint8ClampedArray, at: number): number {
  return 0.299 * pixels[at]! + 0.587 * pixels[at + 1]! + 0.114 * pixels[at + 2]!;
}

function imageShape({ name, dtype, shape }: TensorType, image: Picture): ImageShape {
  const [batch, ...rest] = shape;
  const isCount = (dim: unknown): dim is number => dim === 1 || dim === 3 || dim === 4;
  const channelsFirst = isCount(rest[0]);
  const channels = channelsFirst ? rest[0] : rest[2];
  const known = typeof batch === "string" || batch === 1;
  if (shape.length !== 4 || !known || !isCount(channels) || /64|bool|bf16/.test(dtype)) {
    throw new NnccError("wrong-shape", `input '${name}' ${typeText(dtype, shape)} is not a picture: give its elements`);
  }
  const own = pictureSize(image);
  const [h, w] = channelsFirst ? [rest[1], rest[2]] : [rest[0], rest[1]];
  const height = typeof h === "number" ? h : own.height;
  const width = typeof w === "number" ? w : own.width;
  return {
    shape: channelsFirst ? [1, channels, height, width] : [1, height, width, channels],
    channels, height, width,
    channelStep: channelsFirst ? height * width : 1,
    pixelStep: channelsFirst ? 1 : channels,
  };
}

function pictureSize(image: Picture): { width: number; height: number } {
  if ("displayWidth" in image) return { width: image.displayWidth, height: image.displayHeight };
  if ("videoWidth" in image) return { width: image.videoWidth, height: image.videoHeight };
  if ("naturalWidth" in image) return { width: image.naturalWidth, height: image.naturalHeight };
  return image;
}

/** The picture in the size of the input, four bytes a pixel. Throws `wrong-shape` for one that cannot be drawn or read. */
function drawPixels(name: string, { channels, width, height }: ImageShape, input: ImageInput): Uint8ClampedArray {
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true })!;
  const { fit = "stretch", align = "center", fill = 0, image } = input;
  context.fillStyle = `rgb(${fill} ${fill} ${fill})`;
  context.fillRect(0, 0, width, height);
  const own = pictureSize(image);
  const ratios = [width / own.width, height / own.height] as const;
  const ratio = fit === "cover" ? Math.max(...ratios) : Math.min(...ratios);
  const [w, h] = fit === "stretch" ? [width, height] : [own.width * ratio, own.height * ratio];
  const place = align === "center" ? 0.5 : 0;
  const [x, y] = [(width - w) * place, (height - h) * place];
  try {
    // Who takes the alpha as well wants colors as they are, not over the fill.
    if (channels === 4) context.clearRect(x, y, w, h);
    context.drawImage(image, x, y, w, h);
    return context.getImageData(0, 0, width, height).data;
  } catch (error) {
    throw new NnccError("wrong-shape", `input '${name}': bad picture: ${messageOf(error)}`);
  }
}
