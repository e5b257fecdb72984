#!/usr/bin/python3
"""Writes test/golden/to_rgb.json: uyvy to rgb as ycbcr.py does it.

Run with numpy and OpenCV:  /usr/bin/python3 scripts/golden/make_to_rgb.py
Source `noise` is noise.py. Source `all` is an image of 4096x4096 pixels that holds every Y, Cb and Cr together: group g is
Cb = (g >> 7) & 255, Y0 = 2 * (g & 127), Cr = g >> 15, Y1 = Y0 + 1. One case per line; `head` is the first 32 bytes.
OpenCV's own conversion (BT.601, studio range, 20 bits of fraction) serves as a check that no coefficient is mistaken.
"""
import hashlib
import json
import pathlib

import cv2
import numpy as np

from noise import noise
from ycbcr import WEIGHTS, to_rgb

ROOT = pathlib.Path(__file__).resolve().parents[2]


def every_colour():
    g = np.arange(1 << 23, dtype=np.uint32)
    y = 2 * (g & 127)
    return np.stack([g >> 7 & 255, y, g >> 15, y + 1], axis=1).astype(np.uint8).reshape(4096, 2048, 4)


def case(source, seed, width, height, matrix, levels, uyvy):
    rgb = to_rgb(uyvy, matrix, levels)
    if (matrix, levels) == ("bt601", "studio"):
        other = cv2.cvtColor(uyvy.reshape(height, width, 2), cv2.COLOR_YUV2RGB_UYVY)
        bright = uyvy[:, :, 1::2].reshape(height, width) >= 16  # OpenCV takes Y below 16 for 16
        assert np.abs(rgb.astype(int) - other)[bright].max() <= 1
    data = rgb.tobytes()
    return json.dumps({"source": source, "seed": seed, "width": width, "height": height, "matrix": matrix,
                       "range": levels, "sha256": hashlib.sha256(data).hexdigest(), "head": data[:32].hex()})


def main():
    lines = []
    all_of_them = every_colour()
    for matrix in WEIGHTS:
        for levels in ("studio", "full"):
            lines.append(case("all", 0, 4096, 4096, matrix, levels, all_of_them))
            for seed, (width, height) in enumerate([(2, 1), (4, 3), (34, 17), (130, 7), (1920, 5)], start=1):
                uyvy = noise(seed, width * height * 2).reshape(height, width // 2, 4)
                lines.append(case("noise", seed, width, height, matrix, levels, uyvy))
    reference = "numpy %s, checked against OpenCV %s" % (np.__version__, cv2.__version__)
    text = '{"reference": "%s", "cases": [\n%s\n]}\n' % (reference, ",\n".join(lines))
    (ROOT / "test/golden/to_rgb.json").write_text(text)
    print(len(lines), "cases")


main()
