"""Our label files in SimpleITK's hands: the geometry and the very bytes that SimpleITK itself writes for such a label.

usage: nifti.py PROGRAM SOURCE_FOLDER"""
import gzip
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import SimpleITK as sitk

PROGRAM, SOURCE = sys.argv[1:3]
model = pathlib.Path(SOURCE) / "apps" / "models" / "faz_segmenter.gguf"
if not model.exists():
    print("skipped: no demo segmenter at", model)
    sys.exit(0)
with tempfile.TemporaryDirectory() as work:
    work = pathlib.Path(work)
    subprocess.run([PROGRAM, "phantom", "--count", "2", "--seed", "3", "--size", "200", "-o", work / "phantoms"],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    subprocess.run([PROGRAM, "segment", "--fov", "3", "--layer", "superficial", "--models", model, "-o", work / "out",
                    work / "phantoms" / "images"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    files = sorted((work / "out" / "labels").glob("*.nii.gz"))
    assert len(files) == 2, files
    for file in files:
        image = sitk.ReadImage(str(file))
        assert image.GetSize() == (200, 200, 1), image.GetSize()
        assert image.GetSpacing() == (1, 1, 999), image.GetSpacing()
        assert image.GetOrigin() == (0, 0, 0), image.GetOrigin()
        assert image.GetDirection() == (1, 0, 0, 0, 1, 0, 0, 0, 1), image.GetDirection()
        assert image.GetPixelID() == sitk.sitkUInt8, image.GetPixelIDTypeAsString()
        labels = sitk.GetArrayFromImage(image)
        assert labels.any() and labels.max() == 1
        again = sitk.GetImageFromArray(labels.astype(np.uint8))
        again.SetSpacing((1, 1, 999))
        sitk.WriteImage(again, str(work / "again.nii.gz"))
        assert gzip.open(file).read() == gzip.open(work / "again.nii.gz").read(), "SimpleITK writes other bytes"
print("SimpleITK", sitk.Version_VersionString(), "reads our labels, and writes the same bytes")
