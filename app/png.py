"""PNG with a palette: a drawing of few colours at a quarter of the bytes (RFC 2083)."""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

_SIGN = b"\x89PNG\r\n\x1a\n"
_MOST = 256
Pixels = NDArray[np.uint8]


def with_palette(picture: bytes) -> bytes:
    """Turn an opaque 8-bit RGBA picture into one of the 256 colours that it has most of, each other the nearest.

    Raises ValueError for a picture of another kind.
    """
    pixels = _read(picture)
    height, width, _ = pixels.shape
    packed = pixels[:, :, :3].astype(np.uint32) @ np.array([65536, 256, 1], np.uint32)
    colours, where, often = np.unique(packed, return_inverse=True, return_counts=True)
    kept = np.sort(colours[np.argsort(-often, kind="stable")[:_MOST]])
    parts = np.stack([colours >> 16, (colours >> 8) & 255, colours & 255], axis=1).astype(np.int32)
    palette = np.stack([kept >> 16, (kept >> 8) & 255, kept & 255], axis=1).astype(np.int32)
    nearest = np.empty(len(colours), np.uint8)
    for begin in range(0, len(colours), 1024):
        some = parts[begin : begin + 1024]
        nearest[begin : begin + 1024] = ((some[:, None, :] - palette[None]) ** 2).sum(axis=2).argmin(axis=1)
    rows = np.zeros((height, width + 1), np.uint8)  # filter 0: best for a palette
    rows[:, 1:] = nearest[where.reshape(height, width)]
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    return b"".join(
        (
            _SIGN,
            _chunk(b"IHDR", head),
            _chunk(b"PLTE", palette.astype(np.uint8).tobytes()),
            _chunk(b"IDAT", zlib.compress(rows.tobytes(), 9)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _read(picture: bytes) -> Pixels:
    """Decode to rows × columns × RGBA."""
    if picture[:8] != _SIGN or picture[24:29] != b"\x08\x06\x00\x00\x00":
        raise ValueError("not an RGBA picture of 8 bits")
    width, height = struct.unpack(">II", picture[16:24])
    data, at = b"", 8
    while at < len(picture):
        length = int.from_bytes(picture[at : at + 4], "big")
        if picture[at + 4 : at + 8] == b"IDAT":
            data += picture[at + 8 : at + 8 + length]
        at += 12 + length
    raw = np.frombuffer(zlib.decompress(data), np.uint8).reshape(height, width * 4 + 1)
    return _unfilter(raw[:, 0], raw[:, 1:].reshape(height, width, 4))


def _unfilter(filters: Pixels, rows: Pixels) -> Pixels:
    """Undo PNG's five filters (6.2 to 6.6), along diagonals: each pixel needs those left, above and between."""
    height, width, _ = rows.shape
    # Row r is shifted right by r, so that a column of this array is a diagonal of the picture.
    shifted = np.zeros((height + 1, width + height + 1, 4), np.int16)
    kinds = filters.astype(np.int16)[:, None]
    for step in range(width + height - 1):
        first, last = max(0, step - width + 1), min(height, step + 1)
        r = np.arange(first, last)
        c = step - r
        left = np.where((c > 0)[:, None], shifted[r + 1, step], 0)
        above = shifted[r, step]
        corner = np.where((c > 0)[:, None], shifted[r, max(step - 1, 0)], 0)
        guess = left + above - corner
        to_left, to_above, to_corner = abs(guess - left), abs(guess - above), abs(guess - corner)
        paeth = np.where(
            (to_left <= to_above) & (to_left <= to_corner), left, np.where(to_above <= to_corner, above, corner)
        )
        kind = kinds[r]
        add = np.select([kind == 1, kind == 2, kind == 3, kind == 4], [left, above, (left + above) // 2, paeth], 0)
        shifted[r + 1, step + 1] = (rows[r, c] + add) & 255
    out = np.empty_like(rows)
    for row in range(height):
        out[row] = shifted[row + 1, row + 1 : row + 1 + width]
    return out
