#!/bin/sh
# Run folders as a user meets them: run_folders.sh PROGRAM RANDOM_MODEL. Works in a fresh folder under TMPDIR and removes it.
set -u
fovea=$(realpath "$1")
random_model=$(realpath "$2")
. "$(dirname "$(realpath "$0")")/../expect.sh"

"$random_model" unet_one_pooling -o model.gguf || fail "no model"
make_images
options="segment --fov 3 --layer superficial --tta off --threads 1 --models model.gguf"
segment() {
    "$fovea" $options "$@"
}

# Complete, and again; times of files mean nothing.
expect 0 "6 of 6 images: 6 ok" segment -o right images
[ -e right/.fovea ] && fail "something is left in a run folder at rest"
find images -type f -exec touch -d 2001-02-03 {} +
touch -d 2040-01-01 right/fovea.sqlite
expect 0 "all done already: 6 of 6 images" segment -o right images
grep -q '^\[' printed && fail "something was done again"
rm right/results.csv
expect 0 "all done already" segment -o right images
[ -s right/results.csv ] || fail "a table that was removed is not written again"
cp right/report.html before.html
expect 0 "right/report.html" "$fovea" report right
cmp -s right/report.html before.html || fail "the report differs when it is written again"
expect 4 "holds no results" "$fovea" report images

# Killed at some moments, each time a little later; then the same.
for pause in 0.05 0.1 0.15 0.2 0.3; do
    kill_after $pause "$fovea" $options -o killed images
done
expect 0 "6 of 6 images: 6 ok" segment -o killed images
same right killed

# A dry run says all and writes nothing.
expect 0 "6 images: 6 to do" segment --dry-run -o nowhere images
grep -q 'segmenter: model.gguf' printed || fail "a dry run does not name the model"
[ -e nowhere ] && fail "a dry run made a folder"
cp phantoms/images/phantom_0001.png images/sub/new.png
find right -type f -exec cksum {} + | sort >before
expect 0 "to do: sub/new.png" segment --dry-run -o right images
grep -q "7 images: 1 to do, 6 done already" printed || fail "a dry run counts otherwise: $(tail -n 1 printed)"
find right -type f -exec cksum {} + | sort | cmp -s - before || fail "a dry run changed something"

# Inputs that are added, gone, changed.
expect 0 "going on: 6 of 7 images are done already" segment --continue -o right images
[ -s right/masks/sub/new.png ] || fail "an input that was added is not done"
expect 4 "nothing to continue" segment --continue -o nowhere images
[ -e nowhere ] && fail "nothing to continue, but a folder was made"
rm images/phantom_0001.png
expect 0 "(phantom_0001.png); the results stay" segment -o right images
cp phantoms/images/phantom_0001.png images/phantom_0001.png
cp phantoms/images/phantom_0003.png images/phantom_0002.png
expect 4 "holds results of phantom_0002.png, but it is not what it was: another SHA-256" segment -o right images
expect 0 "again: phantom_0002.png" segment --dry-run --overwrite -o right images
expect 0 "done again: phantom_0002.png" segment --overwrite -o right images
[ "$(grep -c '^\[' printed)" -eq 1 ] || fail "more was done again than what changed"
expect 0 "all done already: 7 of 7" segment --overwrite -o right images
expect 0 "7 of 7" segment -o afresh images
same right afresh

# An input that takes the name of another's files: both keep their suffixes, as in a fresh run.
cp phantoms/images/phantom_0001.png images/phantom_0003.tif
expect 0 "phantom_0003.png: its files get other names" segment -o right images
rm -r afresh
expect 0 "8 of 8" segment -o afresh images
same right afresh
rm images/phantom_0003.tif
rm -r afresh right
expect 0 "7 of 7" segment -o right images

# Other options, models and commands.
expect 4 "right holds results that were made otherwise: --fov was 3 and is 6" \
    "$fovea" segment --fov 6 --layer superficial --tta off --models model.gguf -o right images
expect 4 "--tta was off and is mirror" "$fovea" segment --fov 3 --layer superficial --models model.gguf -o right images
expect 4 "command was segment and is measure" "$fovea" measure --fov 3 -o right phantoms/truth
"$random_model" unet_two_poolings -o other.gguf
expect 4 "segmenter's SHA-256 was" \
    "$fovea" segment --fov 3 --layer superficial --tta off --models other.gguf -o right images
expect 0 "7 of 7" "$fovea" segment --fov 6 --layer superficial --tta off --models model.gguf --overwrite -o right images
cut -d, -f 1-2 right/results.csv | grep -c ok >/dev/null || fail "nothing is in the table"
expect 4 "would lose the results of 6 images" segment --overwrite -o right images/phantom_0001.png
expect 0 "7 of 7" segment --overwrite -o right images

# What failed for want of a file is tried again; what is broken is not.
echo broken >images/broken.png
ln -s "$work/later.png" images/linked.png
expect 1 "2 failed" segment -o failing images
expect 1 "all done already: 9 of 9 images: 7 ok, 2 failed" segment -o failing images
cp phantoms/images/phantom_0001.png later.png
expect 1 "8 ok, 1 failed" segment -o failing images
[ "$(grep -c '^\[' printed)" -eq 1 ] || fail "more than the file that came was done"
rm images/broken.png images/linked.png

# Two commands in a folder; the lock of one that is no more.
mkdir -p right/.fovea
flock -o right/.fovea/lock sleep 30 >/dev/null 2>&1 &
process=$!
sleep 0.3
expect 4 "another fovea works in this folder" segment -o right images
expect 4 "another fovea works in this folder" segment --dry-run -o right images
expect 4 "another fovea works in this folder" "$fovea" report right
kill $process
wait $process 2>/dev/null
expect 0 "all done already" segment -o right images

# Shares on several machines, one of them killed and given again, joined: one run.
for share in 1 2 3; do
    "$fovea" $options --shard $share/3 -o "share$share" images >"share$share.log" 2>&1 &
    [ $share -eq 2 ] && kill -9 $! 2>/dev/null
done
wait
expect 0 "" segment --shard 2/3 -o share2 images
expect 0 "7 of 7 images of 3 folders: 7 ok" "$fovea" merge -o joined share1 share2 share3
same right joined
expect 0 "all joined already: 7 of 7" "$fovea" merge -o joined share1 share2 share3
expect 0 "all done already: 7 of 7" segment -o joined images
expect 4 "joined: holds other results already" "$fovea" merge -o joined share1
expect 4 "share1 holds share 1/3, not share 2/3" segment --shard 2/3 -o share1 images
expect 1 "share 3/3 is missing" "$fovea" merge -o part share1 share2
expect 0 "7 of 7" segment -o part images
same right part
expect 0 "0 of 0 images" segment --shard 1/3 -o empty "images/$(printf '%0251d' 0).png" ||
    expect 0 "0 of 0 images" segment --shard 2/3 -o empty "images/$(printf '%0251d' 0).png"

# Conflicts: nothing is joined.
cp phantoms/images/phantom_0004.png phantom_0002.png
expect 0 "1 of 1" segment -o other phantom_0002.png
expect 4 "phantom_0002.png: another folder has an image of this name with other content" \
    "$fovea" merge -o clash right other
[ -e clash ] && fail "a merge with conflicts left a folder"
expect 0 "7 of 7 images of 2 folders" "$fovea" merge -o twice right joined
grep -q "7 of them were in several folders" printed || fail "a merge does not tell what is there twice"
same right twice
expect 0 "1 of 1" "$fovea" segment --fov 6 --layer superficial --tta off --models model.gguf -o six phantom_0002.png
expect 4 "right holds results that were made otherwise: --fov was 3 and is 6" "$fovea" merge -o clash2 six right
expect 4 "is named twice" "$fovea" merge -o clash2 right right
expect 4 "is the output" "$fovea" merge -o right right joined
[ -e clash2 ] && fail "a merge that was refused made a folder"

# A store that is none, and one that is damaged.
mkdir bad
echo "no database, but a text that is long enough to be read as the head of one: 0123456789012345678901234567890" \
    >bad/fovea.sqlite
expect 4 "bad/fovea.sqlite: is damaged, or no store of fovea" segment -o bad images
cp -r right damaged
dd if=/dev/zero of=damaged/fovea.sqlite bs=1024 seek=3 count=40 conv=notrunc 2>/dev/null
expect 4 "damaged/fovea.sqlite" segment -o damaged images

# A folder that cannot be written, a disk that is full: where this machine lets us make such.
if unshare -m true 2>/dev/null; then
    mkdir small frozen
    cat >on_small_disk.sh <<'END'
mount -t tmpfs -o size=700k none small || exit 77
set -- segment --fov 3 --layer superficial --tta off --models model.gguf -o small/out images
"$fovea" "$@" >small.log 2>&1
[ $? -eq 4 ] && grep -q 'No space left\|disk is full' small.log || { cat small.log; exit 1; }
mount -o remount,size=20m small
"$fovea" "$@" >small.log 2>&1 || { cat small.log; exit 1; }
diff -r -x fovea.sqlite right small/out || exit 1
mount -o remount,ro small
rm -f small.log
"$fovea" "$@" >small.log 2>&1
[ $? -eq 4 ] && grep -q 'small/out: cannot be written: Read-only file system' small.log || { cat small.log; exit 1; }
END
    export fovea
    unshare -m sh on_small_disk.sh >small_disk.log 2>&1
    status=$?
    if [ $status -eq 77 ]; then
        echo "skipped: a small disk cannot be mounted here"
    elif [ $status -ne 0 ]; then
        fail "a full or read-only disk: $(head -n 5 small_disk.log)"
    fi
else
    echo "skipped: no disks can be mounted here"
fi

[ "$failures" -eq 0 ] && echo "all passed"
[ "$failures" -eq 0 ]
