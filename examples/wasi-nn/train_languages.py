# Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Trains a small network that tells four languages apart, on a few sentences.

usage: train_languages.py FILE.onnx
"""

import sys

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper
from sklearn.linear_model import LogisticRegression

BUCKETS = 1024

# In the order of the network's outputs.
SENTENCES = {
    "English": """the weather was fine this morning and we went for a walk along the river
        she would like to know whether there is another train this evening
        my brother works in a small town where everybody knows each other
        they had been waiting for the doctor since half past eight
        what are you going to do with all these old books
        why did nobody tell me about this before you went there
        this is the house that my grandfather built with his own hands""",
    "French": """le temps était beau ce matin et nous sommes allés nous promener au bord de l'eau
        elle voudrait savoir s'il y a encore un train ce soir pour la ville
        mon frère travaille dans une petite ville où tout le monde se connaît
        ils attendaient le médecin depuis huit heures et demie dans la rue
        que vas-tu faire de tous ces vieux livres que tu ne lis plus jamais
        pourquoi personne ne me l'a dit avant que tu sois parti là-bas
        c'est la maison que mon grand-père a construite de ses propres mains""",
    "German": """das wetter war heute morgen schön und wir gingen am fluss entlang spazieren
        sie möchte wissen ob heute abend noch ein zug in die stadt fährt
        mein bruder arbeitet in einer kleinen stadt in der jeder jeden kennt
        sie hatten seit halb neun auf den arzt gewartet und nichts gegessen
        was willst du mit all diesen alten büchern machen die niemand liest
        warum hat mir das niemand gesagt bevor du dorthin gegangen bist
        das ist das haus das mein großvater mit eigenen händen gebaut hat""",
    "Spanish": """el tiempo era bueno esta mañana y fuimos a pasear por la orilla del río
        ella quisiera saber si esta noche hay otro tren para la ciudad
        mi hermano trabaja en un pueblo pequeño donde todos se conocen
        estaban esperando al médico desde las ocho y media de la mañana
        qué vas a hacer con todos estos libros viejos que nadie quiere leer
        por qué nadie me lo dijo antes de que te fueras allí
        esta es la casa que mi abuelo construyó con sus propias manos""",
}


def bucket(group: bytes) -> int:
    """FNV-1a of three bytes, as in text.c."""
    value = 2166136261
    for byte in group:
        value = (value ^ byte) * 16777619 % 2**32
    return value % BUCKETS


def features(text: str) -> npt.NDArray[np.float32]:
    """The share of each group of three bytes, [BUCKETS]."""
    data = text.lower().encode()
    groups = [bucket(data[i : i + 3]) for i in range(len(data) - 2)]
    return (np.bincount(groups, minlength=BUCKETS) / len(groups)).astype(np.float32)


def main() -> None:
    lines = [
        (line.strip(), label)
        for label, text in enumerate(SENTENCES.values())
        for line in text.splitlines()
    ]
    x = np.stack([features(line) for line, _ in lines])
    model = LogisticRegression(C=1e5, max_iter=1000).fit(x, [label for _, label in lines])
    weights = {"w": model.coef_.T.astype(np.float32), "b": model.intercept_.astype(np.float32)}
    batch = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        [
            helper.make_node("Gemm", ["features", "w", "b"], ["scores"]),
            helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
        ],
        "languages",
        [helper.make_tensor_value_info("features", batch, ["batch", BUCKETS])],
        [helper.make_tensor_value_info("probabilities", batch, ["batch", len(SENTENCES)])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), sys.argv[1])


if __name__ == "__main__":
    main()
