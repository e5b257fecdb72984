"""Noise that needs no file: byte i of noise `seed` is a hash of both, the same in Python, C++ and TypeScript.

    x = i * 2654435761 + seed * 2246822519   (mod 2^32, as everything here)
    x = (x ^ x >> 15) * 2246822519;  x = (x ^ x >> 13) * 3266489917;  byte = x >> 24
"""
import numpy as np


def noise(seed, n):
    with np.errstate(over="ignore"):
        x = np.arange(n, dtype=np.uint32) * np.uint32(2654435761) + np.uint32(seed * 2246822519 % 2**32)
        x = (x ^ (x >> np.uint32(15))) * np.uint32(2246822519)
        x = (x ^ (x >> np.uint32(13))) * np.uint32(3266489917)
    return (x >> np.uint32(24)).astype(np.uint8)
