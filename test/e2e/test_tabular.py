# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Trees, linear models and features of ai.onnx.ml against onnxruntime."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from harness import Array, check, compiled, random, reference

ML = "ai.onnx.ml"
X = random(7, 3)


def model(
    op: str,
    outputs: dict[str, int],
    *inputs: Array,
    version: int = 3,
    **attributes: Any,
) -> tuple[onnx.ModelProto, dict[str, Array]]:
    """A network of one node on the inputs x0, x1.., and their values."""
    feeds = {f"x{i}": value for i, value in enumerate(inputs)}
    node = helper.make_node(op, list(feeds), list(outputs), domain=ML, **attributes)
    graph = helper.make_graph(
        [node],
        "g",
        [
            helper.make_tensor_value_info(
                name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape
            )
            for name, value in feeds.items()
        ],
        [helper.make_tensor_value_info(name, kind, None) for name, kind in outputs.items()],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(ML, version)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8), feeds


def trees(kind: str, weights: list[tuple[int, int, int, float]]) -> dict[str, Any]:
    """Two trees: five nodes with tests of two kinds, and a single leaf."""
    columns = list(zip(*weights, strict=True))
    return {
        "nodes_treeids": [0, 0, 0, 0, 0, 1],
        "nodes_nodeids": [0, 1, 2, 3, 4, 0],
        "nodes_featureids": [1, 0, 2, 0, 0, 0],
        "nodes_values": [0.1, 0.0, -0.3, 0.0, 0.0, 0.0],
        "nodes_modes": ["BRANCH_LEQ", "LEAF", "BRANCH_GT", "LEAF", "LEAF", "LEAF"],
        "nodes_truenodeids": [1, 0, 3, 0, 0, 0],
        "nodes_falsenodeids": [2, 0, 4, 0, 0, 0],
        "nodes_missing_value_tracks_true": [1, 0, 0, 0, 0, 0],
        f"{kind}_treeids": columns[0],
        f"{kind}_nodeids": columns[1],
        f"{kind}_ids": columns[2],
        f"{kind}_weights": columns[3],
    }


LEAVES = [(0, 1), (0, 3), (0, 4), (1, 0)]


def weights(targets: list[int], values: list[float]) -> list[tuple[int, int, int, float]]:
    return [(*leaf, t, v) for leaf, t, v in zip(LEAVES, targets, values, strict=True)]


@pytest.mark.parametrize("mode", ["LEQ", "LT", "GTE", "GT", "EQ", "NEQ"])
def test_tests_of_trees(mode: str, tmp_path: Path) -> None:
    attributes = trees("target", weights([0] * 4, [1.5, -2, 0.25, 3]))
    attributes["nodes_modes"][0] = attributes["nodes_modes"][2] = f"BRANCH_{mode}"
    x = X.copy()
    x[0, 1], x[1, 2], x[2, 1], x[3, 2] = 0.1, -0.3, np.nan, np.nan
    x[4:, 0] = np.nan
    case = model("TreeEnsembleRegressor", {"y": TensorProto.FLOAT}, x, n_targets=1, **attributes)
    check(case[0], tmp_path, case[1])


@pytest.mark.parametrize("join", ["SUM", "AVERAGE", "MIN", "MAX"])
@pytest.mark.parametrize("targets", [[0, 0, 0, 0], [0, 0, 0, 1]])
def test_regressor(targets: list[int], join: str, tmp_path: Path) -> None:
    if join in {"MIN", "MAX"} and any(targets):
        pytest.skip("targets that no leaf gives a weight to")
    count = max(targets) + 1
    case = model(
        "TreeEnsembleRegressor",
        {"y": TensorProto.FLOAT},
        X,
        n_targets=count,
        aggregate_function=join,
        base_values=[0.5] * count,
        **trees("target", weights(targets, [1.5, -2, 0.25, 3])),
    )
    check(case[0], tmp_path, case[1])


CLASSES = {"label": TensorProto.INT64, "scores": TensorProto.FLOAT}


@pytest.mark.parametrize("transform", ["NONE", "LOGISTIC", "SOFTMAX"])
@pytest.mark.parametrize(
    ("labels", "targets", "values"),
    [
        ([3, 5, 9], [0, 1, 2, 0], [1.5, 2, 0.25, 0.5]),
        ([3, 5], [0, 0, 0, 0], [0.1, 0.4, 0.7, 0.05]),
        ([3, 5], [1, 1, 1, 1], [0.1, 0.4, 0.7, 0.05]),
        ([3, 5], [0, 0, 0, 0], [-1.5, 2, -0.25, 0.5]),
    ],
)
def test_classifier(
    labels: list[int], targets: list[int], values: list[float], transform: str, tmp_path: Path
) -> None:
    case = model(
        "TreeEnsembleClassifier",
        CLASSES,
        X,
        classlabels_int64s=labels,
        post_transform=transform,
        **trees("class", weights(targets, values)),
    )
    check(case[0], tmp_path, case[1])


@pytest.mark.parametrize("transform", ["NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO"])
@pytest.mark.parametrize("classes", [1, 3])
def test_linear_classifier(classes: int, transform: str, tmp_path: Path) -> None:
    case = model(
        "LinearClassifier",
        CLASSES,
        X,
        classlabels_ints=[4, 2, 7][: max(classes, 2)],
        coefficients=random(classes * 3, seed=1).tolist(),
        intercepts=random(classes, seed=2).tolist(),
        post_transform=transform,
    )
    check(case[0], tmp_path, case[1])


I64 = np.array([[1, -2, 3], [0, 7, -2]])
FLOAT, INT = TensorProto.FLOAT, TensorProto.INT64
FEATURES: list[tuple[str, int, tuple[Array, ...], dict[str, Any]]] = [
    ("LinearRegressor", FLOAT, (X,), {"coefficients": [1.0, 2, 3, 4, 5, 6], "targets": 2}),
    ("Scaler", FLOAT, (X,), {"offset": [0.5, 0, -1], "scale": [1.0, 2, 3]}),
    *[("Normalizer", FLOAT, (X,), {"norm": norm}) for norm in ("MAX", "L1", "L2")],
    ("Binarizer", FLOAT, (X,), {"threshold": 0.2}),
    ("Imputer", FLOAT, (np.where(X > 0.5, np.nan, X).astype(np.float32),),
     {"imputed_value_floats": [1.0, 2, 3], "replaced_value_float": float("nan")}),
    ("Imputer", INT, (I64,), {"imputed_value_int64s": [9], "replaced_value_int64": -2}),
    ("ArrayFeatureExtractor", FLOAT, (X, np.array([2, 0])), {}),
    ("FeatureVectorizer", FLOAT, (X, X * 2), {"inputdimensions": [3, 3]}),
    ("LabelEncoder", FLOAT, (I64,),
     {"keys_int64s": [1, 3, 7], "values_floats": [0.5, 1.5, 2.5], "default_float": -1.0}),
    ("LabelEncoder", INT, (I64,), {"keys_int64s": [1, 3], "values_int64s": [10, 30]}),
    ("OneHotEncoder", FLOAT, (I64,), {"cats_int64s": [1, 3, 7]}),
    ("OneHotEncoder", FLOAT, (abs(I64[:, ::2]),), {"cats_int64s": [0, 1, 2, 3], "zeros": 0}),
]  # fmt: skip


@pytest.mark.parametrize(("op", "kind", "inputs", "attributes"), FEATURES)
def test_features(
    op: str, kind: int, inputs: tuple[Array, ...], attributes: dict[str, Any], tmp_path: Path
) -> None:
    case = model(op, {"y": kind}, *inputs, **attributes)
    check(case[0], tmp_path, case[1])


LABELS = ["cat", "dog", "eel"]


@pytest.mark.parametrize(
    "node",
    [
        "ArrayFeatureExtractor (labels, best)",
        'LabelEncoder <keys_int64s = [0, 1, 2], values_strings = ["cat", "dog", "eel"]> (best)',
    ],
)
def test_labels_of_rows(node: str, tmp_path: Path) -> None:
    """As scikit-learn's classifiers end: of labels that are strings, the numbers remain."""
    graph = onnx.parser.parse_model(
        f"""<ir_version: 8, opset_import: ["" : 17, "{ML}" : 2]>
        g (float[n, 3] x) => (string[] y) {{ best = ArgMax <axis = 1> (x) y = {ML}.{node} }}"""
    )
    labels = helper.make_tensor("labels", TensorProto.STRING, [3], [s.encode() for s in LABELS])
    graph.graph.initializer.append(labels)
    expected = reference(graph, {"x": X})["y"]
    numbers = compiled(graph, tmp_path).run({"x": X})["y"]
    assert numbers.dtype == np.int64
    np.testing.assert_array_equal(np.array(LABELS)[numbers], expected.astype(str))


def test_leaves_of_several_weights(tmp_path: Path) -> None:
    """Of a leaf's weights for the one target only the first counts."""
    case = model(
        "TreeEnsembleRegressor",
        {"y": FLOAT},
        X,
        n_targets=1,
        **trees("target", [(0, 1, 0, 1.0), (0, 1, 0, 1.0), *weights([0] * 4, [0.5, 2, 3, 4])]),
    )
    check(case[0], tmp_path, case[1])


def test_ensemble_of_version_5(tmp_path: Path) -> None:
    def tensor(values: list[float], kind: int) -> onnx.TensorProto:
        return helper.make_tensor("t", kind, [len(values)], values)

    nan = float("nan")
    case = model(
        "TreeEnsemble",
        {"y": TensorProto.FLOAT},
        np.round(X * 2),
        version=5,
        n_targets=2,
        aggregate_function=1,
        nodes_featureids=[0, 1, 2],
        nodes_modes=tensor([0, 6, 3], TensorProto.UINT8),
        nodes_splits=tensor([0.5, nan, -0.25], TensorProto.FLOAT),
        membership_values=tensor([1, -1, 2, nan], TensorProto.FLOAT),
        nodes_truenodeids=[1, 0, 2],
        nodes_trueleafs=[0, 1, 1],
        nodes_falsenodeids=[2, 1, 3],
        nodes_falseleafs=[0, 1, 1],
        tree_roots=[0],
        leaf_targetids=[0, 1, 0, 1],
        leaf_weights=tensor([1.5, -2.25, 3, 4], TensorProto.FLOAT),
    )
    check(case[0], tmp_path, case[1])


@pytest.mark.parametrize("kernel", ["LINEAR", "POLY", "RBF", "SIGMOID"])
@pytest.mark.parametrize("one_class", [0, 1])
def test_support_vectors(kernel: str, one_class: int, tmp_path: Path) -> None:
    case = model(
        "SVMRegressor",
        {"y": TensorProto.FLOAT},
        X,
        kernel_type=kernel,
        kernel_params=[0.4, 0.5, 3.0],
        coefficients=random(4, seed=1).tolist(),
        support_vectors=random(12, seed=2).tolist(),
        n_supports=4,
        rho=[0.25],
        one_class=one_class,
    )
    check(case[0], tmp_path, case[1])


@pytest.mark.parametrize("kernel", ["RBF", "POLY"])
@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("calibrated", [False, True])
def test_support_vector_classifier(
    kernel: str, classes: int, calibrated: bool, tmp_path: Path
) -> None:
    supports = [3, 2, 4, 2][:classes]
    pairs = classes * (classes - 1) // 2
    attributes: dict[str, Any] = {
        "classlabels_ints": [7, 3, 5, 4][:classes],
        "kernel_type": kernel,
        "kernel_params": [0.4, 0.5, 3.0],
        "vectors_per_class": supports,
        "support_vectors": random(3 * sum(supports), seed=1).tolist(),
        "coefficients": random((classes - 1) * sum(supports), seed=2).tolist(),
        "rho": random(pairs, seed=3).tolist(),
    }
    if calibrated:
        attributes["prob_a"] = (random(pairs, seed=4) - 2).tolist()
        attributes["prob_b"] = random(pairs, seed=5).tolist()
    outputs = {"label": TensorProto.INT64, "scores": TensorProto.FLOAT}
    case = model("SVMClassifier", outputs, random(9, 3), **attributes)
    check(case[0], tmp_path, case[1])
