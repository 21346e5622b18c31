#!/bin/sh
# fovea adapt as a user meets it: adapt.sh PROGRAM COMPARE_MODELS SOURCE_FOLDER. Works in a fresh folder under TMPDIR and
# removes it. Skipped with a plain line where the shipped models are absent.
set -u
fovea=$(realpath "$1")
compare=$(realpath "$2")
models=$(realpath "$3")/apps/models
. "$(dirname "$(realpath "$0")")/../expect.sh"

equal() {
    [ "$2" = "$3" ] || fail "$1: '$2', expected '$3'"
}

# refuse TEXT OPTION...: exit status 4, TEXT in the message, and no output of any kind.
refuse() {
    text=$1
    shift
    expect 4 "$text" "$fovea" adapt "$@" -o refused.gguf
    [ -e refused.gguf ] && fail "a refused adaptation wrote a model: $*"
    [ -e refused-report ] && fail "a refused adaptation wrote a report: $*"
    rm -rf refused.gguf refused-report
}

accuracy() {
    "$fovea" grade --overwrite --models "$1" --fov 3 --layer superficial -o graded held/images >/dev/null 2>&1
    "$fovea" eval -o compared --match base graded/results.csv held/truth/truth.csv >/dev/null 2>&1
    awk -F, '$1 == "accuracy" { print $3 }' compared/eval_summary.csv
}

expect 2 "--output NEW.gguf is required" "$fovea" adapt model.gguf labels.csv
expect 2 "expected MODEL.gguf LABELS.csv" "$fovea" adapt -o new.gguf model.gguf
expect 2 "outside 3 to 10" "$fovea" adapt --folds 2 -o new.gguf model.gguf labels.csv
if [ ! -e "$models/swin_grader.gguf" ]; then
    echo "skipped: the shipped models are absent"
    [ "$failures" -eq 0 ]
    exit
fi
swin=$models/swin_grader.gguf
"$fovea" phantom --count 36 --seed 11 --degrade mixed -o ours >/dev/null
"$fovea" phantom --count 30 --seed 77 --degrade mixed -o held >/dev/null
# Readers who grade otherwise than the shipped model: they call outstanding what it calls gradable, and the reverse.
for series in ours held; do
    sed -i 's/,gradable,/,GRADABLE,/; s/,outstanding,/,gradable,/; s/,GRADABLE,/,outstanding,/' $series/truth/truth.csv
done
cut -d, -f1,11 ours/truth/truth.csv >ours/images/labels.csv
labels=ours/images/labels.csv
find ours "$swin" -type f -exec cksum {} + | sort >before

# A better grader, the same bytes whatever the threads, the rest of the model untouched.
SOURCE_DATE_EPOCH=86400
export SOURCE_DATE_EPOCH
expect 0 "36 images (12 ungradable, 12 gradable, 12 outstanding), 0 failed" \
    "$fovea" adapt "$swin" $labels --copies 2 --threads 1 -o first.gguf
grep -q "model: first.gguf" printed || fail "the summary does not name the model"
expect 0 "accuracy after" "$fovea" adapt "$swin" $labels --copies 2 --threads 3 -o second.gguf
cmp first.gguf second.gguf || fail "models differ between numbers of threads"
diff -r first-report second-report >/dev/null || fail "reports differ between numbers of threads"
find ours "$swin" -type f -exec cksum {} + | sort | cmp -s - before || fail "inputs were changed"
"$compare" "$swin" first.gguf >differences || fail "the models have not the same tensors and keys"
equal "tensors that differ" "$(sort differences | tr '\n' ' ')" "head.bias head.weight "
was=$(accuracy "$swin") is=$(accuracy first.gguf)
awk "BEGIN { exit !(\"$was\" != \"\" && $is + 0 > $was + 0) }" || fail "accuracy on other images: $was, adapted $is"
expect 0 "adapted on 1970-01-02 from" "$fovea" inspect first.gguf
expect 0 "fovea.adapt.parent_sha256    $(sha256sum "$swin" | cut -d' ' -f1)" "$fovea" inspect first.gguf
expect 0 "lineage      adapted on 1970-01-02" "$fovea" models first.gguf
grep -q "adapted on 1970-01-02 from" graded/report.html || fail "the report of a run lacks the lineage"
grep -q '"lineage":\["adapted on 1970-01-02 from' graded/results.json || fail "results.json lacks the lineage"
expect 0 "36 evaluated, 0 failed" "$fovea" eval -o again --match base first-report/adapt.csv ours/truth/truth.csv
grep -q "Research use only" first-report/adapt.html || fail "the report lacks the notice"
grep -qF -e "$work" first-report/adapt.html first-report/adapt.json first-report/adapt.csv first.gguf &&
    fail "an output names a folder of this machine"

# Adapted again, it names all its ancestors; an unwilling second gain needs --force.
"$fovea" adapt first.gguf $labels --copies 1 --epochs 1 --rate 1e-7 -o third.gguf >printed 2>&1
equal "exit status of an adaptation without gain" $? 4
grep -q "not written, --force writes it" printed || fail "no reason for not writing"
[ -e third.gguf ] && fail "a grader that is no better was written"
[ -e third-report/adapt.html ] || fail "no report of an adaptation without gain"
grep -q "is not better" third-report/adapt.html || fail "the report does not say that the grader is not better"
expect 0 "written because of --force" \
    "$fovea" adapt first.gguf $labels --copies 1 --epochs 1 --rate 1e-7 --force --name Ours --report rep -o third.gguf
"$fovea" inspect third.gguf >printed
grep -q "general.name  *Ours$" printed || fail "the name is not the given one"
equal "generations" "$(grep '^ *fovea.lineage' printed | grep -o 'adapted on' | wc -l | tr -d ' ')" 2
[ -s rep/adapt.json ] || fail "--report was not obeyed"

# Never over the parent, by whatever path, nor over anything else.
cp "$swin" mine.gguf
ln -s mine.gguf link.gguf
ln mine.gguf hard.gguf
for name in mine.gguf ./mine.gguf link.gguf hard.gguf "$work/mine.gguf"; do
    expect 4 "is the parent" "$fovea" adapt mine.gguf $labels -o "$name"
done
expect 4 "exists already" "$fovea" adapt mine.gguf $labels -o first.gguf
cmp "$swin" mine.gguf || fail "the parent was changed"

expect 4 "holds the labels" "$fovea" adapt "$swin" first-report/adapt.csv --report first-report -o fourth.gguf
: >file
expect 4 "is no folder" "$fovea" adapt "$swin" $labels --report file -o fourth.gguf
expect 4 "fourth.gguf" "$fovea" adapt "$swin" $labels --copies 1 -o absent/fourth.gguf
expect 4 "file: the folder cannot be created" "$fovea" adapt "$swin" $labels --copies 1 --report file/below -o fourth.gguf
[ -e fourth.gguf ] && fail "a model without its report stays"

# What is refused.
refuse "is for segmentation, expected a grader" "$models/faz_segmenter.gguf" $labels
refuse "labels.csv" $labels $labels
refuse "is a folder" "$models" $labels
refuse "none.gguf" none.gguf $labels
refuse "none.csv" "$swin" none.csv
in_folder() {
    cat >ours/images/odd.csv
}
{ head -n 28 $labels; } | in_folder
refuse "9 images are ungradable, expected at least 10" "$swin" ours/images/odd.csv --copies 1
grep -v outstanding $labels | in_folder
refuse "0 images are outstanding, expected at least 10" "$swin" ours/images/odd.csv --copies 1
refuse "expected at least 14 of each grade" "$swin" $labels --folds 7 --copies 1
{ cat $labels; echo phantom_0001.png,splendid; } | in_folder
refuse "the grade is 'splendid'" "$swin" ours/images/odd.csv
{ cat $labels; echo phantom_0001.png,3; } | in_folder
refuse "line 38: phantom_0001.png: the grade is '3'" "$swin" ours/images/odd.csv
{ cat $labels; echo phantom_0002.png,gradable; } | in_folder
refuse "line 38: phantom_0002.png: the same image as phantom_0002.png in line 3" "$swin" ours/images/odd.csv
cp ours/images/phantom_0002.png ours/images/twin.png
{ cat $labels; echo twin.png,0; } | in_folder
refuse "the same image as phantom_0002.png in line 3, with another grade: the files hold the same bytes" \
    "$swin" ours/images/odd.csv
{ cat $labels; echo '"phantom_0002.png"x,gradable'; } | in_folder
refuse "line 38" "$swin" ours/images/odd.csv
{ cat $labels; echo '"phantom_0002.png,gradable'; } | in_folder
refuse "line 38" "$swin" ours/images/odd.csv
: | in_folder
refuse "the table is empty" "$swin" ours/images/odd.csv
echo file,grade | in_folder
refuse "expected at least 10" "$swin" ours/images/odd.csv
{ echo file,mark; tail -n +2 $labels; } | in_folder
refuse "no column 'grade'" "$swin" ours/images/odd.csv
{ echo file,grade,subject; tail -n +2 $labels | sed 's/$/,one/'; } | in_folder
refuse "more subjects are needed" "$swin" ours/images/odd.csv --copies 1
{ echo file,grade,subject; tail -n +2 $labels | sed 's/$/,/'; } | in_folder
refuse "the subject is blank" "$swin" ours/images/odd.csv
for n in 1 2 3 4 5; do echo "missing_$n.png,gradable"; done >more
{ cat $labels more; } | in_folder
refuse "5 of 41 images cannot be used; more than 10 in a hundred" "$swin" ours/images/odd.csv --copies 1
grep -q "missing_4.png" printed || fail "an unreadable image is not named"

# A few unreadable images are named, counted and left out; words, numbers, CRLF, a byte order mark and quotes are read.
{
    printf '\357\273\277"file","subject","label"\r\n'
    tail -n +2 $labels | sed 's/outstanding/2/; s/^\([^,]*\),\(.*\)$/"\1",s_\1,\2/; s/$/\r/'
    printf 'missing_1.png,s_m,0\r\n'
} | in_folder
expect 1 "line 38: missing_1.png: " "$fovea" adapt "$swin" ours/images/odd.csv --copies 2 --folds 3 -o odd.gguf
grep -q "36 images (12 ungradable, 12 gradable, 12 outstanding), 1 failed" printed || fail "a failure is not counted"
grep -q "missing_1.png" odd-report/adapt.html || fail "the report does not name a failed image"

# An interrupt writes nothing.
"$fovea" adapt "$swin" $labels --copies 64 -o stopped.gguf >/dev/null 2>&1 &
process=$!
sleep 0.5
kill -TERM $process
wait $process
equal "exit status of an interrupted adaptation" $? 130
[ -e stopped.gguf ] || [ -e stopped-report ] && fail "an interrupted adaptation wrote something"

[ "$failures" -eq 0 ] && echo "all passed"
[ "$failures" -eq 0 ]
