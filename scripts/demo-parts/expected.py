"""What every frame must become, by Pillow and NumPy alone: centre crop, bilinear resize, torchvision's normalize, CHW.

usage: expected.py FILE WIDTH HEIGHT CROP SIZE
FILE holds whole 8-bit RGB frames, one after another. Prints one line a frame: the SHA-256 of its float32 tensor.
"""
import hashlib
import sys

import numpy
from PIL import Image

MEAN = numpy.array([0.485, 0.456, 0.406], numpy.float32)
STD = numpy.array([0.229, 0.224, 0.225], numpy.float32)

file, width, height, crop, size = sys.argv[1], *map(int, sys.argv[2:6])
left, top = round((width - crop) / 2), round((height - crop) / 2)  # Python rounds half to even, as torchvision does
with open(file, "rb") as frames:
    while frame := frames.read(width * height * 3):
        image = Image.frombytes("RGB", (width, height), frame).crop((left, top, left + crop, top + crop))
        pixels = numpy.asarray(image.resize((size, size), Image.BILINEAR))
        scaled = (pixels.astype(numpy.float64) * (1 / 255)).astype(numpy.float32)
        tensor = numpy.ascontiguousarray(((scaled - MEAN) / STD).transpose(2, 0, 1))
        print(hashlib.sha256(tensor.tobytes()).hexdigest())
