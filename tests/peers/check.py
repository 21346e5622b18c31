"""Our GGUF files as the `gguf` package reads them, and our safetensors files as the `safetensors` package does: every
tensor's name, shape, type and value.

usage: check.py PROGRAM RANDOM_MODEL SOURCE_FOLDER

The sources are checkpoints that the safetensors package writes here, the nets of the tests' catalogue, the demo models,
and, where the folder is there, the checkpoints of ../shared/fixtures, which a small reader of torch's zip files takes
apart independently of Fovea.
"""
import collections
import json
import lzma
import pathlib
import pickle
import subprocess
import sys
import tempfile
import zipfile

import gguf
import numpy as np
import safetensors
import safetensors.numpy

PROGRAM, RANDOM_MODEL, SOURCE = sys.argv[1:4]
TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "bf16", "I64": "<i8", "I32": "<i4", "I16": "<i2",
         "I8": "i1", "U8": "u1", "BOOL": "?"}
counts = collections.Counter()


def fovea(*arguments):
    done = subprocess.run([PROGRAM, *map(str, arguments)], stderr=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stderr


class Array:
    """Values as they are stored: bf16, which numpy lacks, as its upper halves of float32."""

    def __init__(self, stored, bf16=False):
        self.stored, self.bf16 = np.ascontiguousarray(stored).reshape(np.shape(stored)), bf16

    def type(self):
        return "BF16" if self.bf16 else next(k for k, v in TYPES.items() if v != "bf16" and np.dtype(v) == self.stored.dtype)

    def floats(self):
        if self.bf16:
            return (self.stored.astype(np.uint32) << 16).view(np.float32)
        return self.stored.astype(np.float32)


# What torch.save wrote, read without torch.


class Storage:
    def __init__(self, kind, bytes_):
        self.bf16 = kind == "BFloat16Storage"
        types = dict(FloatStorage="<f4", DoubleStorage="<f8", HalfStorage="<f2", BFloat16Storage="<u2", LongStorage="<i8",
                     IntStorage="<i4", ShortStorage="<i2", CharStorage="i1", ByteStorage="u1", BoolStorage="?")
        self.values = np.frombuffer(bytes_, types[kind])


def rebuild(storage, offset, size, stride, *_):
    item = storage.values.itemsize
    view = np.lib.stride_tricks.as_strided(storage.values[offset:], size, [s * item for s in stride])
    return Array(view, storage.bf16)


class Inert:
    """Stands for every class that is of no interest; takes anything and keeps nothing."""

    def __new__(cls, *_):
        return object.__new__(cls)

    def __setstate__(self, _):
        pass


class Reader(pickle.Unpickler):
    def __init__(self, archive, folder):
        super().__init__(archive.open(folder + "data.pkl"))
        self.archive, self.folder = archive, folder

    def find_class(self, module, name):
        known = {"_rebuild_tensor_v2": rebuild, "_rebuild_parameter": lambda tensor, *_: tensor,
                 "OrderedDict": collections.OrderedDict}
        return known.get(name, name if name.endswith("Storage") else Inert)

    def persistent_load(self, identity):
        return Storage(identity[1], self.archive.read(self.folder + "data/" + identity[2]))


def torch_tensors(path):
    """The state dict of a torch zip, or None for what this reader does not take: other containers, whole modules."""
    if not zipfile.is_zipfile(path):
        return None
    archive = zipfile.ZipFile(path)
    folder = next(n for n in archive.namelist() if n.endswith("data.pkl"))[: -len("data.pkl")]
    root = Reader(archive, folder).load()
    for key in ("state_dict", "model"):
        if isinstance(root, dict) and isinstance(root.get(key), dict):
            root = root[key]
    if not isinstance(root, dict):
        return None
    root = {name: value for name, value in root.items() if isinstance(value, Array)}
    if all(name.startswith("module.") for name in root):
        root = {name[len("module."):]: value for name, value in root.items()}
    return root


# The checks.


def check_gguf(path, expected):
    """Every tensor of the model, against `expected` by its name in the checkpoint; `expected` may hold more (buffers)."""
    reader = gguf.GGUFReader(path)
    field = reader.get_field("fovea.renamed")
    names = dict(pair.split("=") for pair in field.contents()) if field else {}
    for tensor in reader.tensors:
        name = names.get(tensor.name, tensor.name)
        source = expected[name]
        assert tuple(tensor.shape[::-1]) == source.stored.shape, (path, name, tensor.shape, source.stored.shape)
        assert tensor.tensor_type.name in ("F32", "F16"), (path, name)
        data = np.asarray(tensor.data).reshape(source.stored.shape)
        assert np.array_equal(data, source.floats().astype(data.dtype)), (path, name)
        counts["gguf tensors"] += 1
    counts["gguf files"] += 1
    return {names.get(t.name, t.name) for t in reader.tensors}


def check_safetensors(path, expected, names=None):
    """Every tensor of the file against `expected`, in value and type; the file holds `names`, or all of them."""
    with safetensors.safe_open(path, framework="numpy") as file:
        assert file.metadata()["format"] == "pt", path
        assert set(file.keys()) == set(names or expected), (path, set(file.keys()) ^ set(names or expected))
    for name, tensor in safetensors.deserialize(open(path, "rb").read()):
        source = expected[name]
        assert tuple(tensor["shape"]) == source.stored.shape, (path, name)
        assert tensor["dtype"] == source.type(), (path, name, tensor["dtype"], source.type())
        assert bytes(tensor["data"]) == source.stored.tobytes(), (path, name)
        counts["safetensors tensors"] += 1
    counts["safetensors files"] += 1


def stored_halves(expected, path):
    """`expected` with those tensors as F16 that the model stores so, and the others as F32."""
    reader = gguf.GGUFReader(path)
    field = reader.get_field("fovea.renamed")
    names = dict(pair.split("=") for pair in field.contents()) if field else {}
    return {name: Array(expected[name].floats().astype(np.float16 if t.tensor_type.name == "F16" else np.float32))
            for t in reader.tensors for name in [names.get(t.name, t.name)]}


def round_trip(checkpoint, expected, options, folder):
    """Checkpoint to model to safetensors, in 32 and 16 bits, and checkpoint to safetensors."""
    model, weights = folder / "model.gguf", folder / "weights.safetensors"
    for stored in ("f32", "f16"):
        fovea("convert", checkpoint, "-o", model, "--weights", stored, *options)
        names = check_gguf(model, expected)
        fovea("convert", model, "--to", "safetensors", "-o", weights)
        check_safetensors(weights, stored_halves(expected, model), names)
    fovea("convert", checkpoint, "--to", "safetensors", "-o", weights)
    check_safetensors(weights, expected)


def swin(timm):
    """A small Swin Transformer with random weights, in the authors' names or timm's."""
    random = np.random.default_rng(1)
    embed, shapes = 8, {}

    def linear(name, outputs, inputs, bias=True):
        shapes[name + ".weight"] = (outputs, inputs)
        if bias:
            shapes[name + ".bias"] = (outputs,)

    def norm(name, channels):
        shapes[name + ".weight"] = shapes[name + ".bias"] = (channels,)

    shapes["patch_embed.proj.weight"], shapes["patch_embed.proj.bias"] = (embed, 3, 4, 4), (embed,)
    norm("patch_embed.norm", embed)
    for stage, depth in enumerate((2, 1)):
        channels = embed << stage
        for block in range(depth):
            name = f"layers.{stage}.blocks.{block}"
            norm(name + ".norm1", channels)
            shapes[name + ".attn.relative_position_bias_table"] = (9, 2)
            linear(name + ".attn.qkv", 3 * channels, channels)
            linear(name + ".attn.proj", channels, channels)
            norm(name + ".norm2", channels)
            linear(name + ".mlp.fc1", 4 * channels, channels)
            linear(name + ".mlp.fc2", channels, 4 * channels)
    merging = f"layers.{1 if timm else 0}.downsample"
    norm(merging + ".norm", 4 * embed)
    linear(merging + ".reduction", 2 * embed, 4 * embed, bias=False)
    norm("norm", 2 * embed)
    linear("head.fc" if timm else "head", 3, 2 * embed)
    return {name: Array(random.standard_normal(shape).astype(np.float32)) for name, shape in shapes.items()}


def check_made(folder):
    for timm in (False, True):
        expected = swin(timm)
        path = folder / "made.safetensors"
        safetensors.numpy.save_file({name: array.stored for name, array in expected.items()}, path)
        round_trip(path, expected, ["--image-size", "16"], folder)


def check_models(folder):
    """Models without a checkpoint at hand: the two packages must agree with each other."""
    models = list((pathlib.Path(SOURCE) / "apps" / "models").glob("*.gguf"))
    for net in ("swin_two_stages", "resnet_plain", "se_resnext_legacy", "unet_two_poolings"):
        models.append(folder / f"{net}.gguf")
        subprocess.run([RANDOM_MODEL, net, "-o", models[-1]], check=True)
    for model in models:
        reader = gguf.GGUFReader(model)
        folds = sorted({t.name.split(".")[0] for t in reader.tensors if t.name.startswith("fold_")})
        fovea("convert", model, "--to", "safetensors", "-o", folder / "out.safetensors")
        for fold in folds or [""]:
            prefix = fold + "." if fold else ""
            expected = {t.name[len(prefix):]: Array(np.asarray(t.data).reshape(tuple(t.shape[::-1])))
                        for t in reader.tensors if t.name.startswith(prefix)}
            check_safetensors(folder / (f"out.{fold}.safetensors" if len(folds) > 1 else "out.safetensors"), expected)
        counts["gguf files"] += 1
        counts["gguf tensors"] += len(reader.tensors)


def check_fixtures(fixtures, folder):
    seen = set()
    for row in json.loads((fixtures / "classifiers" / "manifest.json").read_text()):
        name = row["checkpoint"]
        if name in seen:
            continue
        seen.add(name)
        path = folder / name
        path.write_bytes(lzma.open(fixtures / "classifiers" / (name + ".xz")).read())
        expected = torch_tensors(path)
        if expected is not None:
            round_trip(path, expected, [w for k, v in row["options"].items() for w in (f"--{k}", str(v))], folder)
    for source in sorted((fixtures / "nnunet").glob("*/plans.pkl*")):
        copy = folder / source.parent.name
        for packed in source.parent.rglob("*"):
            if packed.is_file() and packed.parts[-2] != "expected":
                target = copy / packed.relative_to(source.parent)
                target.parent.mkdir(parents=True, exist_ok=True)
                target = target.with_suffix("") if packed.suffix == ".xz" else target
                target.write_bytes(lzma.open(packed).read() if packed.suffix == ".xz" else packed.read_bytes())
        check_nnunet(copy, folder)


def check_nnunet(source, folder):
    folds = sorted(source.glob("fold_*"))
    expected = {f"{fold.name}.{name}": array for fold in folds
                for name, array in torch_tensors(fold / "model_best.model").items()}
    fovea("convert", source, "-o", folder / "unet.gguf")
    assert check_gguf(folder / "unet.gguf", expected) == set(expected), source
    for origin in (source, folder / "unet.gguf"):
        fovea("convert", origin, "--to", "safetensors", "-o", folder / "unet.safetensors")
        for fold in folds:
            name = f"unet.{fold.name}.safetensors" if len(folds) > 1 else "unet.safetensors"
            prefix = fold.name + "."
            check_safetensors(folder / name, {k[len(prefix):]: v for k, v in expected.items() if k.startswith(prefix)})


with tempfile.TemporaryDirectory() as scratch:
    check_made(pathlib.Path(scratch))
    check_models(pathlib.Path(scratch))
    fixture_folder = pathlib.Path(SOURCE) / ".." / "shared" / "fixtures"
    if fixture_folder.is_dir():
        check_fixtures(fixture_folder.resolve(), pathlib.Path(scratch))
    else:
        print("the checkpoints of ../shared/fixtures are not here: made ones only")
print(", ".join(f"{count} {what}" for what, count in sorted(counts.items())))
