"""A peer of `npm run bench -- images` in Python, for as long as the benchmark runs.

usage: python_peer.py torch|opencv|pillow FOLDER
FOLDER holds images.bin: images of 1280x720 rgb, one after the other. Says `ready` and the versions as JSON, then reads lines:
    hot N      the first image, N times         -> ns NANOSECONDS
    turn N     images in turn, N of them        -> ns NANOSECONDS
    result     FOLDER/NAME.bin gets the float32 planes of the first image -> ns 0
Each does the same work, in one thread: resize to 224x224, normalize with the mean and deviation of ImageNet, float32 planes.
"""
import json
import pathlib
import sys
import time

import numpy as np

SIDE = 224
MEAN = [0.485, 0.456, 0.406]
STD = [0.229, 0.224, 0.225]


def normalize(pixels):
    """Interleaved bytes to float32 planes, each step rounded, as Hugging Face's processors with Pillow do."""
    scaled = (pixels.astype(np.float64) * (1 / 255)).astype(np.float32)
    return np.ascontiguousarray(((scaled - np.float32(MEAN)) / np.float32(STD)).transpose(2, 0, 1))


def torch_work():
    import torch

    torch.set_num_threads(1)
    mean = (torch.tensor(MEAN) * 255).view(3, 1, 1)
    std = (torch.tensor(STD) * 255).view(3, 1, 1)

    def work(image):
        # Interleaved as it is: torch resizes that faster than planes.
        planes = torch.from_numpy(image).permute(2, 0, 1)[None]
        small = torch.nn.functional.interpolate(planes, size=(SIDE, SIDE), mode="bilinear", antialias=True)
        small = small.to(torch.float32, memory_format=torch.contiguous_format)
        return small.sub_(mean).div_(std)[0].numpy()

    return work, {"torch": torch.__version__}


def opencv_work():
    import cv2

    cv2.setNumThreads(1)

    def work(image):
        return normalize(cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR))

    return work, {"opencv": cv2.__version__}


def pillow_work():
    import PIL
    from PIL import Image

    def work(image):
        return normalize(np.asarray(Image.fromarray(image).resize((SIDE, SIDE), Image.BILINEAR)))

    return work, {"pillow": PIL.__version__}


def main():
    name, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    work, versions = {"torch": torch_work, "opencv": opencv_work, "pillow": pillow_work}[name]()
    images = np.fromfile(folder / "images.bin", np.uint8).reshape(-1, 720, 1280, 3)
    print("ready", json.dumps({**versions, "numpy": np.__version__}), flush=True)
    turn = 0
    for line in sys.stdin:
        command, *count = line.split()
        if command == "result":
            result = np.ascontiguousarray(work(images[0]))
            assert result.dtype == np.float32 and result.shape == (3, SIDE, SIDE)
            result.tofile(folder / f"{name}.bin")
            print("ns 0", flush=True)
            continue
        begin = time.perf_counter_ns()
        for _ in range(int(count[0])):
            work(images[turn % len(images) if command == "turn" else 0])
            turn += 1
        print("ns", time.perf_counter_ns() - begin, flush=True)


main()
