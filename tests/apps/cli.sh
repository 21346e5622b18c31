#!/bin/sh
# The program as a user meets it: cli.sh PROGRAM SOURCE_FOLDER. Works in a fresh folder under TMPDIR and removes it.
# What needs the shipped models is skipped with a plain line where they are absent.
set -u
fovea=$(realpath "$1")
source=$(realpath "$2")
. "$(dirname "$(realpath "$0")")/expect.sh"

# field FILE NAME COLUMN: a field of results.csv, for names and fields without commas.
field() {
    awk -F, -v name="$2" -v column="$3" \
        'NR == 1 { for (i = 1; i <= NF; i++) if ($i == column) k = i } $1 == name { print $k }' "$1"
}

equal() {
    [ "$2" = "$3" ] || fail "$1: '$2', expected '$3'"
}

notice='Research use only. Not a medical device. Not for diagnosis.'
commands='run grade segment measure report merge eval adapt models phantom convert inspect infer bench'

# Help, version, and what is written about the options.
expect 0 "$notice" "$fovea" --version
expect 0 "$notice" "$fovea" --help
for command in $commands; do
    expect 0 "Usage: fovea $command" "$fovea" "$command" --help
    grep -q "^\.B $command\$" "$source/apps/share/fovea.1" || fail "the man page has no command $command"
    for option in $(grep -oE '^ +(-., )?--[a-z-]+' printed | sed 's/.*--//'); do
        grep -E "^ +$command\)" "$source/apps/share/fovea.bash" | grep -q -e "--$option[ ']" ||
            fail "the completion of $command lacks --$option"
        [ "$option" = help ] || grep -q -e "$(echo "-$option" | sed 's/-/\\\\-/g; s/^/\\\\-/')" "$source/apps/share/fovea.1" ||
            fail "the man page lacks --$option of $command"
    done
done

# Wrong usage.
expect 2 "no command" "$fovea"
expect 2 "did you mean 'segment'" "$fovea" segmnet
expect 2 "expected superficial or deep" "$fovea" run --fov 3 --layer middle -o out x.png
expect 2 "outside" "$fovea" run --fov 0 --layer deep -o out x.png
expect 2 "did you mean --layer" "$fovea" run --fov 3 --layre deep -o out x.png
expect 2 "expected an input" "$fovea" run --fov 3 --layer deep -o out
expect 2 "--folds: expected numbers" "$fovea" segment --fov 3 --layer deep --folds 0,x -o out x.png
expect 2 "--output FOLDER is required" "$fovea" run --fov 3 --layer deep x.png
expect 2 "deep images are not graded" "$fovea" grade --fov 3 --layer deep -o out x.png
[ -e out ] && fail "wrong usage made an output folder"

# Nothing to do.
mkdir empty other
echo a,b >other/table.csv
for input in empty other nowhere.png; do
    expect 3 "no image found" "$fovea" measure --fov 3 -o out "$input"
done
expect 3 "nolist.txt" "$fovea" measure --fov 3 -o out --list nolist.txt
[ -e out ] && fail "a run without images made an output folder"

# Scale, eye and layer: each image's own. Nothing is guessed, and who said it stands in the results.
"$fovea" phantom --count 2 --seed 6 --size 160 --degrade none -o scans >/dev/null || fail "phantom"
mkdir named
cp scans/truth/phantom_0001.png "named/1 SCP OD 3x3.png"
cp scans/truth/phantom_0002.png named/2_OS_OD.png
expect 2 "--fov MM is required" "$fovea" measure -o out named
expect 2 "--fov MM is required" "$fovea" run --layer deep -o out named
expect 2 "--layer LAYER is required" "$fovea" run --fov 3 -o out named/2_OS_OD.png
expect 2 "--coips takes --fov and --layer" "$fovea" run --coips named --fov 3
[ -e out ] && fail "wrong usage made an output folder"
printf 'file,fov_mm,eye,subject,age\n2_OS_OD.png,6,L,"S, 1",7\n' >scans.csv
expect 1 "columns that are not used: age" "$fovea" measure --scans scans.csv -o own named
equal "reason without a field of view" "$(field own/results.csv "1 SCP OD 3x3.png" reason)" \
    "its field of view is not known: --fov or a table of scans can tell it"
rm -r own
expect 0 "2 ok" "$fovea" measure --fov 3 --scans scans.csv -o own named
own() {
    equal "$2 of $1" "$(sed 's/"[^"]*"//g' own/results.csv >plain.csv && field plain.csv "$1" "$2")" "$3"
}
own "1 SCP OD 3x3.png" fov_mm 3
own "1 SCP OD 3x3.png" fov_source option
own "1 SCP OD 3x3.png" layer superficial
own "1 SCP OD 3x3.png" layer_source name
own "1 SCP OD 3x3.png" eye OD
own "1 SCP OD 3x3.png" name_size_mm 3
own 2_OS_OD.png fov_mm 6
own 2_OS_OD.png fov_source table
own 2_OS_OD.png eye OS
own 2_OS_OD.png eye_source table
own 2_OS_OD.png layer ""
grep -q 'field of view 6 x 6 mm as the table says, not 3 x 3 mm as the command line does; the file.s name says both' \
    own/results.csv || fail "a contradiction is not remarked"
grep -q "says both eyes" own/report.html || fail "a remark is not in report.html"
grep -q '"fov_source":"table"' own/results.json || fail "the source of the scale is not in results.json"
for table in 'fov_mm\n3\n' 'file,fov_mm\nx.png,3\n' 'file,fov_mm\n2_OS_OD.png,3\n2_OS_OD.png,3\n' 'file,fov_m\n'; do
    # The table is the format.
    # shellcheck disable=SC2059
    printf "$table" >bad.csv
    expect 4 "bad.csv" "$fovea" measure --fov 3 --scans bad.csv -o out named
done
expect 4 "nowhere.csv" "$fovea" measure --fov 3 --scans nowhere.csv -o out named
[ -e out ] && fail "a table that cannot be used made an output folder"

# Masks with known areas, and a folder in which some files are bad.
"$fovea" phantom --count 3 --seed 7 --size 160 --degrade none -o phantoms >/dev/null || fail "phantom"
expect 0 "3 of 3 images" "$fovea" measure --fov 3 -o measured phantoms/truth
for name in phantom_0001.png phantom_0002.png phantom_0003.png; do
    equal "area of $name" "$(field measured/results.csv $name faz_area_mm2)" \
        "$(field phantoms/truth/truth.csv $name faz_area_mm2)"
done
grep -q "$notice" measured/report.html || fail "the report lacks the notice"
grep -q "$notice" measured/results.json || fail "the JSON lacks the notice"
grep -q "$work" measured/report.html measured/results.csv measured/results.json && fail "an absolute path in a report"
grep -q "perimeter_method" measured/results.json || fail "the JSON does not name the method of the perimeter"
equal "vessels without an image" "$(field measured/results.csv phantom_0001.png vessel_method)" ""
[ -e measured/vessels ] && fail "maps of vessels without images"

# With their images, by name, whatever the suffix: vessels too; a mask without an image of its size fails.
mkdir images
cp phantoms/images/phantom_0001.png images/phantom_0001.tif
cp phantoms/images/phantom_0002.png images/
"$fovea" phantom --count 1 --seed 7 --size 128 -o smaller >/dev/null || fail "phantom"
cp smaller/images/phantom_0001.png images/phantom_0003.png
expect 1 "2 ok, 1 failed" "$fovea" measure --fov 3 --images images -o vessels_out phantoms/truth
[ -s vessels_out/vessels/phantom_0001.png ] || fail "no map of vessels"
equal "files in vessels" "$(find vessels_out/vessels -type f | wc -l | tr -d ' ')" 2
for column in fd300_percent perfusion_density_image vessel_density_inner_per_mm; do
    [ -n "$(field vessels_out/results.csv phantom_0002.png $column)" ] || fail "no $column"
done
equal "the outer ring of a 3 mm scan" "$(field vessels_out/results.csv phantom_0002.png perfusion_density_outer)" ""
grep -q "its image 128 x 128" vessels_out/results.csv || fail "a mask of another size has no reason"
head -c 300 phantoms/images/phantom_0002.png >images/phantom_0002.png
expect 1 "1 ok, 2 failed" "$fovea" measure --fov 3 --images images -o damaged_out phantoms/truth
grep -q "phantom_0002.png,failed,its image: " damaged_out/results.csv || fail "a damaged image of a mask has no reason"
grep -q "$work" damaged_out/results.csv && fail "an absolute path in a reason"
grep -q "map of the vessels" vessels_out/report.html || fail "the report shows no map of the vessels"
expect 3 "--images: no image found" "$fovea" measure --fov 3 --images other -o out phantoms/truth
[ -e out ] && fail "a run without images made an output folder"
mkdir -p mixed/sub
cp phantoms/truth/phantom_0001.png "mixed/good, \"quoted\".png"
cp phantoms/images/phantom_0001.png mixed/no_mask.png
cp phantoms/truth/phantom_0002.png mixed/sub/other_name.tif
: >mixed/zero_bytes.png
head -c 200 phantoms/truth/phantom_0003.png >mixed/truncated.png
echo text >mixed/text.jpg
printf '\211PNG\r\n\032\n\000\000\000\rIHDR\177\377\377\377\177\377\377\377\010\000\000\000\000\000\000\000\000' >mixed/huge.png
expect 1 "2 ok, 5 failed" "$fovea" measure --fov 3 -o mixed_out mixed
equal "status of a mislabelled file" "$(field mixed_out/results.csv sub/other_name.tif status)" ok
for name in no_mask.png zero_bytes.png truncated.png text.jpg huge.png; do
    equal "status of $name" "$(field mixed_out/results.csv $name status)" failed
    [ -n "$(field mixed_out/results.csv $name reason)" ] || fail "$name has no reason"
done
grep -q '^"good, ""quoted"".png",ok,' mixed_out/results.csv || fail "a name with quotes is not quoted in the CSV"

# Outputs that cannot be written, whoever runs this.
echo file >not_a_folder
expect 4 "not_a_folder" "$fovea" measure --fov 3 -o not_a_folder phantoms/truth
expect 4 "not_a_folder" "$fovea" measure --fov 3 -o not_a_folder/below phantoms/truth
mkdir -p blocked/results.csv
expect 4 "results.csv" "$fovea" measure --fov 3 -o blocked phantoms/truth
[ -d /proc/self ] && expect 4 "/proc/fovea" "$fovea" measure --fov 3 -o /proc/fovea phantoms/truth

# Models that cannot be used.
expect 4 "no model found" "$fovea" run --fov 3 --layer superficial --models empty -o out phantoms/images
mkdir broken
printf 'GGUF\003\000\000\000' >broken/model.gguf
expect 4 "model.gguf" "$fovea" run --fov 3 --layer superficial --models broken -o out phantoms/images
expect 4 "nowhere" "$fovea" run --fov 3 --layer superficial --models nowhere -o out phantoms/images
expect 4 "model.gguf" "$fovea" bench broken/model.gguf
expect 4 "model.gguf" "$fovea" infer broken/model.gguf in.npy -o out.npy

if ! "$fovea" models >listed 2>&1; then
    echo "skipped: no shipped models: $(head -n 1 listed)"
    [ "$failures" -eq 0 ]
    exit
fi

# The whole pipeline, twice with other numbers of threads: the same bytes, and inputs as they were.
cp mixed/huge.png mixed/zero_bytes.png mixed/text.jpg phantoms/images/
mkdir phantoms/images/sub
cp phantoms/images/phantom_0001.png phantoms/images/sub/phantom_0001.PNG
find phantoms -type f -exec cksum {} + | sort >before
expect 1 "7 of 7 images: 4 ok, 0 ungradable, 3 failed" \
    "$fovea" run --fov 3 --layer superficial --threads 1 -o first phantoms/images
expect 1 "7 of 7 images" "$fovea" run --fov 3 --layer superficial --threads 3 -o second phantoms/images
diff -r -x fovea.sqlite first second >/dev/null || fail "two runs differ"
find phantoms -type f -exec cksum {} + | sort | cmp -s - before || fail "inputs were changed"
for folder in masks overlays contours vessels; do
    for name in phantom_0001 phantom_0002 phantom_0003 sub/phantom_0001; do
        [ -s "first/$folder/$name.png" ] || fail "$folder/$name.png is missing"
    done
    equal "files in $folder" "$(find first/$folder -type f | wc -l | tr -d ' ')" 4
done
[ -n "$(field first/results.csv phantom_0001.png grade)" ] || fail "a row without a grade"
grep -q "Demo models" first/report.html || fail "the report does not say that demo models were used"
expect 0 "3 of 3 images: 3 ok" "$fovea" measure --fov 3 -o again first/masks/phantom_0001.png \
    first/masks/phantom_0002.png first/masks/phantom_0003.png
equal "area from the mask" "$(field again/results.csv phantom_0001.png faz_area_mm2)" \
    "$(field first/results.csv phantom_0001.png faz_area_mm2)"

# Tuned: measured once, read by the next run, the same bytes whatever the threads; and reports say so.
mkdir tuned_models
"$fovea" phantom --count 1 --seed 9 --size 160 --degrade none -o tuned_phantom >/dev/null || fail "phantom"
cp "$source"/apps/models/*.gguf tuned_models
expect 0 "measurements of layers" "$fovea" run --tune --fov 3 --layer superficial --models tuned_models --threads 1 \
    -o tuned tuned_phantom/images
ls tuned_models/*.tuning.json >listed || fail "no measurements were kept"
cat tuned_models/*.tuning.json >kept
expect 0 "1 ok" "$fovea" run --tune --fov 3 --layer superficial --models tuned_models --threads 3 -o tuned_again \
    tuned_phantom/images
grep -q "measurements of layers" printed && fail "what was measured is measured again"
cat tuned_models/*.tuning.json | cmp -s - kept || fail "a run changed what was measured"
diff -r -x fovea.sqlite tuned tuned_again >/dev/null || fail "two tuned runs differ"
equal "tuned in the table" "$(field tuned/results.csv phantom_0001.png tuned)" yes
equal "not tuned in the table" "$(field first/results.csv phantom_0001.png tuned)" no
grep -q '"tuned":true' tuned/results.json || fail "results.json does not say that the run was tuned"
grep -q -e "--tune" tuned/report.html || fail "the report does not say that the run was tuned"
expect 0 "took " "$fovea" inspect --plan --tune "$(head -n 1 listed | sed 's/.tuning.json//')"
echo "{}" >"$(head -n 1 listed)"
expect 4 "$(head -n 1 listed)" "$fovea" run --tune --fov 3 --layer superficial --models tuned_models -o tuned_broken \
    tuned_phantom/images

# The choice of views and folds is in every report; labels are there, maps of probability only on request.
expect 4 "has no fold 9" "$fovea" segment --fov 3 --layer superficial --folds 9 -o part phantoms/images/phantom_0001.png
[ -e part ] && fail "a fold that is not there made an output folder"
expect 0 "1 ok" "$fovea" segment --fov 3 --layer superficial --tta off --folds 0 -o part phantoms/images/phantom_0001.png
equal "views in the table" "$(field part/results.csv phantom_0001.png tta)" off
equal "folds in the table" "$(field part/results.csv phantom_0001.png folds)" 0
grep -q '"tta":"off","folds":\[0\]' part/results.json || fail "views and folds in results.json"
grep -q "unmirrored (--tta off), by 1 of the model's" part/report.html || fail "views and folds in report.html"
[ -s first/labels/sub/phantom_0001.nii.gz ] || fail "labels are missing"
[ -e part/probability ] && fail "maps of probability that nobody asked for"
rm -rf part

# Masks in the output folder are never replaced by masks of themselves.
cp first/masks/phantom_0001.png first/masks/own.png
cksum first/masks/own.png >before
expect 1 "lies in the output folder" "$fovea" run --fov 3 --layer superficial -o first first/masks/own.png
cksum first/masks/own.png | cmp -s - before || fail "a mask was replaced"

# Deep images alone are segmented without grades; ungradable ones leave no mask; what nothing serves is listed.
expect 0 "1 of 1 images: 1 ok (1 not graded), 0 ungradable" "$fovea" run --fov 3 --layer deep -o deep \
    phantoms/images/phantom_0001.png
grep -q '^phantom_0001.png,ok,,"not graded: .*",,,,,,,' deep/results.csv || fail "a deep image that is alone is graded"
"$fovea" phantom --count 3 --seed 3 --size 320 --degrade mixed -o degraded >/dev/null
mkdir -p poor/masks
echo stale >poor/masks/phantom_0003.png
expect 0 "1 ungradable" "$fovea" run --fov 3 --layer superficial -o poor degraded/images/phantom_0003.png
equal "status of a poor image" "$(field poor/results.csv phantom_0003.png status)" ungradable
[ -e poor/masks/phantom_0003.png ] && fail "an ungradable image has a mask"
# A deep image by its name takes the grade of its superficial one, and one of another size is for another run.
mkdir both
cp phantoms/images/phantom_0001.png both/a_SCP.png
cp phantoms/images/phantom_0001.png both/a_DCP.png
cp phantoms/images/phantom_0001.png both/b_SCP.png
printf 'file,fov_mm\nb_SCP.png,6\n' >scans.csv
expect 1 "2 ok, 0 ungradable, 1 failed" "$fovea" run --fov 3 --scans scans.csv -o both_out both
equal "grade of a deep image among others" "$(field both_out/results.csv a_DCP.png grade)" \
    "$(field both_out/results.csv a_SCP.png grade)"
[ -n "$(field both_out/results.csv a_SCP.png grade)" ] || fail "a superficial image among deep ones has no grade"
grep -q "^b_SCP.png,failed,\"a superficial image of 6 mm (table), which .* of this run does not serve" \
    both_out/results.csv || fail "an image that no model of the run serves"
expect 1 "a deep image (name)" "$fovea" grade --fov 3 -o graded both/b_SCP.png both/a_DCP.png
expect 4 "served:" "$fovea" run --fov 4.5 --layer superficial -o out phantoms/images

# An interrupt finishes the image in work, writes the results and says so.
"$fovea" phantom --count 40 --seed 5 --size 320 -o many >/dev/null
: >stopped.log
"$fovea" segment --fov 3 --layer superficial -o stopped many/images >stopped.log 2>&1 &
process=$!
tries=0
until grep -q '^\[1/' stopped.log || [ $tries -gt 600 ]; do
    sleep 0.1
    tries=$((tries + 1))
done
kill -TERM $process
wait $process
equal "exit status of an interrupted run" $? 130
equal "rows and masks" "$(($(wc -l <stopped/results.csv) - 1))" "$(find stopped/masks -type f | wc -l | tr -d ' ')"

[ "$failures" -eq 0 ] && echo "all passed"
[ "$failures" -eq 0 ]
