#!/usr/bin/python3
"""Writes test/golden/normalize.json: every result of both normalize recipes for common means and standard deviations.

Run with numpy:  /usr/bin/python3 scripts/golden/make_normalize.py
numpy's float32 arithmetic rounds every step once, to nearest even, as torchvision's ToTensor + Normalize does.
`hex` holds 3 channels x 256 values as they lie in memory (little-endian). One case per line.
"""
import json
import pathlib

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
f32 = np.float32
SETS = {
    "imagenet": ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    "clip": ([0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]),
    "half": ([0.5, 0.5, 0.5], [0.5, 0.5, 0.5]),
}
SCALE = 1 / 255


def torchvision(mean, std):
    value = (np.arange(256, dtype=np.float64) * SCALE).astype(f32)
    return (value - f32(mean)) / f32(std)


def fused(mean, std):
    back = f32(1 / SCALE)
    return (np.arange(256).astype(f32) - f32(mean) * back) / (f32(std) * back)


def bfloat16(values):
    bits = values.view(np.uint32)
    return ((bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16)).astype(np.uint16)


def main():
    # The definition divides by 255, the recipe multiplies by 1/255: the same bits for every byte.
    divided = np.arange(256).astype(f32) / f32(255)
    assert (divided == (np.arange(256, dtype=np.float64) * SCALE).astype(f32)).all()
    lines = []
    for name, (mean, std) in SETS.items():
        for recipe in (torchvision, fused):
            values = np.stack([recipe(m, s) for m, s in zip(mean, std)])
            assert values.dtype == f32
            for dtype, stored in (("float32", values), ("float16", values.astype(np.float16)), ("bfloat16", bfloat16(values))):
                case = {"set": name, "mean": mean, "std": std, "recipe": recipe.__name__, "dtype": dtype,
                        "hex": stored.tobytes().hex()}
                lines.append(json.dumps(case))
    text = '{"reference": "numpy %s float32", "cases": [\n%s\n]}\n' % (np.__version__, ",\n".join(lines))
    (ROOT / "test/golden/normalize.json").write_text(text)
    print(len(lines), "cases")


main()
