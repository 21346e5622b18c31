"""Reads what `fovea segment` wrote with nibabel and numpy: labels.py PROGRAM MODEL.gguf WORK_FOLDER.

Labels, masks and maps of probability must agree, and the NIfTI file's geometry must be the published program's."""
import os
import shutil
import subprocess
import sys

try:
    import nibabel
    import numpy
    from PIL import Image
except ImportError as missing:
    print('skipped:', missing)
    sys.exit(77)

program, model, work = sys.argv[1:]
if not os.path.exists(model):
    print('skipped: no model at', model)
    sys.exit(77)
os.makedirs(os.path.join(work, 'images', 'sub'), exist_ok=True)
random = numpy.random.default_rng(5)
image = random.integers(60, 200, (256, 300), dtype=numpy.uint8)
image[100:160, 120:180] //= 8
image[:4] = 0  # is cropped; the shorter side is the model's, so that nothing is resized
Image.fromarray(image).save(os.path.join(work, 'images', 'sub', 'eye.png'))
out = os.path.join(work, 'out')
shutil.rmtree(out, ignore_errors=True)
subprocess.run([program, 'segment', '--fov', '3', '--layer', 'superficial', '--models', model, '--save-probability',
                '-o', out, os.path.join(work, 'images')], check=True, stderr=subprocess.DEVNULL)

label = nibabel.load(os.path.join(out, 'labels', 'sub', 'eye.nii.gz'))
assert label.header['magic'] == b'n+1' and label.get_data_dtype() == numpy.uint8, label.header
assert label.shape == (300, 256, 1), label.shape
assert tuple(label.header.get_zooms()) == (1, 1, 999), label.header.get_zooms()
assert numpy.array_equal(label.affine, numpy.diag([-1, -1, 999, 1])), label.affine
assert numpy.array_equal(label.header.get_qform(), label.header.get_sform())
assert label.header['qform_code'] == 1 and label.header['sform_code'] == 1
labels = numpy.asarray(label.dataobj)[:, :, 0].T  # rows and columns

mask = numpy.array(Image.open(os.path.join(out, 'masks', 'sub', 'eye.png')))
assert mask.shape == image.shape and numpy.array_equal(mask, numpy.where(labels == 1, 255, 0))
maps = numpy.load(os.path.join(out, 'probability', 'sub', 'eye.npy'))
assert maps.dtype == numpy.float32 and maps.shape == (2, 256, 300), (maps.dtype, maps.shape)
assert (maps[0, :4] == 1).all() and (maps[1, :4] == 0).all()
assert abs(maps.sum(0) - 1).max() < 1e-5 and maps[:, 4:].std() > 0
assert numpy.array_equal(maps.argmax(0), labels)
picture = numpy.array(Image.open(os.path.join(out, 'probability', 'sub', 'eye.png')))
assert picture.dtype in (numpy.uint16, numpy.int32) and picture.max() > 255, (picture.dtype, picture.max())
assert abs(picture - maps[1] * 65535.0).max() <= 0.5 + 1e-3

# Without the option the maps of before do not stay beside new labels.
subprocess.run([program, 'segment', '--fov', '3', '--layer', 'superficial', '--models', model, '--tta', 'off', '--overwrite',
                '-o', out, os.path.join(work, 'images')], check=True, stderr=subprocess.DEVNULL)
assert not os.path.exists(os.path.join(out, 'probability', 'sub')), 'stale maps of probability'
print('labels: nibabel', nibabel.__version__, 'reads', labels.sum(), 'pixels of FAZ')
