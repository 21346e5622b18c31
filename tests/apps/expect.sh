# What the tests from outside share; sourced by them after they have made their arguments absolute paths. Makes a fresh
# folder under TMPDIR, which is removed at the end, and works in it. `failures` counts; `python` is Debian's, if there is
# one.
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0
python=$(command -v /usr/bin/python3 || command -v python3)

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

# expect STATUS TEXT COMMAND...: the exit status, and TEXT somewhere in what is printed.
expect() {
    wanted=$1 text=$2
    shift 2
    "$@" >printed 2>&1
    status=$?
    [ "$status" -eq "$wanted" ] || fail "exit status $status, expected $wanted: $* ($(head -n 3 printed))"
    [ -z "$text" ] || grep -qF -e "$text" printed || fail "'$text' is not in what was printed: $* ($(head -n 3 printed))"
}

# same A B: two run folders hold the same files with the same bytes, but for their stores.
same() {
    diff -r -x fovea.sqlite "$1" "$2" >differences 2>&1 || fail "$1 and $2 differ: $(head -n 3 differences)"
}

# kill_after SECONDS PROGRAM...: runs a program, and kills it if it has not ended by then.
kill_after() {
    pause=$1
    shift
    "$@" >killed.log 2>&1 &
    process=$!
    sleep "$pause"
    kill -9 $process 2>/dev/null
    wait $process 2>/dev/null
}

# make_images: four phantoms in phantoms/, and images/ with six images of them, with names such as file systems allow.
make_images() {
    "$fovea" phantom --count 4 --seed 4 --size 128 -o phantoms >/dev/null || fail "no phantoms"
    mkdir -p images/sub
    cp phantoms/images/*.png images
    mv images/phantom_0004.png "images/sub/a \"b\", 'c'
d.png"
    cp images/phantom_0003.png "images/$(printf 'bytes\377\033[2J')"
    cp images/phantom_0002.png "images/$(printf '%0251d' 0).png"
}
