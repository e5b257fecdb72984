"""Cuts small photographs out of a large one, and what they must become by Pillow and NumPy alone.

usage: photographs.py PHOTOGRAPH FOLDER
Writes FOLDER/frames.rgb (whole 8-bit RGB frames, one after another), FOLDER/tensors.f32 (centre crop, bilinear resize, torchvision's
normalize, CHW, one after another) and FOLDER/geometry.json.
"""
import json
import os
import sys

import numpy
from PIL import Image

COUNT, WIDTH, HEIGHT, CROP, SIZE = 8, 200, 152, 140, 112
MEAN = numpy.array([0.485, 0.456, 0.406], numpy.float32)
STD = numpy.array([0.229, 0.224, 0.225], numpy.float32)

photograph = Image.open(sys.argv[1]).convert("RGB")
folder = sys.argv[2]
os.makedirs(folder, exist_ok=True)
left, top = round((WIDTH - CROP) / 2), round((HEIGHT - CROP) / 2)  # Python rounds half to even, as torchvision does
with open(f"{folder}/frames.rgb", "wb") as frames, open(f"{folder}/tensors.f32", "wb") as tensors:
    for i in range(COUNT):
        x = (photograph.width - WIDTH) * i // (COUNT - 1)
        y = (photograph.height - HEIGHT) * (i * 3 % COUNT) // (COUNT - 1)
        frame = photograph.crop((x, y, x + WIDTH, y + HEIGHT))
        frames.write(frame.tobytes())
        square = frame.crop((left, top, left + CROP, top + CROP))
        pixels = numpy.asarray(square.resize((SIZE, SIZE), Image.BILINEAR))
        scaled = (pixels.astype(numpy.float64) * (1 / 255)).astype(numpy.float32)
        tensors.write(numpy.ascontiguousarray(((scaled - MEAN) / STD).transpose(2, 0, 1)).tobytes())
with open(f"{folder}/geometry.json", "w") as geometry:
    json.dump({"count": COUNT, "width": WIDTH, "height": HEIGHT, "crop": CROP, "size": SIZE}, geometry)
