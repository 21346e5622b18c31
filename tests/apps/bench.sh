#!/bin/sh
# What `fovea bench --profile` says adds up: bench.sh PROGRAM RANDOM_MODEL. No figure is judged, only their sums.
set -u
fovea=$(realpath "$1")
random_model=$(realpath "$2")
. "$(dirname "$(realpath "$0")")/expect.sh"

for net in swin_two_stages inception_sixteenth unet_two_poolings; do
    expect 0 "" "$random_model" "$net" -o "$net.gguf"
    for passes in 1 4; do
        expect 0 "operation" "$fovea" bench "$net.gguf" --threads 2 --profile --repeat $passes
        cp printed table
        # The tables of operations and of nodes end with seven figures, of which the third is milliseconds; the line `sum`
        # has pairs of names and milliseconds. A figure is rounded to 0.0005.
        awk -v passes="$passes" '
            function near(a, b, figures) { return a - b < 0.0005 * figures + 1e-9 && b - a < 0.0005 * figures + 1e-9 }
            function wrong(text) { print text; failed = 1; exit 1 }
            $1 == "median," { median = $3 }
            $1 == "operation" || $1 == "node" { table = $1; next }
            NF == 0 { table = "" }
            table != "" { seconds[table] += $(NF - 4); share[table] += $(NF - 3); rows[table]++ }
            table == "operation" { nodes += $3 }
            $1 == "sum" {
                for (i = 2; i < NF && $i != "="; i++) {
                    if ($i ~ /^[a-z]+$/) { part[$i] = $(i + 1); parts++; whole += $(i + 1) }
                }
                pass = $(NF - 1)
            }
            END {
                if (failed) exit 1
                if (rows["operation"] < 3 || rows["node"] <= nodes || parts != 5) wrong("rows or parts are missing")
                if (!near(whole, pass, parts + 1)) wrong("the parts are " whole " ms, the pass is " pass)
                if (!near(pass, median, 2)) wrong("the pass is " pass " ms, the median " median)
                if (!near(seconds["node"], part["nodes"], rows["node"] + 1)) wrong("nodes: " seconds["node"])
                if (!near(seconds["operation"], part["nodes"], rows["operation"] + 1)) wrong("operations")
                if (passes == 1 && part["spread"] > 0.0005) wrong("one pass has no spread")
                if (part["input"] < 0 || part["output"] < 0 || part["between"] < 0) wrong("a part is negative")
            }' table >said || fail "$net, $passes passes: $(cat said)"
    done
done

expect 0 "" "$fovea" bench "$net.gguf" --threads 1 --profile --repeat 3 --json
for key in operations nodes account share_of_pass gb_per_s gflops nodes_s input_s output_s between_s spread_s pass_s; do
    grep -q "\"$key\":" printed || fail "no $key in what --json printed"
done
expect 0 "" "$fovea" bench "$net.gguf" --threads 1 --repeat 3 --json
grep -q '"account"' printed && fail "a profile that nobody asked for"

[ "$failures" -eq 0 ] && echo "all passed"
[ "$failures" -eq 0 ]
