#!/bin/sh
# fovea cohort as a user meets it: cli.sh PROGRAM with|without, the latter if it was built without GSL. Works in a fresh
# folder under TMPDIR and removes it.
set -u
fovea=$(realpath "$1")
gsl=$2
. "$(dirname "$(realpath "$0")")/../expect.sh"

notice='Research use only. Not a medical device. Not for diagnosis.'
expect 0 "Usage: fovea cohort" "$fovea" cohort --help
expect 2 "--output FOLDER is required" "$fovea" cohort subjects.csv results
if [ "$gsl" = without ]; then
    expect 4 "built without GSL" "$fovea" cohort -o out subjects.csv results
    [ "$failures" -eq 0 ]
    exit
fi

# A run folder as the program writes it, and subjects of three groups, some with both eyes.
"$fovea" phantom --count 12 --seed 4 --size 160 --degrade none -o phantoms >/dev/null || fail "phantom"
"$fovea" measure --fov 3 -o run phantoms/truth >/dev/null 2>&1 || fail "measure"
{
    echo "file,subject,eye,group,age,repeat"
    i=0
    for name in $(cd phantoms/truth && ls phantom_*.png); do
        eye=OD
        [ $((i % 4 / 2)) -eq 1 ] && eye=OS
        set -- control mild severe
        shift $((i / 4))
        echo "$name,S$((i / 4)),$eye,$1,$((40 + i / 4)),$((i % 2 + 1))"
        i=$((i + 1))
    done
} >subjects.csv
expect 0 "12 images of 3 subjects in 3 groups (every subject counts once)" "$fovea" cohort -o first subjects.csv "$work/run"
for file in cohort.csv cohort.json cohort.html; do
    [ -s "first/$file" ] || fail "$file is missing"
    grep -q "$work" "first/$file" && fail "an absolute path in $file"
done
grep -q "$notice" first/cohort.html || fail "the report lacks the notice"
grep -q "$notice" first/cohort.json || fail "the JSON lacks the notice"
grep -q "<script\|http" first/cohort.html && fail "the report loads something"
grep -q 'S[0-2]' first/cohort.html && fail "subjects are named without need"
grep -q 'Two eyes of a subject are not independent' first/cohort.html || fail "the unit is not told"
grep -q '^describe,faz_area_mm2,mild,,sd,,,a single value has no standard deviation$' first/cohort.csv ||
    fail "a blank without its reason"
grep -q '^welch_t,faz_area_mm2,control,mild,p,,,"a group has a single value' first/cohort.csv || fail "no reason of a test"

# The same bytes again, for any order of rows, and for a table as an office writes it.
expect 0 "" "$fovea" cohort -o again subjects.csv run/results.csv
cmp -s first/cohort.csv again/cohort.csv || fail "two runs differ"
{
    head -n 1 subjects.csv
    tail -n +2 subjects.csv | sort -r
} >turned.csv
mkdir turned
{
    head -n 1 run/results.csv
    tail -n +2 run/results.csv | sort -r
} >turned/results.csv
cp subjects.csv kept.csv
cp turned.csv subjects.csv
expect 0 "" "$fovea" cohort -o second subjects.csv turned
diff -r first second >/dev/null || fail "the order of the rows changes the results"
cp kept.csv subjects.csv
{
    printf '\357\273\277'
    tr , ';' <kept.csv | sed 's/$/\r/'
} >subjects.csv
expect 0 "" "$fovea" cohort -o office subjects.csv run
diff -r first office >/dev/null || fail "semicolons change the results"
cp kept.csv subjects.csv

# Eyes, and what is too sure then.
expect 0 "in 3 groups (every eye counts)" "$fovea" cohort -o eyes --per eye subjects.csv run
grep -q 'intervals too narrow and p values too low' eyes/cohort.html || fail "eyes that are not independent are not told"

# Two runs whose images have the same names; grades as groups; all measures.
{
    echo "file,run,subject,reader"
    for name in $(cd phantoms/truth && ls phantom_*.png); do
        echo "$name,run,${name%.png},A"
        echo "$name,turned,${name%.png},B"
    done
} >readers.csv
expect 0 "24 images of 12 subjects in 1 group" "$fovea" cohort -o readers --repeat reader --measure all readers.csv run turned
grep -q '^bland_altman,faz_area_mm2,B,A,bias,0,,$' readers/cohort.csv || fail "two readers that agree"
grep -q 'angle_degrees' readers/cohort.csv && fail "a mean of directions"
expect 3 "there twice, also in run/results.csv, line 13" "$fovea" cohort -o out subjects.csv run/results.csv turned

# Problems: told with file and line, counted, and refused if asked for.
sed 's/phantom_0002/phantom_2000/' kept.csv >subjects.csv
expect 1 "subjects.csv, line 3: phantom_2000.png: the results have no image of it" "$fovea" cohort -o some subjects.csv run
expect 1 "run/results.csv, line 3: phantom_0002.png: no row of subjects.csv names it" "$fovea" cohort -o some subjects.csv run
grep -q 'phantom_2000.png</td>' some/cohort.html || fail "the report lacks a problem"
expect 4 "2 problems, and --strict: nothing was written" "$fovea" cohort --strict -o strict subjects.csv run
[ -e strict ] && fail "--strict wrote something"
printf 'file,subject\nx.png,1\n' >strangers.csv
expect 3 "no image can be used: nothing was written" "$fovea" cohort -o none strangers.csv run
[ -e none ] && fail "a cohort of nothing made an output folder"
cp kept.csv subjects.csv
expect 2 "did you mean 'circularity'?" "$fovea" cohort -o out2 --measure circularty subjects.csv run
expect 2 "no table has a column 'diagnosis'" "$fovea" cohort -o out2 --group diagnosis subjects.csv run
expect 4 "nowhere" "$fovea" cohort -o out2 subjects.csv nowhere
expect 4 "nowhere.csv" "$fovea" cohort -o out2 nowhere.csv run
[ -e out2 ] && fail "wrong usage made an output folder"

# Outputs that cannot be written, and tables that would be replaced.
echo file >not_a_folder
expect 4 "not_a_folder" "$fovea" cohort -o not_a_folder subjects.csv run
mkdir -p blocked/cohort.json
expect 4 "cohort.json" "$fovea" cohort -o blocked subjects.csv run
cp subjects.csv some/cohort.csv
expect 2 "would be replaced" "$fovea" cohort -o some some/cohort.csv run
cmp -s subjects.csv some/cohort.csv || fail "a table was replaced"

# Names that mean something in HTML, CSV or to a terminal.
printf 'file,subject,group,age\nphantom_0001.png,"a,""<b>",<i>&,1\nphantom_0002.png,\033[31mx,<i>&,2\n' >odd.csv
printf 'gone.png,<script>,<i>&,2\n' >>odd.csv
"$fovea" cohort -o odd odd.csv run >printed 2>&1
grep -q "$(printf '\033')" printed && fail "a name steers the terminal"
grep -qF '<i>&' odd/cohort.html && fail "a group is not escaped"
grep -qF '<script>' odd/cohort.html && fail "a subject is not escaped"

[ "$failures" -eq 0 ] && echo "all passed"
[ "$failures" -eq 0 ]
