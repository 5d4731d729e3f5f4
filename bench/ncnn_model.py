"""Writes real-time models as ncnn reads them, for bench/engine.

pnnx would do it from the exported ONNX, but installs PyTorch and knows no whole numbers; and these are
plain chains. The graph is that of `nervure models export`: Lanczos as one convolution, the chain, both
shuffled and added. In int8 the weights, and what codes stand for, are those of our file, with ncnn's own
rounding; its codes have a sign, so the first layer sees pictures in 7 bits where ours sees 8.
"""

import json
import math
import struct

RAW, INT8 = b"\0\0\0\0", struct.pack("<I", 0x000D4B38)
REACH = 3
DTYPES = {"F32": "f", "I8": "b", "I32": "i"}


def read(path):
    """The tensors of an artefact, as flat tuples, with their shapes; and its card."""
    data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    card = json.loads(header.pop("__metadata__")["nervure"])
    tensors = {}
    for name, told in header.items():
        start, end = told["data_offsets"]
        values = data[8 + length + start : 8 + length + end]
        kind = DTYPES[told["dtype"]]
        tensors[name] = (told["shape"], struct.unpack(f"<{len(values) // struct.calcsize(kind)}{kind}", values))
    return card, tensors


def floats(values):
    return struct.pack(f"<{len(values)}f", *values)


def lanczos(scale):
    """The classical upscaler's weights: for each place of a square, 7x7."""
    def kernel(x):
        def sinc(x):
            return math.sin(math.pi * x) / (math.pi * x) if x else 1.0
        return sinc(x) * sinc(x / REACH) if abs(x) < REACH else 0.0

    lobes = []
    for phase in range(scale):
        middle = (phase + 0.5) / scale - 0.5
        taps = [kernel(tap - REACH - middle) for tap in range(2 * REACH + 1)]
        lobes.append([tap / sum(taps) for tap in taps])
    return [y * x for down in lobes for across in lobes for y in down for x in across]


def write(artefact, stem):
    """Writes STEM.param and STEM.bin."""
    card, tensors = read(artefact)
    scale, count = card["scale"], card["parameters"]["layers"]
    whole = card["precision"] == "int8"
    base = lanczos(scale)
    layers = [
        "Input in 0 1 in0",
        "Split split 1 2 in0 a b",
        f"Padding around 1 1 a around 0={REACH} 1={REACH} 2={REACH} 3={REACH} 4=1",
        f"Convolution base 1 1 around squares 0={scale * scale} 1={2 * REACH + 1} 6={len(base)}",
        f"PixelShuffle large 1 1 squares large 0={scale}",
    ]
    blobs = [RAW, floats(base)]
    before = "b"
    for number in range(count):
        def tensor(part, number=number):
            return tensors[f"convs.{number}.{part}"]
        (outputs, *_), weights = tensor("weight")
        _, bias = tensor("bias")
        last = number + 1 == count
        words = f"0={outputs} 1=3 4=1 5=1 6={len(weights)}" + ("" if last else " 9=1")
        if whole:
            given, scales = tensor("input_scale")[1][0], tensor("weight_scale")[1]
            blobs += [INT8, struct.pack(f"<{len(weights)}b", *weights), bytes(-len(weights) % 4)]
            blobs += [floats([value * given * each for value, each in zip(bias, scales)])]
            blobs += [floats([1 / each for each in scales]), floats([127.0 if number == 0 else 1 / given])]
            if last:
                words += " 8=2"
            else:  # codes to the next layer
                words += " 8=102"
                blobs += [floats([1 / tensors[f"convs.{number + 1}.input_scale"][1][0]])]
        else:
            blobs += [RAW, floats(weights), floats(bias)]
        layers.append(f"Convolution conv{number} 1 1 {before} layer{number} {words}")
        before = f"layer{number}"
    layers += [
        f"PixelShuffle corrections 1 1 {before} corrections 0={scale}",
        "BinaryOp sum 2 1 large corrections out0 0=0",
    ]
    stem.with_suffix(".param").write_text(
        f"7767517\n{len(layers)} {len(layers) + 1}\n" + "\n".join(layers) + "\n"
    )
    stem.with_suffix(".bin").write_bytes(b"".join(blobs))
