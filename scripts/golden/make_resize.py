#!/usr/bin/python3
"""Writes test/golden/resize_pillow.json: what Pillow's bilinear resize gives, as SHA-256 of its raw bytes.

Run with Pillow 9.4 and numpy (Debian 12: python3-pil, python3-numpy):  /usr/bin/python3 scripts/golden/make_resize.py
Sources are noise (noise.py) or crops of test/data/astronaut.png. Channels of a photograph: L takes its red; the fourth
channel of RGBA and RGBX is noise of the case's seed. One case per line, so that a test can read it without a JSON parser.
"""
import hashlib
import json
import pathlib
import random

import numpy as np
import PIL
from PIL import Image

from noise import noise

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHANNELS = {"L": 1, "RGB": 3, "RGBA": 4, "RGBX": 4}
MODES = list(CHANNELS)

# (width, height, output width, output height)
SPECIAL = [
    (1280, 720, 224, 224), (1920, 1080, 640, 640), (640, 480, 224, 224), (500, 375, 299, 224), (512, 512, 224, 224),
    (1, 1, 7, 5), (5, 7, 1, 1), (1, 600, 3, 20), (600, 1, 20, 3), (501, 1, 1, 1), (1, 1, 1, 2), (2, 2, 1, 3),
    (37, 21, 37, 21), (512, 300, 512, 300), (37, 21, 37, 50), (37, 21, 9, 21), (640, 31, 640, 17), (31, 640, 17, 640),
    (10000, 3, 100, 3), (10000, 2, 224, 5), (3, 10000, 4, 77), (9999, 4, 10000, 3),
    (1000, 700, 13, 9), (1600, 40, 17, 11), (700, 900, 2, 1), (333, 333, 20, 19),
    (64, 48, 512, 384), (33, 17, 264, 136), (7, 3, 500, 300), (97, 61, 64, 64), (224, 224, 336, 336), (448, 448, 224, 224),
]


def random_sizes(rng, big):
    side = lambda most: rng.randint(1, most)
    if big:
        w, h = rng.randint(500, 1100), side(700)
    else:
        w, h = side(300), side(300)
    if rng.random() < 0.5:
        w, h = h, w
    ow, oh = side(320), side(320)
    if rng.random() < 0.15:
        ow = w
    elif rng.random() < 0.15:
        oh = h
    return w, h, ow, oh


def pillow_resize(mode, pixels, size):
    h, w = pixels.shape[:2]
    image = Image.frombytes(mode, (w, h), pixels.tobytes())
    assert image.tobytes() == pixels.tobytes()  # all four channels of RGBX are carried
    return image.resize(size, Image.BILINEAR).tobytes()


def check_rgbx_is_four_independent_channels():
    pixels = noise(1, 40 * 30 * 4).reshape(30, 40, 4)
    together = pillow_resize("RGBX", pixels, (17, 50))
    alone = [pillow_resize("L", np.ascontiguousarray(pixels[:, :, c]), (17, 50)) for c in range(4)]
    assert together == bytes(b for four in zip(*alone) for b in four)


def main():
    check_rgbx_is_four_independent_channels()
    photo = np.asarray(Image.open(ROOT / "test/data/astronaut.png").convert("RGB"))
    rng = random.Random(1)
    cases = [("noise", MODES[i % 4], size) for i, size in enumerate(SPECIAL)]
    cases += [("noise", MODES[i % 4], random_sizes(rng, i % 2 == 0)) for i in range(60)]
    for i in range(40):
        w, h = (512, rng.randint(1, 512)) if i % 2 == 0 else (rng.randint(1, 400), rng.randint(1, 400))
        cases.append(("photo", MODES[i // 2 % 4], (w, h, rng.randint(1, 400), rng.randint(1, 400))))

    lines = []
    for seed, (source, mode, (w, h, ow, oh)) in enumerate(cases, 100):
        channels = CHANNELS[mode]
        case = {"source": source, "mode": mode, "seed": seed, "width": w, "height": h, "outWidth": ow, "outHeight": oh}
        pixels = noise(seed, w * h * channels).reshape(h, w, channels)
        if source == "photo":
            case["x"], case["y"] = rng.randint(0, 512 - w), rng.randint(0, 512 - h)
            crop = photo[case["y"]:case["y"] + h, case["x"]:case["x"] + w]
            if channels == 4:
                fourth = noise(seed, w * h).reshape(h, w, 1)
                pixels = np.concatenate([crop, fourth], axis=2)
            else:
                pixels = crop[:, :, :channels]
        result = pillow_resize(mode, np.ascontiguousarray(pixels), (ow, oh))
        case["sha256"] = hashlib.sha256(result).hexdigest()
        case["head"] = result[:8].hex()
        lines.append(json.dumps(case))
    text = '{"reference": "Pillow %s resize(BILINEAR)", "cases": [\n%s\n]}\n' % (PIL.__version__, ",\n".join(lines))
    (ROOT / "test/golden/resize_pillow.json").write_text(text)
    big = sum(max(s) >= 500 for _, _, s in cases)
    print(f"{len(cases)} cases, {big} with a side of 500 or more")


main()
