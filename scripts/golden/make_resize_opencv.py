#!/usr/bin/python3
"""Writes test/golden/resize_opencv.json: what cv2.resize gives with INTER_LINEAR and INTER_NEAREST (see resize_cases.py).

Run with OpenCV 4.6, Pillow and numpy (Debian 12: python3-opencv, python3-pil):
    /usr/bin/python3 scripts/golden/make_resize_opencv.py
"""
import cv2

import resize_cases


def resize_with(interpolation):
    def resize(mode, pixels, width, height):
        result = cv2.resize(pixels, (width, height), interpolation=interpolation)
        return result.reshape(height, width, pixels.shape[2])
    return resize


resize_cases.write("resize_opencv.json", f"OpenCV {cv2.__version__} cv2.resize", 2,
                   {"bilinear": resize_with(cv2.INTER_LINEAR), "nearest": resize_with(cv2.INTER_NEAREST)})
