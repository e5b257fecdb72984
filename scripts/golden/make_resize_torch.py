"""Writes test/golden/resize_torch.json: what PyTorch's antialiased interpolation of uint8 gives (see resize_cases.py).

Run with PyTorch 2.13 on an x86-64 CPU with AVX2, Pillow and numpy, in an environment of its own:
    python scripts/golden/make_resize_torch.py
torchvision's resize of uint8 tensors calls the same function. Tensors that lie channels first and channels last must give
the same, or this fails. (With AVX-512 and AVX2 they do; with ATEN_CPU_CAPABILITY=default PyTorch itself gives something else
for four channels of 2x2 -> 1x3 pixels, channels first.)
"""
import numpy as np
import torch
from torch.nn.functional import interpolate

import resize_cases


def resize_with(mode):
    def resize(_, pixels, width, height):
        first = torch.from_numpy(pixels).permute(2, 0, 1)[None].contiguous()
        last = first.contiguous(memory_format=torch.channels_last)
        results = [interpolate(tensor, size=(height, width), mode=mode, antialias=True, align_corners=False)
                   for tensor in (first, last)]
        assert torch.equal(*results)
        return np.ascontiguousarray(results[0][0].permute(1, 2, 0).numpy())
    return resize


resize_cases.write("resize_torch.json", f"PyTorch {torch.__version__} interpolate(antialias=True) of uint8", 3,
                   {mode: resize_with(mode) for mode in ("bilinear", "bicubic")})
