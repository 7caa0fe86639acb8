# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Trains a small convolutional network on scikit-learn's digits, in NumPy.

usage: train_digits.py FOLDER

Writes FOLDER/digits.onnx, with an open batch size, and FOLDER/digits.npz, the
digits that it never saw. Seeds are fixed: every run makes the same network up
to rounding.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits

Array = npt.NDArray[np.float32]

EPOCHS = 12
BATCH = 64
RATE = 3e-3
CHANNELS = (16, 32)


def patches(x: Array) -> Array:
    """The 3x3 surroundings of every pixel: [n, h, w, c] -> [n, h, w, 9 * c]."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    height, width = x.shape[1:3]
    shifted = [padded[:, i : i + height, j : j + width] for i in range(3) for j in range(3)]
    return np.concatenate(shifted, axis=-1)


def unpatch(gradient: Array) -> Array:
    """The gradient of patches()."""
    n, height, width, depth = gradient.shape
    channels = depth // 9
    padded = np.zeros((n, height + 2, width + 2, channels), np.float32)
    for k in range(9):
        part = gradient[..., k * channels : (k + 1) * channels]
        padded[:, k // 3 : k // 3 + height, k % 3 : k % 3 + width] += part
    inner: Array = padded[:, 1:-1, 1:-1]
    return inner


def initial_weights(rng: np.random.Generator) -> dict[str, Array]:
    def weights(fan_in: int, fan_out: int) -> Array:
        scale = np.sqrt(2 / fan_in)
        values: Array = (scale * rng.standard_normal((fan_in, fan_out))).astype(np.float32)
        return values

    first, second = CHANNELS
    return {
        "w1": weights(9, first),
        "b1": np.zeros(first, np.float32),
        "w2": weights(9 * first, second),
        "b2": np.zeros(second, np.float32),
        "w3": weights(16 * second, 10),
        "b3": np.zeros(10, np.float32),
    }


def forward(x: Array, p: dict[str, Array]) -> dict[str, Array]:
    """Every value that backward() needs; the scores are in "scores"."""
    n = len(x)
    v: dict[str, Array] = {"p1": patches(x)}
    v["h1"] = np.maximum(v["p1"] @ p["w1"] + p["b1"], 0)
    windows = v["h1"].reshape(n, 4, 2, 4, 2, -1)
    v["pool"] = windows.max(axis=(2, 4))
    v["p2"] = patches(v["pool"])
    v["h2"] = np.maximum(v["p2"] @ p["w2"] + p["b2"], 0)
    # Channels before pixels, as ONNX flattens.
    v["flat"] = v["h2"].transpose(0, 3, 1, 2).reshape(n, -1)
    v["scores"] = v["flat"] @ p["w3"] + p["b3"]
    return v


def backward(
    v: dict[str, Array], labels: npt.NDArray[Any], p: dict[str, Array]
) -> dict[str, Array]:
    """The gradient of the mean cross entropy."""
    n = len(labels)
    shifted = np.exp(v["scores"] - v["scores"].max(axis=1, keepdims=True))
    d = shifted / shifted.sum(axis=1, keepdims=True)
    d[np.arange(n), labels] -= 1
    d = (d / n).astype(np.float32)
    g = {"w3": v["flat"].T @ d, "b3": d.sum(axis=0)}
    d = (d @ p["w3"].T).reshape(n, -1, 4, 4).transpose(0, 2, 3, 1) * (v["h2"] > 0)
    g["w2"] = np.tensordot(v["p2"], d, axes=([0, 1, 2], [0, 1, 2]))
    g["b2"] = d.sum(axis=(0, 1, 2))
    d = unpatch(d @ p["w2"].T)
    windows = v["h1"].reshape(n, 4, 2, 4, 2, -1)
    is_largest = windows == v["pool"][:, :, None, :, None]
    d = (is_largest * d[:, :, None, :, None]).reshape(v["h1"].shape) * (v["h1"] > 0)
    g["w1"] = np.tensordot(v["p1"], d, axes=([0, 1, 2], [0, 1, 2]))
    g["b1"] = d.sum(axis=(0, 1, 2))
    return g


def train(x: Array, labels: npt.NDArray[Any]) -> dict[str, Array]:
    """Adam on shuffled batches."""
    rng = np.random.default_rng(0)
    p = initial_weights(rng)
    mean = {name: np.zeros_like(value) for name, value in p.items()}
    square = {name: np.zeros_like(value) for name, value in p.items()}
    step = 0
    for _ in range(EPOCHS):
        order = rng.permutation(len(x))
        for start in range(0, len(x), BATCH):
            batch = order[start : start + BATCH]
            g = backward(forward(x[batch], p), labels[batch], p)
            step += 1
            for name, gradient in g.items():
                mean[name] += 0.1 * (gradient - mean[name])
                square[name] += 0.001 * (gradient**2 - square[name])
                scale = np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
                change = RATE * scale * mean[name] / (np.sqrt(square[name]) + 1e-8)
                p[name] -= change.astype(np.float32)
    return p


def to_onnx(p: dict[str, Array]) -> onnx.ModelProto:
    """image f32[batch,1,8,8], 0 to 16 -> probabilities f32[batch,10]."""

    def filters(w: Array) -> Array:
        return np.ascontiguousarray(w.reshape(3, 3, -1, w.shape[1]).transpose(3, 2, 0, 1))

    constants = {
        "white": np.float32(16).reshape(()),
        "w1": filters(p["w1"]),
        "b1": p["b1"],
        "w2": filters(p["w2"]),
        "b2": p["b2"],
        "w3": p["w3"],
        "b3": p["b3"],
    }
    padded = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
    nodes = [
        helper.make_node("Div", ["image", "white"], ["x"], name="scale"),
        helper.make_node("Conv", ["x", "w1", "b1"], ["c1"], name="conv1", **padded),
        helper.make_node("Relu", ["c1"], ["r1"], name="relu1"),
        helper.make_node(
            "MaxPool", ["r1"], ["m"], name="pool", kernel_shape=[2, 2], strides=[2, 2]
        ),
        helper.make_node("Conv", ["m", "w2", "b2"], ["c2"], name="conv2", **padded),
        helper.make_node("Relu", ["c2"], ["r2"], name="relu2"),
        helper.make_node("Flatten", ["r2"], ["flat"], name="flatten"),
        helper.make_node("Gemm", ["flat", "w3", "b3"], ["scores"], name="dense"),
        helper.make_node("Softmax", ["scores"], ["probabilities"], name="softmax", axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 1, 8, 8])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", 10])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    digits = load_digits()
    images = digits.images.astype(np.float32)[..., None]
    order = np.random.default_rng(1).permutation(len(images))
    seen, unseen = order[:1437], order[1437:]
    weights = train(images[seen] / 16, digits.target[seen])
    answers = forward(images[unseen] / 16, weights)["scores"].argmax(axis=1)
    correct = float((answers == digits.target[unseen]).mean())
    print(f"trained on {len(seen)} digits; {correct:.1%} right on {len(unseen)} others")
    onnx.save(to_onnx(weights), folder / "digits.onnx")
    np.savez(
        folder / "digits.npz",
        images=images[unseen].transpose(0, 3, 1, 2),
        labels=digits.target[unseen],
    )


if __name__ == "__main__":
    main()
