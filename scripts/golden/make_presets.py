"""Writes test/golden/presets.json: what Hugging Face's image processors make of noise, as SHA-256 of `pixel_values`.

Needs transformers, torch, torchvision and Pillow, in a virtual environment:
    pip install transformers==5.23.0 torch torchvision pillow==12.3.0 && python scripts/golden/make_presets.py
The configurations are those in test/golden/presets/, with the fields that the models' own files publish. `pillow` is the processor
that resizes with Pillow (class ...Pil), `torch` the one that resizes with torchvision. One case per line.
"""
import hashlib
import json
import pathlib

import numpy as np
import PIL
import torch
import torchvision
import transformers
from PIL import Image
from transformers.models.bit import image_processing_bit, image_processing_pil_bit
from transformers.models.clip import image_processing_clip, image_processing_pil_clip
from transformers.models.convnext import image_processing_convnext, image_processing_pil_convnext
from transformers.models.deit import image_processing_deit, image_processing_pil_deit
from transformers.models.siglip import image_processing_pil_siglip, image_processing_siglip
from transformers.models.vit import image_processing_pil_vit, image_processing_vit

from noise import noise

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODULES = [
    image_processing_bit, image_processing_pil_bit, image_processing_clip, image_processing_pil_clip,
    image_processing_convnext, image_processing_pil_convnext, image_processing_deit, image_processing_pil_deit,
    image_processing_siglip, image_processing_pil_siglip, image_processing_vit, image_processing_pil_vit,
]
SIZES = [(640, 480), (333, 500), (1280, 720), (224, 224), (97, 61), (50, 171), (385, 384)]
# Of the formats that are turned into RGB exactly: (PIL mode, size)
OTHERS = {"gray": ("L", (123, 87)), "bgr": ("RGB", (123, 87)), "rgbx": ("RGB", (87, 123))}


def processor(config, profile):
    name = config.get("image_processor_type") or config["feature_extractor_type"]
    name = name.replace("FeatureExtractor", "ImageProcessor").removesuffix("Fast")
    name += "Pil" if profile == "pillow" else ""
    made = next(getattr(module, name) for module in MODULES if hasattr(module, name))
    return made.from_dict(dict(config))


def pixels_of(format, seed, width, height):
    """Bytes as they come, and the PIL image that they are."""
    channels = {"gray": 1, "rgb": 3, "bgr": 3, "rgbx": 4}[format]
    sample = noise(seed, width * height * channels).reshape(height, width, channels)
    if format == "gray":
        return Image.fromarray(sample[:, :, 0])
    return Image.fromarray(np.ascontiguousarray(sample[:, :, ::-1] if format == "bgr" else sample[:, :, :3]))


def case(name, config, profile, format, seed, width, height):
    image = pixels_of(format, seed, width, height)
    tensor = processor(config, profile)(image, return_tensors="np")["pixel_values"][0]
    result = np.ascontiguousarray(tensor).tobytes()
    return {
        "preset": name, "profile": profile, "format": format, "seed": seed, "width": width, "height": height,
        "dtype": str(tensor.dtype), "shape": list(tensor.shape),
        "sha256": hashlib.sha256(result).hexdigest(), "head": result[:16].hex(),
    }


def main():
    lines = []
    for path in sorted((ROOT / "test/golden/presets").glob("*.json")):
        config = json.loads(path.read_text())
        for profile in ("pillow", "torch"):
            for width, height in SIZES:
                lines.append(case(path.stem, config, profile, "rgb", 1000 + len(lines), width, height))
            if config.get("do_convert_rgb") or "CLIP" in str(config):
                for format, (_, (width, height)) in OTHERS.items():
                    lines.append(case(path.stem, config, profile, format, 1000 + len(lines), width, height))
    versions = {"transformers": transformers, "torch": torch, "torchvision": torchvision, "Pillow": PIL}
    reference = ", ".join(f"{name} {module.__version__}" for name, module in versions.items())
    text = ",\n".join(json.dumps(line) for line in lines)
    (ROOT / "test/golden/presets.json").write_text('{"reference": %s, "cases": [\n%s\n]}\n' % (json.dumps(reference), text))
    print(len(lines), "cases;", reference)


main()
