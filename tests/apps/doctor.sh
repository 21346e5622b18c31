#!/bin/sh
# `fovea doctor`: what works is said to, and what does not ends with status 4: doctor.sh PROGRAM MODELS
set -u
fovea=$(realpath "$1")
models=$(realpath "$2")
. "$(dirname "$(realpath "$0")")/expect.sh"

expect 0 "all is well" "$fovea" doctor -o .
[ -z "$(find . -name '*probe*')" ] || fail "the folder was not left as it was"
for model in "$models"/*.gguf; do
    grep -q "^ok    model $(basename "$model"): " printed || fail "$(basename "$model") is not said to work"
done
# The segmenter that ships does far better than the least that is asked for.
grep -q "Dice 0.9[5-9]" printed || fail "the FAZ of the phantom is outlined worse than a Dice of 0.95"
expect 0 "all is well" "$fovea" doctor --models "$models/swin_grader.gguf"
grep -q "demo models" printed && fail "models of one's own are called demo models"

mkdir broken
head -c 100000 "$models/swin_grader.gguf" >broken/cut.gguf
expect 4 "cut.gguf" "$fovea" doctor --models broken
expect 4 "FAIL  models: none: " "$fovea" doctor --models none
expect 4 "FAIL  folder: none/" "$fovea" doctor -o none --models "$models/swin_grader.gguf"
grep -q "^1 thing does not work" printed || fail "the count is missing"
FOVEA_ISA=none expect 4 "FAIL  processor" "$fovea" doctor --models "$models/swin_grader.gguf"
expect 2 "too many operands" "$fovea" doctor extra
exit "$failures"
