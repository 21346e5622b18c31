#!/bin/sh
# The files of reports, small and large: report.sh REPORT_SAMPLE PROGRAM. Works in a fresh folder under TMPDIR and removes it.
set -u
sample=$(realpath "$1")
fovea=$(realpath "$2")
. "$(dirname "$(realpath "$0")")/../expect.sh"

count() { # count TEXT FILE...: lines that hold it
    text=$1
    shift
    cat "$@" | grep -cF -e "$text"
}

# Up to 200 images: one file that holds everything.
mkdir small large again between
expect 0 "" "$sample" 24 small
[ -e small/pages ] && fail "a small report has pages"
[ "$(count '<tr id="row-' small/report.html)" -eq 24 ] || fail "rows of a small report"
[ "$(count '<section class="image' small/report.html)" -eq 24 ] || fail "details in a small report"
grep -q 'Research use only' small/report.html || fail "no notice"
grep -q 'href="masks/sub%20folder/a%222%22%23%25%FF.png"' small/report.html || fail "an awkward name is not encoded"
grep -q '<tr><td class="number">2</td>.*damaged PNG: row 3 of 304' small/report.html || fail "reasons that differ in numbers are not one"
grep -q '<h4>Outline and shape</h4>' small/report.html || fail "measures are not in groups"
grep -q '3 &times; 3 mm (table of scans)' small/report.html || fail "where the field of view came from"

# Beyond: the pictures are in pages/, and nothing but links leads there.
expect 0 "" "$sample" 201 between
[ "$(ls between/pages | wc -l)" -eq 5 ] || fail "201 images are 5 pages"
[ "$(count '<section class="image' between/pages/page-0005.html)" -eq 1 ] || fail "the last page has one image"
cat between/pages/*.html | grep -o 'id="image-[0-9]*"' | sort | uniq | wc -l | grep -qx 201 || fail "an image is in no page"
grep -q 'data:image' between/report.html && fail "a large report holds pictures"
[ "$(wc -c <between/report.html)" -lt 400000 ] || fail "a large report is too large"
for page in between/pages/*.html; do
    grep -q 'Research use only' "$page" || fail "no notice in $page"
done
grep -o 'href="pages/[^"]*"' between/report.html | sed 's/^href="//; s/"$//' | sort -u >links
while IFS='#' read -r file place; do
    [ -z "$place" ] || grep -q "id=\"$place\"" "between/$file" || fail "a link leads nowhere: $file#$place"
done <links
[ "$(grep -c '#' links)" -eq 201 ] || fail "an image has no link"
grep -q 'href="../masks/image50.png"' between/pages/page-0002.html || fail "a page does not lead to files"

# The same again is the same; pages of a larger report before go, files of others stay.
expect 0 "" "$sample" 201 again
diff -r between again >/dev/null || fail "the same results give other files"
"$sample" 260 large || fail "no larger report"
[ -e large/pages/page-0006.html ] || fail "260 images are 6 pages"
echo mine >large/pages/page-1.html
"$sample" 201 large || fail "no smaller report"
[ "$(cat large/pages/page-1.html)" = mine ] || fail "a file that is no page went"
rm large/pages/page-1.html
diff -r between large >/dev/null || fail "pages of a larger report stay"
"$sample" 24 large || fail "no small report"
diff -r small large >/dev/null || fail "a small report is another after a large one"
find . -name '.fovea-*' | grep -q . && fail "temporary files stay"

# What cannot be written is said, and what was there stays.
mkdir blocked
echo mine >blocked/pages
expect 1 "pages" "$sample" 201 blocked
[ "$(cat blocked/pages)" = mine ] || fail "a file named pages was changed"
# Run folders: pages that are gone or were left half written by a process that is no more; shares that are merged.
"$fovea" phantom --count 3 --seed 4 --size 128 -o phantoms >/dev/null || fail "no phantoms"
mkdir masks
number=0
while [ "$number" -lt 201 ]; do
    number=$((number + 1))
    cp "phantoms/truth/phantom_000$((number % 3 + 1)).png" "masks/m $number.png"
done
measure() {
    "$fovea" measure --fov 3 "$@" masks
}
measure -o whole >/dev/null || fail "no run of 201 masks"
[ "$(ls whole/pages | wc -l)" -eq 5 ] || fail "a run of 201 images has 5 pages"
cp -r whole/pages pages-before
rm whole/pages/page-0003.html
echo half >whole/pages/.fovea-999999999-1.tmp
expect 0 "all done already" measure -o whole
diff -r whole/pages pages-before >/dev/null || fail "a page that was removed is not written again, or a temporary stays"
expect 0 "" measure --shard 1/2 -o share1
expect 0 "" measure --shard 2/2 -o share2
expect 0 "201 of 201" "$fovea" merge -o joined share1 share2
diff -r -x fovea.sqlite whole joined >differences 2>&1 || fail "shares that are merged differ: $(head -n 2 differences)"
[ "$failures" -eq 0 ]
