"""Checks ONNX files and says what they make of pictures, for tests/onnx.rs.

For each NAME that it is given, reads DIR/NAME.onnx and the numbers of DIR/NAME.input, whose shape is a
line of DIR/NAME.shape, and writes what comes out to DIR/NAME.output, and without the engine's own
changes to the graph to DIR/NAME.plain.
"""

import sys
from pathlib import Path

import numpy
import onnx
import onnxruntime


def run(path, picture, level):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = level
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    (result,) = session.get_outputs()
    assert (given.name, result.name) == ("lr", "hr"), (given.name, result.name)
    assert len(given.shape) == 4 and given.shape[0] == "batch", given.shape
    (output,) = session.run(None, {"lr": picture})
    return output


def check(folder, name):
    path = folder / f"{name}.onnx"
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    shape = [int(axis) for axis in (folder / f"{name}.shape").read_text().split()]
    picture = numpy.fromfile(folder / f"{name}.input", dtype="<f4").reshape(shape)
    levels = onnxruntime.GraphOptimizationLevel
    for ending, level in [("output", levels.ORT_ENABLE_ALL), ("plain", levels.ORT_DISABLE_ALL)]:
        output = run(str(path), picture, level)
        output.astype("<f4").tofile(folder / f"{name}.{ending}")


if __name__ == "__main__":
    for name in sys.argv[2:]:
        check(Path(sys.argv[1]), name)
