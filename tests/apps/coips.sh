#!/bin/sh
# A project of the published program in Fovea's hands: coips.sh PROGRAM SOURCE_FOLDER. Works in a fresh folder under TMPDIR
# and removes it. Skipped with a plain line where the shipped models are absent.
set -u
fovea=$(realpath "$1")
source=$(realpath "$2")
. "$(dirname "$(realpath "$0")")/expect.sh"

# reason FILE: why it failed, as results.csv says.
reason() {
    grep "^$1,failed," "project/fovea/results.csv" || fail "$1 is no failure: $(grep "^$1" project/fovea/results.csv)"
}

# Wrong usage.
expect 2 "no INPUT, --list or --output" "$fovea" run --coips project --fov 3 --layer deep -o out
expect 2 "no --tta" "$fovea" run --coips project --fov 3 --layer deep --tta off
expect 2 "knows 3 and 6" "$fovea" run --coips project --fov 4 --layer deep
expect 2 "--project-name" "$fovea" run --coips project --fov 3 --layer deep --project-name a/b
expect 2 "goes with --coips" "$fovea" run --fov 3 --layer deep --project-name x -o out x.png
expect 2 "goes on by itself" "$fovea" run --coips project --fov 3 --layer deep --shard 1/2
expect 3 "no image found" "$fovea" run --coips nowhere --fov 3 --layer deep
[ -e nowhere ] && fail "a run without a project made one"

if ! "$fovea" models >listed 2>&1; then
    echo "skipped: no shipped models: $(head -n 1 listed)"
    [ "$failures" -eq 0 ]
    exit
fi

# A project with good images, and with what the published program would skip, overwrite or stop at.
raw=project/raw_OCTA_images
mkdir -p $raw/sub
"$fovea" phantom --count 3 --seed 7 --size 320 --degrade none -o phantoms >/dev/null || fail "phantom"
cp phantoms/images/phantom_0001.png $raw/one.png
cp phantoms/images/phantom_0002.png "$raw/two, with a comma.png"
cp phantoms/images/phantom_0003.png "$raw/three.it's.png"
cp phantoms/images/phantom_0003.png $raw/same.x.png
cp phantoms/images/phantom_0003.png $raw/same.y.png
cp phantoms/images/phantom_0003.png $raw/sub/deeper.png
cp phantoms/images/phantom_0003.png $raw/LARGE.PNG
cp "$source/tests/data/apps/grey.bmp" $raw/bitmap.bmp
cp "$source/tests/data/apps/alpha.png" $raw/alpha.png
cp "$source/tests/data/apps/grey.jpg" $raw/photo.jpg
cp "$source/tests/data/apps/float.tif" $raw/float.tif
: >$raw/empty.png
cp "$source/tests/data/apps/grey.jpg" $raw/really_jpeg.png
find $raw -type f -exec cksum {} + | sort >before
expect 1 "3 ok, 0 ungradable, 10 failed" "$fovea" run --coips project --fov 3 --layer superficial --threads 1
find $raw -type f -exec cksum {} + | sort | cmp -s - before || fail "inputs were changed"
reason raw_OCTA_images/same.x.png | grep -q "first dot" || fail "same.x.png"
reason raw_OCTA_images/same.y.png | grep -q "first dot" || fail "same.y.png"
reason raw_OCTA_images/sub/deeper.png | grep -q "subfolder" || fail "deeper.png"
reason raw_OCTA_images/LARGE.PNG | grep -q "small letters" || fail "LARGE.PNG"
reason raw_OCTA_images/bitmap.bmp | grep -q "small letters" || fail "bitmap.bmp"
reason raw_OCTA_images/really_jpeg.png | grep -q "holds JPEG" || fail "really_jpeg.png"
reason raw_OCTA_images/float.tif | grep -q "floating point" || fail "float.tif"
reason raw_OCTA_images/empty.png | grep -q "empty" || fail "empty.png"
for name in alpha.png photo.jpg; do
    reason raw_OCTA_images/$name >/dev/null
done
grep -q "$work" project/fovea/* && fail "an absolute path in our own reports"
grep -q "Research use only" project/fovea/report.html || fail "the report lacks the notice"

# The published tables: text, order, quoting where a comma would break them, a row an image.
table=project/report/3x3_quality_assessment.csv
sed 's/, [012]$//' $table | grep -v -e photo -e alpha >paths
printf '%s\n' "project/processed_OCTA_images/0/one.png" "project/processed_OCTA_images/0/three.it's.png" \
    '"project/processed_OCTA_images/0/two, with a comma.png"' | cmp -s - paths || fail "paths: $(cat $table)"
grep -qE '^project/processed_OCTA_images/0/one.png, [12]$' $table || fail "a grade without the space: $(cat $table)"
cat project/report/3x3_FAZ_area_gradable.csv project/report/3x3_FAZ_area_outstanding.csv 2>/dev/null | sort >areas
[ "$(wc -l <areas)" -eq 3 ] || fail "areas: $(cat areas)"
grep -qE '^three,0\.[0-9]+$' areas || fail "the name is not cut at its first dot: $(cat areas)"
grep -qE '^"two, with a comma",' areas || fail "a comma in a name: $(cat areas)"

# The published folders.
grade=$(sed -n 's/.*one.png, //p' $table | sed 's/1/gradable/; s/2/outstanding/')
cmp -s $raw/one.png project/processed_OCTA_images/0/one.png || fail "processed_OCTA_images"
cmp -s $raw/one.png "project/quality_assessment/$grade/one.png" || fail "quality_assessment"
for file in predict_nii/one_0000.nii.gz predict_label/one.nii.gz label_mask/mask_one.png; do
    [ -s "project/FAZ_segmentation/$grade/$file" ] || fail "$file is missing"
done

# Again: the same bytes with other threads; labels of the same image are kept, of another one or on demand made afresh.
cp -r project first
label=project/FAZ_segmentation/$grade/predict_label/one.nii.gz
expect 1 "3 ok" "$fovea" run --coips project --fov 3 --layer superficial --threads 3 --overwrite
diff -r project first >/dev/null || fail "two runs differ: $(diff -rq project first)"
marked=project/FAZ_segmentation/$grade/predict_label
cp "first/FAZ_segmentation/$grade/predict_label/one.nii.gz" kept.nii.gz
gzip -dc kept.nii.gz | head -c 352 >blank
head -c 102400 /dev/zero >>blank
gzip -c blank >"$marked/one.nii.gz"
expect 1 "no FAZ was found" "$fovea" run --coips project --fov 3 --layer superficial
cat project/report/3x3_FAZ_area_*.csv | grep -qx 'one,0.0' || fail "a label that was there is not used"
printf junk >"$label"
expect 1 "2 ok, 0 ungradable, 11 failed" "$fovea" run --coips project --fov 3 --layer superficial
[ "$(cat "$label")" = junk ] || fail "a label that cannot be read was replaced without --overwrite"
expect 1 "3 ok" "$fovea" run --coips project --fov 3 --layer superficial --overwrite
diff -r project first >/dev/null || fail "--overwrite does not restore: $(diff -rq project first)"
cp phantoms/images/phantom_0002.png $raw/one.png
gzip -c blank >"$marked/one.nii.gz"
expect 1 "3 ok" "$fovea" run --coips project --fov 3 --layer superficial
cat project/report/3x3_FAZ_area_*.csv | grep -qx 'one,0.0' && fail "a label of another image was kept"

# Its raw images gone, as the published program leaves a project: it goes on from the processed ones.
rm -r $raw
expect 0 "3 of 3 images: 3 ok" "$fovea" run --coips project --fov 3 --layer superficial
mkdir $raw

# An image whose grade changed leaves the folder of the old one, another image of that name does not.
other=$([ "$grade" = gradable ] && echo outstanding || echo gradable)
cp project/processed_OCTA_images/0/one.png "project/quality_assessment/ungradable/one.png"
expect 0 "3 ok" "$fovea" run --coips project --fov 3 --layer superficial
[ -e project/quality_assessment/ungradable/one.png ] && fail "an image in two grades"
cp phantoms/images/phantom_0003.png "project/quality_assessment/$other/one.png"
expect 1 "holds another image" "$fovea" run --coips project --fov 3 --layer superficial
[ -e "project/quality_assessment/$other/one.png" ] || fail "another image was removed"
rm "project/quality_assessment/$other/one.png"
cp phantoms/images/phantom_0003.png "project/quality_assessment/$grade/one.png"
expect 1 "holds another image" "$fovea" run --coips project --fov 3 --layer superficial
cmp -s phantoms/images/phantom_0003.png "project/quality_assessment/$grade/one.png" || fail "another image was replaced"

# The deep layer: no grades, everything is gradable.
mkdir -p deep/raw_OCTA_images
cp phantoms/images/phantom_0001.png deep/raw_OCTA_images/a.png
expect 0 "1 ok" "$fovea" run --coips deep/ --fov 3 --layer deep --project-name study
[ -e deep/report/study_quality_assessment.csv ] && fail "a table of grades of deep images"
grep -qE '^a,0\.[0-9]+$' deep/report/study_FAZ_area_gradable.csv || fail "areas of deep images"
[ -s deep/quality_assessment/gradable/a.png ] || fail "deep images are gradable"
[ -e deep/report/study_FAZ_area_outstanding.csv ] && fail "a table without rows"
[ -s deep/raw_OCTA_images/a.png ] || fail "the deep input was moved"

[ "$failures" -eq 0 ] && echo "all passed"
[ "$failures" -eq 0 ]
