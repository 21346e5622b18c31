"""Writes tests/data/apps: small synthetic image files of many kinds, and what Pillow makes of one of them.

Run with Debian's python3-pil and python3-numpy (Pillow 9.4): python3 tests/apps/make_golden.py
The pictures follow a formula that the tests know: see pattern().
"""
import os
import struct
import zlib

import numpy as np
from PIL import Image

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'data', 'apps')
WIDTH, HEIGHT = 23, 17


def pattern(channel=0):
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return ((x * 37 + y * 91 + x * y * 5 + channel * 50) % 256).astype(np.uint8)


def save(image, name, **options):
    image.save(os.path.join(OUT, name), **options)


def interlaced_png(grey):
    """Pillow cannot write Adam7."""
    raw = b''
    for x0, y0, dx, dy in ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)):
        part = grey[y0::dy, x0::dx]
        if part.size:
            raw += b''.join(b'\0' + row.tobytes() for row in part)

    def chunk(kind, body):
        return struct.pack('>I', len(body)) + kind + body + struct.pack('>I', zlib.crc32(kind + body))
    header = struct.pack('>IIBBBBB', WIDTH, HEIGHT, 8, 0, 0, 0, 1)
    with open(os.path.join(OUT, 'interlaced.png'), 'wb') as file:
        file.write(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) + chunk(b'IDAT', zlib.compress(raw)) + chunk(b'IEND', b''))


def main():
    os.makedirs(OUT, exist_ok=True)
    grey = pattern()
    image = Image.fromarray(grey)
    equal = Image.merge('RGB', (image, image, image))
    colour = Image.merge('RGB', tuple(Image.fromarray(pattern(c)) for c in range(3)))
    alpha = Image.fromarray(255 - grey)
    wide = Image.fromarray(np.minimum(grey.astype(np.uint32) * 257 + 100, 65535).astype(np.uint16))
    palette = image.copy().convert('P')
    palette.putpalette([v for i in range(256) for v in (i, i, i)])
    bits = Image.fromarray((grey > 127).astype(np.uint8) * 255).convert('1', dither=Image.NONE)
    for name in ('grey.png', 'grey.bmp', 'grey.tif'):
        save(image, name)
    save(image, 'lzw.tif', compression='tiff_lzw')
    save(image, 'deflate.tif', compression='tiff_adobe_deflate')
    save(image, 'packbits.tif', compression='packbits')
    save(wide, 'wide.png')
    save(wide, 'wide.tif')
    save(palette, 'palette.png')
    save(palette, 'palette.tif')
    save(equal, 'equal.png')
    save(equal, 'equal.bmp')
    save(equal, 'equal.tif')
    save(colour, 'colour.png')
    save(colour, 'colour.bmp')
    save(Image.merge('LA', (image, alpha)), 'alpha.png')
    save(Image.merge('RGBA', (image, image, image, alpha)), 'alpha_equal.png')
    save(Image.merge('RGBA', (image, image, image, alpha)), 'alpha_equal.bmp')
    for name in ('bits.png', 'bits.bmp', 'bits.tif'):
        save(bits, name)
    interlaced_png(grey)
    save(image, 'grey.jpg', quality=95)
    save(equal, 'progressive.jpg', quality=95, progressive=True)
    save(image.convert('CMYK'), 'cmyk.jpg')
    save(image.convert('CMYK'), 'cmyk.tif')
    save(Image.fromarray(grey.astype(np.float32)), 'float.tif')
    save(image, 'pages.tif', save_all=True, append_images=[image.transpose(Image.FLIP_TOP_BOTTOM)])
    save(image, 'foreign.gif')
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        save(image, 'orientation_%d.jpg' % orientation, quality=95, exif=exif)
        save(image, 'orientation_%d.tif' % orientation, tiffinfo={0x0112: orientation})
    for width, height in ((30, 30), (9, 40), (46, 8), (5, 3), (23, 34), (11, 17)):
        for name, filter_ in (('bilinear', Image.BILINEAR), ('bicubic', Image.BICUBIC)):
            resized = np.asarray(colour.resize((width, height), filter_))
            np.save(os.path.join(OUT, 'resized_%dx%d_%s.npy' % (width, height, name)), resized)
        plane = Image.fromarray(grey.astype(np.float32) / np.float32(255))
        np.save(os.path.join(OUT, 'plane_%dx%d.npy' % (width, height)), np.asarray(plane.resize((width, height), Image.BILINEAR)))


main()
