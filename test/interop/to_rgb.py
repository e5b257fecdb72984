"""Reads frames of uyvy from a file and writes them as rgb to another: file, file, width, height, matrix, range."""
import pathlib
import sys

import numpy as np

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts/golden"))
from ycbcr import to_rgb  # noqa: E402

source, target, width, height, matrix, levels = sys.argv[1:]
frames = np.fromfile(source, dtype=np.uint8).reshape(-1, int(height), int(width) // 2, 4)
with open(target, "wb") as out:
    for frame in frames:
        out.write(to_rgb(frame, matrix, levels).tobytes())
