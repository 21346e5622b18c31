# What the tests from outside share; sourced by them after they have made their arguments absolute paths. Makes a fresh
# folder under TMPDIR, which is removed at the end, and works in it. `failures` counts.
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0

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
