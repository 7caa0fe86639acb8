"""Runs Inputs/scale.mlir, compiled, in wasmtime."""

import math
import sys

from host import Model

model = Model(sys.argv[1])
for batch in (1, 3, 1000):
    x = [(i * 7 % 50) / 10 for i in range(4 * batch)]
    (shape, y), (_, small) = model.run([((batch, 4), x)])
    assert shape == (batch, 4)
    for i, value in enumerate(x):
        want = math.exp(value) * (1 + i % 4) + value
        assert abs(y[i] - want) <= 1e-6 * want, (y[i], want)
        assert small[i] == (value < 1)
try:
    model.run([((2, 5), [0.0] * 10)])
except ValueError as error:
    assert str(error) == "input 'x': dimension 1 is 5, expected 4"
else:
    raise AssertionError("a wrong shape was accepted")
