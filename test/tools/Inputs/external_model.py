"""Writes a product by weights that lie in another file: external_model.py MODEL LOCATION."""

import os
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper

model_path, location = sys.argv[1:]
weights = np.arange(12, dtype=np.float32).reshape(3, 4)
tensor = numpy_helper.from_array(weights, "w")
tensor.ClearField("raw_data")
tensor.data_location = TensorProto.EXTERNAL
tensor.external_data.add(key="location", value=location)
weights.tofile(os.path.join(os.path.dirname(model_path), location))

x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3])
y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 4])
graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "g", [x], [y], [tensor])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
with open(model_path, "wb") as file:
    file.write(model.SerializeToString())
