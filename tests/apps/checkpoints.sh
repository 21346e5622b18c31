#!/bin/sh
# convert, inspect, models and infer --trace as a user meets them: checkpoints.sh PROGRAM RANDOM_MODEL SOURCE_FOLDER.
# RANDOM_MODEL writes the nets of the tests' catalogue. Works in a fresh folder under TMPDIR and removes it.
set -u
fovea=$(realpath "$1")
random_model=$(realpath "$2")
source=$(realpath "$3")
. "$(dirname "$(realpath "$0")")/expect.sh"

# also TEXT...: each is in what the last command printed, too.
also() {
    for text in "$@"; do
        grep -qF -e "$text" printed || fail "'$text' is not in what was printed either"
    done
}

# zeros FILE SHAPE BYTES: an .npy array of float32 zeros.
zeros() {
    header="{'descr': '<f4', 'fortran_order': False, 'shape': ($2), }"
    { printf '\223NUMPY\001\000\166\000%-117s\n' "$header"; head -c "$3" /dev/zero; } >"$1"
}

for net in swin_two_stages resnet_plain unet_two_poolings; do
    "$random_model" $net -o $net.gguf || fail "$net"
done

# Weights come back, and what they are converted to again is the same net with the same weights.
expect 0 "-> 1 safetensors file" "$fovea" convert resnet_plain.gguf --to safetensors -o resnet_plain.safetensors
expect 0 "resnet (timm names)" "$fovea" convert resnet_plain.safetensors -o again.gguf
expect 0 "" "$fovea" convert again.gguf --to safetensors -o again.safetensors
tail -c 4096 resnet_plain.safetensors >tail_a
tail -c 4096 again.safetensors >tail_b
cmp -s tail_a tail_b || fail "weights that went through two conversions differ"
for option in "--task quality" "--preset coips-3x3" "--weights f16" "--zscore" "--fov 3"; do
    # shellcheck disable=SC2086
    expect 2 "is for models" "$fovea" convert resnet_plain.gguf --to safetensors $option -o no.safetensors
done
expect 2 "--fold goes with --to safetensors" "$fovea" convert resnet_plain.safetensors --fold 0 -o no.gguf
expect 2 "is no ensemble" "$fovea" convert resnet_plain.gguf --to safetensors --fold 0 -o no.safetensors
expect 2 "expected gguf or safetensors" "$fovea" convert resnet_plain.gguf --to onnx -o no.onnx
expect 0 "unet_two_poolings.gguf: " "$fovea" convert unet_two_poolings.gguf --to safetensors -o unet.safetensors
expect 4 "  conv_blocks_context.0.blocks.0.conv.weight" "$fovea" inspect --tensors unet.safetensors

# A checkpoint before its conversion: what it is, what is in doubt, what is missing and who sets it.
expect 0 "resnet_plain.safetensors: safetensors, " "$fovea" inspect resnet_plain.safetensors
also "network: resnet, names as timm" "resnet.depths                1, 2, 1, 1" "resnet.stem_pool: padded" \
    "fovea.task               --task" "fovea.fov                --fov" "fovea.layers             --layer" \
    "fovea.classes            --classes" "fovea.normalization      --mean and --std, or --zscore" "--preset"
expect 0 "" "$fovea" convert swin_two_stages.gguf --to safetensors -o swin.safetensors
expect 0 "in doubt: swin.safetensors: the file has no attention masks" "$fovea" inspect swin.safetensors
also "network: swin, names as authors" "swin.embed_dim               24" "swin.window                  4" "--image-size N"
expect 0 "swin.image_size: 32, by --image-size" "$fovea" inspect --image-size 32 swin.safetensors
expect 2 "--image-size N" "$fovea" convert swin.safetensors -o no.gguf
expect 4 "cannot be converted: unet.safetensors: cannot be converted: it holds an nnU-Net" "$fovea" inspect unet.safetensors
also "network: unknown" "safetensors, "
echo text >text.pth
expect 4 "text.pth: not a checkpoint" "$fovea" inspect text.pth
expect 4 "nowhere.pth" "$fovea" inspect nowhere.pth
[ -e no.gguf ] || [ -e no.safetensors ] && fail "a failed conversion left a file"

# Presets, and what the model says of them.
expect 2 "expected coips-3x3 or coips-6x6" "$fovea" convert resnet_plain.safetensors --preset coips -o no.gguf
mkdir models
expect 0 "" "$fovea" convert resnet_plain.safetensors --preset coips-6x6 --layer deep -o models/grader.gguf
expect 0 "decided at conversion:" "$fovea" inspect models/grader.gguf
also "fovea.preset                 coips-6x6" "fovea.fov: by --preset coips-6x6" \
    "fovea.layers: by --layer, which was given, against --preset coips-6x6"
grep -q "missing for" printed && fail "a model with everything misses something"

# Models that lack what the pipeline needs: every field is named, with its option.
cp again.gguf models/bare.gguf
for command in run grade segment; do
    expect 4 "bare.gguf: the model lacks fovea.task (--task quality|segmentation)" \
        "$fovea" $command --fov 3 --layer superficial --models models -o out "$source"
    also "fovea.fov (--fov MM)" "fovea.layers (--layer" "fovea.classes (--classes" "fovea.input_size (--resize" \
        "fovea.resize_filter (--resize" "fovea.normalization (--mean and --std, or --zscore)"
done
[ -e out ] && fail "a run without a usable model made an output folder"
expect 0 "grader.gguf" "$fovea" models models
also "task         quality" "network      resnet (timm), " "images resized to 224 (bilinear), normalised fixed" \
    "classes      ungradable, gradable, outstanding" "fields, mm   6" "layers       deep" \
    "preset       coips-6x6" "missing      fovea.task (--task" "missing      fovea.classes (--classes"
printf 'GGUF\003\000\000\000' >models/broken.gguf
head -c 3000 models/grader.gguf >models/cut.gguf
expect 1 "grader.gguf" "$fovea" models models
also "broken.gguf" "cut.gguf" "unusable     models/cut.gguf: " "bare.gguf"
[ "$(grep -c '^  unusable' printed)" -eq 2 ] || fail "two of four files are unusable"

# Traces.
zeros input.npy "1, 3, 32, 32" 12288
expect 0 "layers.0.blocks.1 " "$fovea" infer swin_two_stages.gguf --trace list
also "[N, 64, 24]" "layers.0.blocks.0.attn.qkv" "patch_embed.proj" "head "
expect 0 "layers.0.blocks.1 " "$fovea" infer swin_two_stages.gguf input.npy -o ignored.npy --trace list
[ -e ignored.npy ] && fail "a list wrote an array"
for stage in layers.0.blocks.1 layers.0.blocks.1.mlp.fc1 patch_embed.proj head; do
    expect 0 "" "$fovea" infer swin_two_stages.gguf input.npy --trace $stage -o trace.npy
    case $stage in
    layers.0.blocks.1) shape="(1, 64, 24)" ;;
    layers.0.blocks.1.mlp.fc1) shape="(1, 64, 96)" ;;
    patch_embed.proj) shape="(1, 24, 8, 8)" ;;
    head) shape="(1, 3)" ;;
    esac
    head -c 128 trace.npy | grep -aqF "'shape': $shape" || fail "the trace of $stage is not $shape"
done
expect 0 "" "$fovea" infer swin_two_stages.gguf input.npy -o whole.npy
cmp -s trace.npy whole.npy || fail "the trace of the last stage is not the result"
expect 2 "nearest names are layers.0.blocks.1" \
    "$fovea" infer swin_two_stages.gguf input.npy --trace layers.0.block.1 -o no.npy
expect 2 "--output OUT.npy is required" "$fovea" infer swin_two_stages.gguf input.npy
expect 2 "expected MODEL.gguf IN.npy" "$fovea" infer swin_two_stages.gguf -o no.npy
zeros wrong.npy "1, 3, 16, 16" 3072
expect 4 "expected 32 x 32" "$fovea" infer swin_two_stages.gguf wrong.npy --trace head -o no.npy
[ -e no.npy ] && fail "a failed trace left a file"
ensemble=$source/apps/models/faz_segmenter.gguf
if [ -e "$ensemble" ]; then
    zeros tile.npy "1, 1, 64, 64" 16384
    expect 2 "--trace needs --fold K, one of 0, " "$fovea" infer "$ensemble" tile.npy --trace tu.0 -o no.npy
    expect 0 "" "$fovea" infer "$ensemble" tile.npy --trace tu.0 --fold 0 -o fold.npy
    expect 2 "has no fold 7; it has 0, " "$fovea" infer "$ensemble" tile.npy --trace tu.0 --fold 7 -o no.npy
    expect 0 "conv_blocks_context.1.blocks.0" "$fovea" infer "$ensemble" tile.npy --trace list --fold 0
    expect 0 "-> 2 safetensors files" "$fovea" convert "$ensemble" --to safetensors -o faz.safetensors
    [ -e faz.safetensors ] && fail "a file without a fold's number"
    expect 0 "-> 1 safetensors file" "$fovea" convert "$ensemble" --to safetensors --fold 0 -o one.safetensors
    cmp -s one.safetensors faz.fold_0.safetensors || fail "one fold alone differs"
fi

[ "$failures" -eq 0 ] && echo "all passed"
[ "$failures" -eq 0 ]
