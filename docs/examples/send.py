#!/usr/bin/env python3
"""Sends images and texts to a data plane with nothing but the standard library: RTP with chunks, as docs/wire-format.md has them.

    send.py HOST:PORT photo.jpg ...          images as 8-bit RGB, read by Pillow (apt-get install python3-pil)
    send.py HOST:PORT 640x480:frames.rgb     raw RGB images of that size, row by row, one after the other; needs no Pillow
    send.py HOST:PORT --text prompt.txt -    texts; - is standard input
"""
import hashlib, random, re, socket, struct, sys, time

PACKET_BYTES, PAYLOAD_TYPE, PACKETS_PER_SECOND = 1400, 96, 20000
ssrc, sequence = random.getrandbits(32), 0

def send(out, to, line, dims, sample, request):
    """One sample: a chunk for each packet, the marker on the last. Chunks of images hold whole pixels of 3 bytes."""
    global sequence
    digest = hashlib.sha256(line.encode()).digest()[:4]
    step = (PACKET_BYTES - 44 - 4 * len(dims)) // 3 * 3
    timestamp = time.monotonic_ns() * 9 // 100_000 & 0xFFFFFFFF
    for offset in range(0, max(len(sample), 1), step):
        part = sample[offset : offset + step]
        marker = 0x80 if offset + len(part) == len(sample) else 0
        rtp = struct.pack("!BBHII", 0x80, marker | PAYLOAD_TYPE, sequence & 0xFFFF, timestamp, ssrc)
        chunk = struct.pack("!BBH4sQQQ", 0x10 | len(dims), 0, sequence >> 16, digest, request, offset, len(sample))
        out.sendto(rtp + chunk + struct.pack(f"!{len(dims)}I", *dims) + part, to)
        sequence = sequence + 1 & 0xFFFFFFFF
        time.sleep(1 / PACKETS_PER_SECOND)
    print(f"request {request}: {len(sample)} bytes", flush=True)

def images(name):
    """(height, width) and RGB bytes of each image in a file."""
    if raw := re.fullmatch(r"(\d+)x(\d+):(.+)", name):
        width, height = int(raw[1]), int(raw[2])
        with open(raw[3], "rb") as file:
            yield from (((height, width), pixels) for pixels in iter(lambda: file.read(width * height * 3), b""))
    else:
        from PIL import Image  # only here, so that all else works without it
        image = Image.open(name).convert("RGB")
        yield (image.height, image.width), image.tobytes()

if len(sys.argv) < 3 or not (to := re.fullmatch(r"\[?(.+?)\]?:(\d+)", sys.argv[1])):
    sys.exit(__doc__)
family, *_, address = socket.getaddrinfo(to[1], int(to[2]), type=socket.SOCK_DGRAM)[0]
out = socket.socket(family, socket.SOCK_DGRAM)
line = "onpath-sample/1 dtype=uint8 channels=rgb order=row-major"
samples = (sample for name in sys.argv[2:] for sample in images(name))
if sys.argv[2] == "--text":
    line = "onpath-sample/1 dtype=utf8 order=sequential"
    samples = (((), open(0 if name == "-" else name, "rb").read()) for name in sys.argv[3:])
for request, (dims, sample) in enumerate(samples, 1):
    send(out, address, line, dims, sample, request)
