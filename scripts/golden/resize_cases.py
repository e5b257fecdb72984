"""Cases of the golden vectors of resize, alike for every reference: sizes, sources, and the file that holds the results.

A source is noise (noise.py) or a crop of test/data/astronaut.png. Channels of a photograph: L takes its red; the fourth
channel of RGBA and RGBX is noise of the case's seed. Each case has one result for each filter: the first 16 bytes of the
SHA-256 of the result's raw bytes. One case per line, so that a test can read it without a JSON parser.
"""
import hashlib
import json
import pathlib
import random

import numpy as np
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
    (2, 3, 16, 24), (3, 2, 999, 5), (40, 30, 320, 240), (720, 1280, 640, 384),
]
NOISE, PHOTOS = 130, 80  # with random sizes


def random_sizes(rng, big, largest):
    side = lambda most: rng.randint(1, most)
    if big:
        w, h = largest(rng), side(500)
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


def cases(seed):
    """Every case, with its sample as an array of height x width x channels."""
    photo = np.asarray(Image.open(ROOT / "test/data/astronaut.png").convert("RGB"))
    rng = random.Random(seed)
    listed = [("noise", MODES[i % 4], size) for i, size in enumerate(SPECIAL)]
    listed += [("noise", MODES[i // 2 % 4], random_sizes(rng, i % 2 == 0, lambda r: r.randint(500, 1000))) for i in range(NOISE)]
    listed += [("photo", MODES[i // 2 % 4], random_sizes(rng, i % 2 == 0, lambda r: r.randint(500, 512))) for i in range(PHOTOS)]
    for number, (source, mode, (w, h, ow, oh)) in enumerate(listed, 1000 * seed):
        channels = CHANNELS[mode]
        case = {"source": source, "mode": mode, "seed": number, "width": w, "height": h, "outWidth": ow, "outHeight": oh}
        pixels = noise(number, w * h * channels).reshape(h, w, channels)
        if source == "photo":
            case["x"], case["y"] = rng.randint(0, 512 - w), rng.randint(0, 512 - h)
            crop = photo[case["y"]:case["y"] + h, case["x"]:case["x"] + w]
            fourth = noise(number, w * h).reshape(h, w, 1)
            pixels = np.concatenate([crop, fourth], axis=2) if channels == 4 else crop[:, :, :channels]
        yield case, np.ascontiguousarray(pixels)


def short_hash(result):
    return hashlib.sha256(np.ascontiguousarray(result).tobytes()).hexdigest()[:32]


def write(name, reference, seed, filters):
    """Makes test/golden/<name>; `filters` maps our name of a filter to resize(mode, pixels, width, height)."""
    lines, big = [], 0
    for case, pixels in cases(seed):
        size = case["outWidth"], case["outHeight"]
        case["sha256"] = {filter: short_hash(resize(case["mode"], pixels, *size)) for filter, resize in filters.items()}
        lines.append(json.dumps(case))
        big += max(pixels.shape[:2] + size) >= 500
    text = '{"reference": "%s", "cases": [\n%s\n]}\n' % (reference, ",\n".join(lines))
    (ROOT / "test/golden" / name).write_text(text)
    print(f"{name}: {len(lines)} cases of {len(filters)} filters, {big} with a side of 500 or more")
