#!/usr/bin/python3
"""Writes test/golden/letterbox.json: what YOLO models are given for noise, as SHA-256 of float32 planes.

Run with OpenCV 4.6 and numpy (Debian 12: python3-opencv, python3-numpy):  /usr/bin/python3 scripts/golden/make_letterbox.py
The arithmetic is that of Ultralytics' LetterBox and of its predictor: cv2.resize and cv2.copyMakeBorder on what cv2.imread gives
(bgr), channels reversed, float32, divided by 255. One case per line.
"""
import hashlib
import json
import pathlib

import cv2
import numpy as np

from noise import noise

ROOT = pathlib.Path(__file__).resolve().parents[2]

# (width, height, format, options)
CASES = [
    (1280, 720, "bgr", {}), (720, 1280, "bgr", {}), (640, 480, "bgr", {}), (640, 640, "bgr", {}), (500, 375, "rgb", {}),
    (333, 500, "bgr", {"order": "bgr"}), (101, 77, "bgr", {}), (101, 77, "bgr", {"scaleUp": False}),
    (640, 480, "bgr", {"scaleUp": False}), (811, 608, "bgr", {"center": False}), (1280, 720, "bgr", {"stride": 32}),
    (501, 373, "bgr", {"stride": 32, "center": False}), (97, 61, "rgb", {"size": {"width": 320, "height": 192}, "value": 0}),
    (61, 97, "gray", {"size": 128}), (150, 90, "rgbx", {"size": 97}), (16, 5, "bgr", {"size": 8}), (3, 1000, "bgr", {"size": 640}),
    (1922, 1081, "bgr", {"size": {"width": 640, "height": 384}}),
]


def letterbox(image, size=640, value=114, scale_up=True, center=True, stride=None):
    height, width = image.shape[:2]
    frame = (size, size) if isinstance(size, int) else (size["height"], size["width"])
    ratio = min(frame[0] / height, frame[1] / width)
    if not scale_up:
        ratio = min(ratio, 1.0)
    scaled = round(width * ratio), round(height * ratio)
    missing_x, missing_y = frame[1] - scaled[0], frame[0] - scaled[1]
    if stride is not None:
        missing_x, missing_y = missing_x % stride, missing_y % stride
    if center:
        missing_x, missing_y = missing_x / 2, missing_y / 2
    if (width, height) != scaled:
        image = cv2.resize(image, scaled, interpolation=cv2.INTER_LINEAR)
    top = round(missing_y - 0.1) if center else 0
    left = round(missing_x - 0.1) if center else 0
    bottom, right = round(missing_y + 0.1), round(missing_x + 0.1)
    return cv2.copyMakeBorder(image, top, bottom, left, right, cv2.BORDER_CONSTANT, value=(value,) * 3)


def main():
    lines = []
    for seed, (width, height, format, options) in enumerate(CASES, 2000):
        channels = {"gray": 1, "rgb": 3, "bgr": 3, "rgbx": 4}[format]
        sample = noise(seed, width * height * channels).reshape(height, width, channels)
        rgb = {"gray": np.repeat(sample, 3, 2), "rgb": sample[:, :, :3], "rgbx": sample[:, :, :3], "bgr": sample[:, :, ::-1]}[format]
        names = {"size": "size", "value": "value", "scaleUp": "scale_up", "center": "center", "stride": "stride"}
        arguments = {names[key]: value for key, value in options.items() if key in names}
        boxed = letterbox(np.ascontiguousarray(rgb[:, :, ::-1]), **arguments)
        ordered = boxed if options.get("order") == "bgr" else boxed[:, :, ::-1]
        planes = np.ascontiguousarray(ordered.transpose(2, 0, 1)).astype(np.float32)
        planes /= 255
        result = planes.tobytes()
        lines.append(json.dumps({
            "seed": seed, "width": width, "height": height, "format": format, "options": options, "shape": list(planes.shape),
            "sha256": hashlib.sha256(result).hexdigest(), "head": result[:16].hex(),
        }))
    text = '{"reference": "OpenCV %s, numpy %s", "cases": [\n%s\n]}\n' % (cv2.__version__, np.__version__, ",\n".join(lines))
    (ROOT / "test/golden/letterbox.json").write_text(text)
    print(len(lines), "cases")


main()
