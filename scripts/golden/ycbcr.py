"""uyvy to rgb as docs/semantics.md defines it: coefficients from exact rationals, sums in numpy."""
from fractions import Fraction

import numpy as np

WEIGHTS = {"bt601": (Fraction(299, 1000), Fraction(114, 1000)), "bt709": (Fraction(2126, 10000), Fraction(722, 10000))}


def fixed(coefficient):
    """65536 times it, to the nearest, half away from zero."""
    twice = abs(coefficient) * 65536 * 2
    magnitude = (twice.numerator + twice.denominator) // (2 * twice.denominator)
    return -magnitude if coefficient < 0 else magnitude


def to_rgb(uyvy, matrix, levels):
    """uyvy [height, width / 2, 4] to rgb [height, width, 3]."""
    kr, kb = WEIGHTS[matrix]
    kg = 1 - kr - kb
    studio = levels == "studio"
    of_y = fixed(Fraction(255, 219) if studio else Fraction(1))
    of_chroma = Fraction(255, 224) if studio else Fraction(1)
    height, groups, _ = uyvy.shape
    y = of_y * (uyvy[:, :, 1::2].astype(np.int32).reshape(height, groups * 2) - (16 if studio else 0))
    cb = np.repeat(uyvy[:, :, 0].astype(np.int32) - 128, 2, axis=1)
    cr = np.repeat(uyvy[:, :, 2].astype(np.int32) - 128, 2, axis=1)
    r = y + fixed(2 * (1 - kr) * of_chroma) * cr
    g = y + fixed(-2 * kb * (1 - kb) / kg * of_chroma) * cb + fixed(-2 * kr * (1 - kr) / kg * of_chroma) * cr
    b = y + fixed(2 * (1 - kb) * of_chroma) * cb
    return np.stack([np.clip((sums + 32768) >> 16, 0, 255).astype(np.uint8) for sums in (r, g, b)], axis=2)
