#!/usr/bin/python3
"""Writes test/golden/pad.json: OpenCV's copyMakeBorder with the sides that YOLO's letterbox gives it.

Run with numpy and OpenCV:  /usr/bin/python3 scripts/golden/make_pad.py
The image is noise.py. `sides` are left, top, right, bottom, where they are given; else the image is brought to
outWidth x outHeight as letterbox does it: half of what is missing, minus and plus 0.1, rounded. One case per line.
"""
import hashlib
import json
import pathlib

import cv2
import numpy as np

from noise import noise

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHANNELS = {"L": 1, "RGB": 3, "RGBA": 4}


def letterbox(width, height, out_width, out_height):
    dw, dh = (out_width - width) / 2, (out_height - height) / 2
    return round(dw - 0.1), round(dh - 0.1), round(dw + 0.1), round(dh + 0.1)


def case(seed, mode, width, height, sides, out_size, value):
    left, top, right, bottom = sides or letterbox(width, height, *out_size)
    image = noise(seed, width * height * CHANNELS[mode]).reshape(height, width, CHANNELS[mode])
    padded = cv2.copyMakeBorder(image, top, bottom, left, right, cv2.BORDER_CONSTANT, value=value)
    out_height, out_width = padded.shape[:2]
    data = padded.tobytes()
    return json.dumps({"mode": mode, "seed": seed, "width": width, "height": height, "sides": sides or [],
                       "outWidth": out_width, "outHeight": out_height, "value": value,
                       "sha256": hashlib.sha256(data).hexdigest(), "head": data[:32].hex()})


def main():
    lines = []
    seed = 0
    for mode, value in (("RGB", [114, 114, 114]), ("RGB", [1, 2, 3]), ("RGBA", [9, 8, 7, 6]), ("L", [255]), ("RGB", [0, 0, 0])):
        for width, height, size in ((640, 427, (640, 640)), (33, 64, (64, 64)), (30, 61, (64, 64)), (7, 5, (8, 5)), (1, 1, (2, 5)), (9, 9, (9, 9))):
            seed += 1
            lines.append(case(seed, mode, width, height, None, size, value))
        for width, height, sides in ((5, 4, [1, 2, 3, 4]), (17, 3, [0, 0, 0, 9]), (6, 20, [7, 0, 0, 0]), (3, 2, [0, 5, 0, 0])):
            seed += 1
            lines.append(case(seed, mode, width, height, sides, None, value))
    text = '{"reference": "OpenCV %s copyMakeBorder", "cases": [\n%s\n]}\n' % (cv2.__version__, ",\n".join(lines))
    (ROOT / "test/golden/pad.json").write_text(text)
    print(len(lines), "cases")


main()
