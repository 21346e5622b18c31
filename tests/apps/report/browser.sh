#!/bin/sh
# Reports in headless Chromium: browser.sh REPORT_SAMPLE. Works in a fresh folder under TMPDIR and removes it. Skipped
# where there is no chromium.
set -u
sample=$(realpath "$1")
here=$(dirname "$(realpath "$0")")
browser=$(command -v chromium || command -v chromium-browser)
if [ -z "$browser" ]; then
    echo "skipped: there is no chromium"
    exit 77
fi
. "$here/../expect.sh"

# load PAGE WIDTH: what checks.js says of the page at this width, one finding a line; console messages fail.
load() {
    cp "$1" page.html
    { echo '<script>'; cat "$here/checks.js"; echo '</script>'; } >>page.html
    cp page.html "$(dirname "$1")/checked.html"
    timeout 120 "$browser" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run \
        --user-data-dir="$work/profile" --enable-logging=stderr --window-size="$2",900 --dump-dom \
        "file://$work/$(dirname "$1")/checked.html" >dom 2>log || fail "chromium cannot load $1"
    rm "$(dirname "$1")/checked.html"
    grep ':CONSOLE' log && fail "$1 writes to the console"
    sed -n 's/.*<pre id="findings">//; /^FINDING /p; /^checks made: /p' dom >findings
    grep '^checks made: ' findings >made || fail "the checks of $1 did not run"
    grep '^FINDING ' findings && fail "$1 at a width of $2"
    cat made
}

mkdir small large
"$sample" 24 small && "$sample" 250 large || fail "no reports"
load small/report.html 1280
load small/report.html 500
load large/report.html 1280
load large/report.html 500
load large/pages/page-0005.html 500
[ "$failures" -eq 0 ]
