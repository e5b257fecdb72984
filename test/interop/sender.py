#!/usr/bin/env python3
"""Sends raw images as RTP packets with onpath chunks, with nothing but the standard library.

    sender.py HOST PORT WIDTH HEIGHT FORMAT FILE

FILE holds one or more row-major images of FORMAT (gray, rgb, bgr, rgba, bgra, rgbx), one after the other. Request ids
count from 1. Prints one line per image: request id and RTP timestamp.
"""
import hashlib
import random
import socket
import struct
import sys
import time

RTP_PAYLOAD_TYPE = 96
PACKET_BYTES = 1400
HEADERS_BYTES = 12 + 32 + 2 * 4
CHANNELS = {"gray": 1, "rgb": 3, "bgr": 3, "rgba": 4, "bgra": 4, "rgbx": 4}


def digest(pixel_format):
    text = f"onpath-sample/1 dtype=uint8 channels={pixel_format} order=row-major"
    return hashlib.sha256(text.encode()).digest()[:4]


def packets(image, width, height, pixel_format, request_id, ssrc, sequence, timestamp):
    pixel = CHANNELS[pixel_format]
    step = (PACKET_BYTES - HEADERS_BYTES) // pixel * pixel
    for offset in range(0, len(image), step):
        part = image[offset:offset + step]
        marker = offset + len(part) == len(image)
        rtp = struct.pack("!BBHII", 0x80, marker << 7 | RTP_PAYLOAD_TYPE, sequence & 0xFFFF, timestamp, ssrc)
        chunk = struct.pack("!BBH", 1 << 4 | 2, 0, sequence >> 16 & 0xFFFF) + digest(pixel_format)
        chunk += struct.pack("!QQQII", request_id, offset, len(image), height, width)
        yield rtp + chunk + part
        sequence += 1


def main(host, port, width, height, pixel_format, file):
    width, height = int(width), int(height)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with open(file, "rb") as source:
        data = source.read()
    size = width * height * CHANNELS[pixel_format]
    ssrc, sequence = random.getrandbits(32), random.getrandbits(32)
    with socket.socket(family, socket.SOCK_DGRAM) as out:
        for index, start in enumerate(range(0, len(data), size)):
            timestamp = int(time.monotonic() * 90000) + index & 0xFFFFFFFF
            image = data[start:start + size]
            for packet in packets(image, width, height, pixel_format, index + 1, ssrc, sequence, timestamp):
                out.sendto(packet, (host, int(port)))
                sequence += 1
                time.sleep(0.0001)
            print(index + 1, timestamp, flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 7:
        sys.exit(__doc__)
    main(*sys.argv[1:])
