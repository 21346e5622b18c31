#!/bin/sh
# Deep images that take the grade of their superficial ones: pairs.sh PROGRAM RANDOM_MODEL SOURCE. Works in a
# fresh folder under TMPDIR and removes it. The grader is a demo model, the segmenter a tiny random net.
set -u
fovea=$(realpath "$1")
random_model=$(realpath "$2")
source=$(realpath "$3")
. "$(dirname "$(realpath "$0")")/expect.sh"

# equal WHAT FOUND EXPECTED
equal() {
    [ "$2" = "$3" ] || fail "$1: '$2', expected '$3'"
}

run() {
    "$fovea" run --fov 3 --tta off --models models "$@"
}

# value FOLDER FILE COLUMN of results.csv
value() {
    "$python" - "$1/results.csv" "$2" "$3" <<'END'
import csv, sys
print(*[row[sys.argv[3]] for row in csv.DictReader(open(sys.argv[1])) if row["file"] == sys.argv[2]])
END
}

mkdir models
cp "$source"/apps/models/*_grader.gguf models
"$random_model" unet_one_pooling -o models/segmenter.gguf || fail "no model"
"$fovea" phantom --count 2 --seed 1 --size 160 -o good >/dev/null || fail "no phantoms"
"$fovea" phantom --count 3 --seed 3 --size 160 --degrade mixed -o degraded >/dev/null
good=good/images/phantom_0001.png
deep=good/images/phantom_0002.png
bad=degraded/images/phantom_0003.png

# In the order of names the deep image comes first in one pair and last in the other; one partner is ungradable, one deep
# image has none, and one has two.
mkdir -p images/two
cp $good images/a_SCP.png
cp $deep images/a_DCP.png
cp $good images/b_SVC.png
cp $deep images/b_deep.png
cp $bad images/c_SCP.png
cp $deep images/c_DCP.png
cp $deep images/alone_DCP.png
cp $good images/two/d_SCP.png
cp $good images/two/d_SVC.png
cp $deep images/two/d_DCP.png
cp $good "images/e, \"q\"_SCP.png"
cp $deep "images/e, \"q\"_DCP.png"
expect 0 "12 of 12 images: 10 ok (2 not graded), 2 ungradable, 0 failed" run -o right images
for column in grade p_ungradable p_gradable p_outstanding; do
    [ -n "$(value right a_SCP.png $column)" ] || fail "a superficial image has no $column"
    for pair in "a_SCP.png a_DCP.png" "b_SVC.png b_deep.png" "c_SCP.png c_DCP.png"; do
        set -- $pair
        equal "$column of $2" "$(value right "$2" $column)" "$(value right "$1" $column)"
    done
done
equal "source of a superficial image's grade" "$(value right a_SCP.png grade_source)" own
equal "partner of a superficial image" "$(value right a_SCP.png grade_partner)" ""
equal "source of a deep image's grade" "$(value right a_DCP.png grade_source)" partner
equal "partner of a deep image" "$(value right a_DCP.png grade_partner)" a_SCP.png
equal "partner with a name that needs quotes" "$(value right 'e, "q"_DCP.png' grade_partner)" 'e, "q"_SCP.png'
equal "status of a deep image of an ungradable one" "$(value right c_DCP.png status)" ungradable
[ -e right/masks/c_DCP.png ] && fail "a deep image of an ungradable one has a mask"
[ -s right/masks/alone_DCP.png ] || fail "a deep image without a partner has no mask"
equal "grade of a deep image that is alone" "$(value right alone_DCP.png grade)" ""
equal "its source" "$(value right alone_DCP.png grade_source)" ""
value right alone_DCP.png remarks | grep -q "not graded: no superficial image has its name, and its eye is not known" ||
    fail "why a deep image is not graded: $(value right alone_DCP.png remarks)"
value right two/d_DCP.png remarks | grep -q "not graded: several superficial images could be its partner" ||
    fail "why a deep image with two is not graded: $(value right two/d_DCP.png remarks)"
grep -q '"grade_source":"partner","grade_partner":"a_SCP.png"' right/results.json || fail "results.json"
grep -q 'the grade of a_SCP.png' right/report.html || fail "report.html"

# Whatever is there already when a run goes on, and whatever share it is, comes out the same.
mkdir some
cp images/a_SCP.png images/c_SCP.png images/b_SVC.png some
expect 0 "3 of 3" run -o later some
cp -r images/. some
expect 0 "going on: 3 of 12 images are done already" run -o later some
same right later
for pause in 0.1 0.2 0.4; do
    kill_after $pause "$fovea" run --fov 3 --tta off --models models -o killed images
done
expect 0 "12 of 12" run -o killed images
same right killed
for share in 1 2 3; do
    expect 0 "" run --shard $share/3 -o share$share images
done
expect 0 "12 of 12 images of 3 folders" "$fovea" merge -o joined share1 share2 share3
same right joined
expect 0 "all done already: 12 of 12" run -o joined images

# A partner that changes, goes or comes changes the deep image.
cp $bad some/a_SCP.png
expect 4 "a_DCP.png, but its superficial partner is not what it was: another SHA-256 (and 1 other input has changed)" \
    run -o later some
expect 0 "again: a_DCP.png: its superficial partner is not what it was" run --dry-run --overwrite -o later some
expect 0 "8 ok (2 not graded), 4 ungradable" run --overwrite -o later some
equal "grade of a deep image whose partner changed" "$(value later a_DCP.png grade)" ungradable
[ -e later/masks/a_DCP.png ] && fail "a deep image whose partner became ungradable has a mask"
rm some/b_SVC.png
expect 4 "b_deep.png, but another superficial image is its partner, or there is one more or less;" run -o later some
rm -r later
expect 0 "11 of 11" run -o later some
cp images/b_SVC.png some
expect 0 "again: b_deep.png: another superficial image is its partner" run --dry-run --overwrite -o later some

# A partner that cannot be read is none; when it can, its deep image is done again.
mkdir late
cp $deep late/f_DCP.png
ln -s "$work/f.png" late/f_SCP.png
expect 1 "1 ok (1 not graded), 0 ungradable, 1 failed" run -o lately late
value lately f_DCP.png remarks | grep -q "not graded: its superficial partner could not be graded" || fail "remark"
expect 1 "all done already" run -o lately late
cp $good f.png
expect 0 "2 of 2 images: 2 ok, 0 ungradable" run -o lately late
equal "grade when the partner came" "$(value lately f_DCP.png grade)" "$(value lately f_SCP.png grade)"

# A grade may be required, and is where nothing else is asked for.
expect 1 "8 ok, 2 ungradable, 2 failed" run --require-grade -o strict images
value strict alone_DCP.png reason | grep -q "takes the grade of its superficial one: no superficial image has its name" ||
    fail "why a deep image is refused: $(value strict alone_DCP.png reason)"
expect 4 "require-grade was yes and is none" run -o strict images
expect 1 "8 ok, 2 ungradable, 2 failed" "$fovea" grade --fov 3 -o graded images
equal "grade of a deep image" "$(value graded a_DCP.png grade)" "$(value right a_SCP.png grade)"

# The table of scans pairs images of other names, and tells eyes apart.
mkdir table
cp $good table/1.png
cp $deep table/2.png
cp $deep table/3.png
printf 'file,layer,subject,eye\n1.png,superficial,S,OD\n2.png,deep,S,OD\n3.png,deep,S,OS\n' >scans.csv
expect 0 "3 ok (1 not graded)" run --scans scans.csv -o tabled table
equal "partner by the table" "$(value tabled 2.png grade_partner)" 1.png
value tabled 3.png remarks | grep -q "there is no superficial image of the same eye and visit" || fail "the other eye"

# What the table says of the partner decides whether that can be graded.
sed 's/$/,3/; 1s/3$/fov_mm/; 2s/3$//' scans.csv >unknown.csv
sed '2s/$/3/' unknown.csv >known.csv
unsized() {
    "$fovea" run --tta off --models models -o sized "$@" table
}
expect 1 "2 ok (2 not graded), 0 ungradable, 1 failed" unsized --scans unknown.csv
expect 4 "axial length, page, subject or visit (and 1 other input has changed)" unsized --scans known.csv
expect 0 "again: 2.png: the scan of its superficial partner is not what it was" \
    unsized --scans known.csv --overwrite --dry-run
expect 0 "3 ok (1 not graded)" unsized --scans known.csv --overwrite
equal "grade when the partner's field of view is known" "$(value sized 2.png grade)" "$(value sized 1.png grade)"

[ "$failures" -eq 0 ] && echo "all passed"
[ "$failures" -eq 0 ]
