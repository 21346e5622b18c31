#!/bin/sh
# Progress and results as lines of JSON: json_lines.sh PROGRAM RANDOM_MODEL. Works in a fresh folder under TMPDIR and
# removes it.
set -u
fovea=$(realpath "$1")
random_model=$(realpath "$2")
. "$(dirname "$(realpath "$0")")/expect.sh"

# check LINES FOLDER STATUS TO_DO: every line is an object; they come in order; the images are those of results.json.
check() {
    "$python" - "$@" <<'END' || fail "the lines of $1"
import json, sys
path, folder, status, to_do = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
lines = [json.loads(line) for line in open(path, encoding="utf-8")]
whole = json.load(open(folder + "/results.json", encoding="utf-8"))
assert [line["event"] for line in lines] == ["start"] + ["image", "progress"] * to_do + ["end"], lines
start, images, progress, end = lines[0], lines[1:-1:2], lines[2:-1:2], lines[-1]
assert start["images"] == len(whole["images"]) and start["to_do"] == to_do, start
assert start["done_already"] == start["images"] - to_do and start["notice"] == whole["notice"], start
for image in images:
    del image["event"]
    assert image in whole["images"], image
assert [line["done"] for line in progress] == list(range(1, to_do + 1)), progress
assert all(line["total"] == to_do for line in progress), progress
assert all(line.get("seconds_left", 1) > 0 for line in progress), progress
assert to_do < 3 or any("seconds_left" in line for line in progress), progress
assert end["exit_status"] == status and end["images"] == end["images_planned"] == len(whole["images"]), end
states = [image["status"] for image in whole["images"]]
assert all(end.get(state, 0) == states.count(state) for state in ("ok", "ungradable", "failed")), end
assert end["report"] == folder + "/report.html", end
END
}

"$random_model" unet_one_pooling -o model.gguf || fail "no model"
make_images
echo broken >images/broken.png

# lines NAME STATUS COMMAND...: the standard output goes to NAME.
lines() {
    name=$1 wanted=$2
    shift 2
    "$@" >"$name" 2>said
    status=$?
    [ "$status" -eq "$wanted" ] || fail "exit status $status, expected $wanted: $* ($(head -n 3 said))"
}
segment="$fovea segment --fov 3 --layer superficial --tta off --threads 1 --models model.gguf"
lines first 1 $segment --json-lines -o out images
check first out 1 7
cp phantoms/images/phantom_0003.png images/more.png
lines second 1 $segment --json-lines -o out images
check second out 1 1
lines third 1 $segment --json-lines -o out images
check third out 1 0
lines measured 0 "$fovea" measure --fov 3 --json-lines -o "other out" phantoms/truth
check measured "other out" 0 4
lines run 0 "$fovea" run --fov 3 --layer superficial --tta off --json-lines -o run_out phantoms/images/phantom_0001.png
check run run_out 0 1
lines graded 0 "$fovea" grade --fov 3 --layer superficial --json-lines -o grade_out phantoms/images
check graded grade_out 0 4

# Results are the same as without.
$segment -o plain images >/dev/null 2>&1
rm -r out
$segment --json-lines -o out images >/dev/null 2>&1
same plain out

# What comes to nothing says so, and a standard output that cannot be written ends it.
lines nothing 4 "$fovea" segment --fov 3 --layer superficial --models none.gguf --json-lines -o never images
"$python" -c 'import json
[end] = [json.loads(line) for line in open("nothing")]
assert end["event"] == "end" and end["exit_status"] == 4 and "none.gguf" in end["reason"], end' || fail "a failure"
if [ -c /dev/full ]; then
    $segment --json-lines -o full images >/dev/full 2>said
    [ $? -eq 4 ] || fail "a full standard output: exit status $?"
    grep -q "the standard output cannot be written" said || fail "a full standard output: $(cat said)"
fi
expect 2 "no --json-lines" $segment --json-lines --dry-run -o out images

[ "$failures" -eq 0 ] && echo "all passed"
[ "$failures" -eq 0 ]
