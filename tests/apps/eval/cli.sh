#!/bin/sh
# fovea eval as a user meets it: cli.sh PROGRAM. Works in a fresh folder under TMPDIR and removes it.
set -u
fovea=$(realpath "$1")
. "$(dirname "$(realpath "$0")")/../expect.sh"

notice='Research use only. Not a medical device. Not for diagnosis.'
printf 'file,grade\na.png,0\nb.png,1\nc.png,2\n' >labels.csv
printf 'file,grade\na.png,ungradable\nb.png,outstanding\nc.png,outstanding\n' >predicted.csv
printf 'file,grade\na.png,ungradable\nd.png,outstanding\n' >partly.csv
printf 'file,grade\nx.png,0\n' >strangers.csv
"$fovea" phantom --count 3 --size 160 -o phantoms >/dev/null || fail "phantom"
mkdir empty

# Wrong usage leaves nothing behind.
expect 2 "expected PREDICTED and REFERENCE" "$fovea" eval -o out predicted.csv
expect 2 "with --set there are no operands" "$fovea" eval -o out --set a=predicted.csv,labels.csv predicted.csv labels.csv
expect 2 "expected NAME=PREDICTED,REFERENCE" "$fovea" eval -o out --set predicted.csv,labels.csv
expect 2 "expected NAME=PREDICTED,REFERENCE" "$fovea" eval -o out --set a=predicted.csv
expect 2 "two sets are called 'a'" "$fovea" eval -o out --set a=predicted.csv,labels.csv --set a=partly.csv,labels.csv
expect 2 "found a file and a folder" "$fovea" eval -o out predicted.csv phantoms/truth
expect 2 "expected tables in all sets or folders in all" "$fovea" eval -o out --set a=predicted.csv,labels.csv \
    --set b=phantoms/images,phantoms/truth
expect 2 "are the same folder" "$fovea" eval -o out phantoms/truth phantoms/images/../truth
expect 2 "are for masks" "$fovea" eval -o out --fov 3 predicted.csv labels.csv
expect 2 "--fov: '0'" "$fovea" eval -o out --fov 0 phantoms/images phantoms/truth
expect 2 "--foreground: expected any or a value" "$fovea" eval -o out --foreground 0 phantoms/images phantoms/truth
expect 4 "nowhere: no such file or folder" "$fovea" eval -o out nowhere labels.csv
[ -e out ] && fail "wrong usage made an output folder"

# Grades: all, some, none.
expect 0 "all: 3 evaluated, 0 failed, accuracy 0.6667" "$fovea" eval -o grades "$work/predicted.csv" "$work/labels.csv"
for file in eval.csv eval_summary.csv eval_roc.csv eval.json eval.html; do
    [ -s "grades/$file" ] || fail "$file is missing"
    grep -q "$work" "grades/$file" && fail "an absolute path in $file"
done
grep -q "$notice" grades/eval.html || fail "the report lacks the notice"
grep -q "$notice" grades/eval.json || fail "the JSON lacks the notice"
expect 1 "labels.csv, line 3: b.png: no prediction for it in partly.csv" "$fovea" eval -o some partly.csv labels.csv
grep -q '^all,d.png,failed,partly.csv,3,' some/eval.csv || fail "eval.csv lacks a failure"
expect 4 "3 failures, and --strict: nothing was written" "$fovea" eval --strict -o strict partly.csv labels.csv
[ -e strict ] && fail "--strict wrote something"
expect 3 "nothing was evaluated" "$fovea" eval -o none strangers.csv labels.csv
printf 'name,grade\na,0\n' >headless.csv
expect 4 "headless.csv, line 1" "$fovea" eval -o out headless.csv labels.csv

# Commas in names, tables that would be replaced, outputs that cannot be written.
cp labels.csv "my, labels.csv"
expect 0 "test: 3 evaluated" "$fovea" eval -o comma --set "test=predicted.csv,my, labels.csv"
cp labels.csv some/eval.csv
expect 2 "would be replaced" "$fovea" eval -o some predicted.csv some/eval.csv
cmp -s labels.csv some/eval.csv || fail "a table was replaced"
expect 4 "labels.csv" "$fovea" eval -o labels.csv predicted.csv labels.csv
mkdir -p blocked/eval.json
expect 4 "eval.json" "$fovea" eval -o blocked predicted.csv labels.csv

# Masks, with pictures; images that are missing or of another size are said in their places.
cp -r phantoms/truth predicted
mkdir images
cp phantoms/images/phantom_0001.png images/
"$fovea" phantom --count 2 --size 192 -o larger >/dev/null || fail "phantom"
cp larger/images/phantom_0002.png images/
expect 0 "all: 3 evaluated, 0 failed, mean Dice 1.0000" \
    "$fovea" eval -o masks --fov 3 --images "$work/images" "$work/predicted" "$work/phantoms/truth"
grep -q "$work" masks/eval.html masks/eval.json masks/eval.csv && fail "an absolute path in a report on masks"
grep -qF 'data:image/png;base64,' masks/eval.html || fail "no picture in the report"
grep -q 'images/phantom_0002.png has 192 x 192 pixels' masks/eval.html || fail "an image of another size is not told"
grep -q 'no image of this name in images' masks/eval.html || fail "a missing image is not told"
rm predicted/phantom_0002.png
echo text >predicted/phantom_0003.png
expect 1 "all: 1 evaluated, 2 failed" "$fovea" eval -o masks predicted phantoms/truth
expect 1 "phantom_0003.png: expected a PNG" "$fovea" eval -o masks predicted phantoms/truth
expect 3 "nothing was evaluated" "$fovea" eval -o masks empty phantoms/truth

[ "$failures" -eq 0 ] && echo "all passed"
[ "$failures" -eq 0 ]
