#!/usr/bin/python3
"""Writes test/golden/resize_pillow.json: what Pillow's resize gives with each of its filters (see resize_cases.py).

Run with Pillow 9.4 and numpy (Debian 12: python3-pil, python3-numpy):  /usr/bin/python3 scripts/golden/make_resize.py
With --check it writes nothing, and compares the Pillow that is there with the file: 12.3 differs only where an image more
than 100 times as tall as wide shrinks vertically, as it then runs the vertical pass first.
"""
import json
import sys

import numpy as np
import PIL
from PIL import Image

import resize_cases
from noise import noise

FILTERS = {
    "nearest": Image.NEAREST, "box": Image.BOX, "bilinear": Image.BILINEAR, "hamming": Image.HAMMING,
    "bicubic": Image.BICUBIC, "lanczos3": Image.LANCZOS,
}


def resize_with(filter):
    def resize(mode, pixels, width, height):
        image = Image.frombytes(mode, pixels.shape[1::-1], pixels.tobytes())
        assert image.tobytes() == pixels.tobytes()  # all four channels of RGBX are carried
        result = image.resize((width, height), filter).tobytes()
        return np.frombuffer(result, np.uint8).reshape(height, width, pixels.shape[2])
    return resize


def check_rgbx_is_four_independent_channels():
    pixels = noise(1, 40 * 30 * 4).reshape(30, 40, 4)
    for filter in FILTERS.values():
        together = resize_with(filter)("RGBX", pixels, 17, 50)
        for c in range(4):
            alone = resize_with(filter)("L", np.ascontiguousarray(pixels[:, :, c:c + 1]), 17, 50)
            assert (together[:, :, c:c + 1] == alone).all()


def compare(seed):
    kept = json.loads((resize_cases.ROOT / "test/golden/resize_pillow.json").read_text())["cases"]
    equal = different = 0
    for (case, pixels), golden in zip(resize_cases.cases(seed), kept, strict=True):
        assert case == {key: value for key, value in golden.items() if key != "sha256"}
        size = case["outWidth"], case["outHeight"]
        for name, filter in FILTERS.items():
            if resize_cases.short_hash(resize_with(filter)(case["mode"], pixels, *size)) == golden["sha256"][name]:
                equal += 1
                continue
            different += 1
            assert case["height"] > 100 * case["width"] and case["outHeight"] < case["height"], (case, name)
    print(f"Pillow {PIL.__version__}: {equal} results equal, {different} of very tall images differ")


check_rgbx_is_four_independent_channels()
if sys.argv[1:] == ["--check"]:
    compare(1)
else:
    resize_cases.write("resize_pillow.json", f"Pillow {PIL.__version__} Image.resize", 1,
                       {name: resize_with(filter) for name, filter in FILTERS.items()})
