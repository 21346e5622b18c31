#!/usr/bin/python3
"""Runs fovea eval on seeded predictions and compares every figure with scikit-learn's: scikit_learn.py PROGRAM."""

import csv
import gzip
import json
import math
import os
import struct
import subprocess
import sys
import tempfile
import warnings
import zlib

try:
    import numpy as np
    from sklearn import metrics
    from sklearn.preprocessing import label_binarize
    from sklearn.utils.class_weight import compute_class_weight
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

CLASSES = ["ungradable", "gradable", "outstanding"]
TOLERANCE = 1e-12  # both sides round in double, over sums of some hundred terms
compared = 0


def expect(what, value, expected, tolerance=TOLERANCE):
    global compared
    compared += 1
    if value is None:
        assert math.isnan(expected), f"{what} is undefined, expected {expected!r}"
        return
    assert not math.isnan(expected), f"{what} is {value!r}, expected none"
    assert abs(value - expected) <= tolerance * max(1.0, abs(expected)), f"{what} is {value!r}, expected {expected!r}"


def run(program, *arguments, status=0):
    done = subprocess.run([program, "eval", *arguments], capture_output=True, text=True)
    assert done.returncode == status, f"exit status {done.returncode}, expected {status}: {done.stderr}"
    return done


def read_json(folder):
    with open(os.path.join(folder, "eval.json"), encoding="utf-8") as file:
        return json.load(file)


# Grades.


def write_grades(random, name, count, digits, absent=None):
    """Predictions and labels; few digits make ties. Returns labels, predictions and the probabilities as written."""
    labels = random.integers(0, 3, count)
    if absent is not None:
        labels[labels == absent] = 0
    logits = random.normal(size=(count, 3))
    logits[np.arange(count), labels] += 1.2
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    shares = np.maximum(np.round(shares, digits), 10.0**-digits)
    shares[:, 2] = np.round(1.0 - shares[:, 0] - shares[:, 1], digits)
    bad = shares[:, 2] <= 0.0
    shares[bad] = [0.2, 0.3, 0.5]
    text = [[f"{value:.{digits}f}" for value in row] for row in shares]
    shares = np.array([[float(value) for value in row] for row in text])
    grades = shares.argmax(1)
    with open(f"{name}_predicted.csv", "w", encoding="utf-8") as file:
        file.write("file,status,reason,grade,p_ungradable,p_gradable,p_outstanding\n")
        for i in range(count):
            file.write(f"{i:05}.png,ok,,{CLASSES[grades[i]]},{','.join(text[i])}\n")
    with open(f"{name}_labels.csv", "w", encoding="utf-8") as file:
        file.write("grade,file\n")
        for i in random.permutation(count):
            file.write(f"{labels[i] if i % 2 else CLASSES[labels[i]]},{i:05}.png\n")
    return labels, grades, shares


def check_grades(name, found, labels, grades, shares):
    expect(f"{name}: evaluated", found["evaluated"], len(labels))
    matrix = metrics.confusion_matrix(labels, grades, labels=[0, 1, 2])
    assert np.array_equal(matrix, found["confusion_matrix"]), name
    expect(f"{name}: accuracy", found["accuracy"], metrics.accuracy_score(labels, grades))
    present = sorted(set(labels))
    scores = metrics.precision_recall_fscore_support(labels, grades, labels=[0, 1, 2], zero_division=0)
    for k, word in enumerate(CLASSES):
        own = found["classes"][word]
        expect(f"{name}: support {word}", own["support"], scores[3][k])
        expect(f"{name}: precision {word}", own["precision"], scores[0][k] if k in grades else math.nan)
        expect(f"{name}: recall {word}", own["recall"], scores[1][k] if k in present else math.nan)
        expect(f"{name}: F1 {word}", own["f1"], scores[2][k] if k in present or k in grades else math.nan)
    weights = compute_class_weight("balanced", classes=np.array(present), y=labels) * len(present) / 3
    for k, weight in zip(present, weights):
        expect(f"{name}: weight {CLASSES[k]}", found["classes"][CLASSES[k]]["weight"], weight)
    sample = np.array([dict(zip(present, weights))[label] for label in labels])
    expect(f"{name}: cross-entropy", found["cross_entropy"], metrics.log_loss(labels, shares, labels=[0, 1, 2]))
    expect(
        f"{name}: weighted cross-entropy",
        found["weighted_cross_entropy"],
        metrics.log_loss(labels, shares, labels=[0, 1, 2], sample_weight=sample),
    )
    binary = label_binarize(labels, classes=[0, 1, 2])
    areas = [metrics.roc_auc_score(binary[:, k], shares[:, k]) if k in present else math.nan for k in range(3)]
    for k, word in enumerate(CLASSES):
        expect(f"{name}: AUC {word}", found["classes"][word]["auc"], areas[k])
    expect(f"{name}: micro AUC", found["micro_auc"], metrics.roc_auc_score(binary.ravel(), shares.ravel()))
    expect(f"{name}: macro AUC", found["macro_auc"], np.nanmean(areas))
    if len(present) == 3:
        for average in ("macro", "weighted"):
            scores = metrics.precision_recall_fscore_support(labels, grades, average=average)
            for figure, score in zip(("precision", "recall", "f1"), scores):
                expect(f"{name}: {average} {figure}", found[f"{average}_{figure}"], score)
            area = metrics.roc_auc_score(labels, shares, multi_class="ovr", average=average)
            expect(f"{name}: {average} AUC", found[f"{average}_auc"], area)
    right = sample[labels == grades] * -np.log(shares[np.arange(len(labels)), labels])[labels == grades]
    literal = right.sum() / weights.sum() if len(present) == 3 else math.nan
    expect(f"{name}: literal cross-entropy", found["weighted_cross_entropy_literal"], literal)


def check_curves(folder, name, labels, shares):
    with open(os.path.join(folder, "eval_roc.csv"), encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["set"] == name]
    binary = label_binarize(labels, classes=[0, 1, 2])
    for word, truth, score in [(w, binary[:, k], shares[:, k]) for k, w in enumerate(CLASSES)] + [
        ("micro", binary.ravel(), shares.ravel())
    ]:
        points = [row for row in rows if row["class"] == word]
        if truth.sum() == 0:
            assert not points, word
            continue
        alarms, hits, thresholds = metrics.roc_curve(truth, score, drop_intermediate=False)
        assert len(points) == len(alarms), f"{name}: {len(points)} points of {word}, expected {len(alarms)}"
        for i, point in enumerate(points):
            expect(f"{name}: ROC {word}", float(point["false_positive_rate"]), alarms[i])
            expect(f"{name}: ROC {word}", float(point["true_positive_rate"]), hits[i])
            assert i == 0 or float(point["threshold"]) == thresholds[i]


def check_all_grades(program, random):
    sets = {
        "test": write_grades(random, "test", 500, 6),
        "ties": write_grades(random, "ties", 301, 1),
        "two": write_grades(random, "two", 80, 3, absent=2),
    }
    arguments = [part for name in sets for part in ("--set", f"{name}={name}_predicted.csv,{name}_labels.csv")]
    run(program, "-o", "grades", *arguments)
    report = read_json("grades")
    for found, (name, (labels, grades, shares)) in zip(report["sets"], sets.items()):
        assert found["name"] == name and found["failed"] == 0
        check_grades(name, found, labels, grades, shares)
        check_curves("grades", name, labels, shares)
    for figure in ("accuracy", "weighted_f1", "macro_auc"):
        expect(f"mean {figure}", report["mean_of_sets"][figure], np.mean([s[figure] for s in report["sets"]]))
    # Without probabilities, in the published form: the same figures of the matrix, nothing guessed.
    labels, grades, _ = sets["test"]
    with open("published.csv", "w", encoding="utf-8") as file:
        file.writelines(f"/base/processed_OCTA_images/0/{i:05}.png, {grade}\n" for i, grade in enumerate(grades))
    run(program, "-o", "published", "published.csv", "test_labels.csv")
    found = read_json("published")["sets"][0]
    expect("published accuracy", found["accuracy"], metrics.accuracy_score(labels, grades))
    assert found["macro_auc"] is None and found["weighted_cross_entropy"] is None and found["notes"]
    assert "/base" not in open("published/eval.csv", encoding="utf-8").read()


# Masks.


def write_png(path, pixels):
    """An 8-bit grey PNG file."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width = pixels.shape
    raw = b"".join(b"\0" + row.tobytes() for row in pixels.astype(np.uint8))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw, 1)))
        file.write(chunk(b"IEND", b""))


def write_nifti(path, pixels):
    """A label image as ITK writes one: gzip-compressed, unsigned bytes."""
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, pixels.shape[1], pixels.shape[0], 1, 1, 1, 1, 1)
    struct.pack_into("<2h", header, 70, 2, 8)
    struct.pack_into("<3f", header, 108, 352.0, 1.0, 0.0)
    header[344:348] = b"n+1\0"
    with gzip.open(path, "wb") as file:
        file.write(bytes(header) + pixels.astype(np.uint8).tobytes())


def blob(random, side, empty):
    y, x = np.mgrid[:side, :side]
    if empty:
        return np.zeros((side, side), bool)
    centre, radius = random.uniform(0.3, 0.7, 2) * side, random.uniform(0.1, 0.3) * side
    return (x - centre[0]) ** 2 + (y - centre[1]) ** 2 < radius**2


def write_masks(random, name, count):
    """Predictions, references and probabilities; the first pairs have empty masks."""
    for kind in ("predicted", "reference", "probability"):
        os.makedirs(f"{name}/{kind}/below", exist_ok=True)
    pairs = []
    for i in range(count):
        side = int(random.integers(40, 90))
        reference = blob(random, side, i in (0, 1))
        predicted = np.roll(reference, tuple(random.integers(-9, 9, 2)), (0, 1)) ^ (random.random((side, side)) < 0.01)
        if i in (0, 2):
            predicted[:] = False
        noise = random.uniform(0.05, 0.95, (side, side))
        chance = np.where(predicted, 0.5 + noise / 2, noise / 2).astype(np.float32)
        stem = f"below/{i:03}" if i % 5 == 0 else f"{i:03}"
        if i % 3 == 1:
            write_nifti(f"{name}/predicted/{stem}.nii.gz", predicted)
        else:
            write_png(f"{name}/predicted/{stem}.png", predicted * 255)
        write_png(f"{name}/reference/{stem}.PNG", reference * (1 if i % 2 else 255))
        np.save(f"{name}/probability/{stem}.npy", np.stack([1 - chance, chance]).astype(np.float32))
        pairs.append((stem, predicted, reference, np.stack([1 - chance, chance]).astype(np.float64)))
    return sorted(pairs, key=lambda pair: pair[0])


def image_figures(predicted, reference, chance, field):
    truth, guess = reference.ravel(), predicted.ravel()
    empty = not truth.any() and not guess.any()
    hits, alarms, misses = (truth & guess).sum(), (guess & ~truth).sum(), (truth & ~guess).sum()
    figures = {
        "dice": math.nan if empty else metrics.f1_score(truth, guess),
        "dice_smoothed": (2 * hits + 1) / (2 * hits + alarms + misses + 1),
        "jaccard": math.nan if empty else metrics.jaccard_score(truth, guess),
        "precision": math.nan if not guess.any() else metrics.precision_score(truth, guess),
        "recall": math.nan if not truth.any() else metrics.recall_score(truth, guess),
    }
    figures["dice_loss"] = 1 - figures["dice_smoothed"]
    picked = np.where(truth, chance[1].ravel(), chance[0].ravel())
    figures["cross_entropy"] = -np.log(picked).mean()
    figures["cross_entropy_printed"] = -np.log(chance[1].ravel()[truth]).sum()
    figures["soft_dice_loss"] = 1 - (2 * chance[1].ravel()[truth].sum() + 1) / (truth.sum() + chance[1].sum() + 1)
    figures["combined_loss"] = 0.5 * figures["cross_entropy"] + 0.5 * figures["dice_loss"]
    pixel = field * field / (reference.shape[0] ** 2)
    figures["predicted_area_mm2"] = pixel * guess.sum()
    figures["reference_area_mm2"] = pixel * truth.sum()
    figures["area_error_mm2"] = figures["predicted_area_mm2"] - figures["reference_area_mm2"]
    return figures


def check_spread(what, found, values):
    values = np.array(values, float)
    known = values[~np.isnan(values)]
    assert found["count"] == len(known) and found["undefined"] == len(values) - len(known), what
    expect(f"{what}: mean", found["mean"], known.mean())
    expect(f"{what}: sd", found["sd"], known.std(ddof=1))
    for key, share in (("least", 0), ("lower_quartile", 25), ("median", 50), ("upper_quartile", 75), ("most", 100)):
        expect(f"{what}: {key}", found[key], np.percentile(known, share))


def check_mask_set(name, found, rows, pairs, field):
    figures = [image_figures(*pair[1:], field) for pair in pairs]
    rows = {row["image"].rsplit(".", 1)[0]: row for row in rows if row["set"] == name}
    assert len(rows) == len(pairs)
    for pair, expected in zip(pairs, figures):
        for key, value in expected.items():
            text = rows[pair[0]][key]
            expect(f"{name}: {key} of {pair[0]}", float(text) if text else None, value)
    for key in figures[0]:
        check_spread(f"{name}: {key}", found["per_image"][key], [figure[key] for figure in figures])
    truth = np.concatenate([pair[2].ravel() for pair in pairs])
    guess = np.concatenate([pair[1].ravel() for pair in pairs])
    for key, score in (
        ("dice", metrics.f1_score),
        ("jaccard", metrics.jaccard_score),
        ("precision", metrics.precision_score),
        ("recall", metrics.recall_score),
    ):
        expect(f"{name}: pooled {key}", found["pooled"][key], score(truth, guess))
    errors = np.array([figure["area_error_mm2"] for figure in figures])
    agreement = found["area_agreement_mm2"]
    expect(f"{name}: bias", agreement["bias"], errors.mean())
    expect(f"{name}: lower limit", agreement["lower_limit"], errors.mean() - 1.96 * errors.std(ddof=1))
    expect(f"{name}: upper limit", agreement["upper_limit"], errors.mean() + 1.96 * errors.std(ddof=1))
    expect(f"{name}: absolute error", agreement["mean_absolute"], np.abs(errors).mean())


def check_all_masks(program, random):
    sets = {"inner": (write_masks(random, "inner", 37), 3.0), "outer": (write_masks(random, "outer", 20), 6.0)}
    arguments = []
    for name, (_, field) in sets.items():
        arguments += ["--set", f"{name}={name}/predicted,{name}/reference", "--fov", f"{name}={field}"]
        arguments += ["--probability", f"{name}={name}/probability", "--images", f"{name}={name}/reference"]
    run(program, "-o", "masks", "--threads", "1", *arguments)
    run(program, "-o", "masks_again", "--threads", "3", *arguments)
    for file in os.listdir("masks"):
        with open(f"masks/{file}", "rb") as first, open(f"masks_again/{file}", "rb") as second:
            assert first.read() == second.read(), f"{file} depends on the number of threads"
    report = read_json("masks")
    with open("masks/eval.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for found, (name, (pairs, field)) in zip(report["sets"], sets.items()):
        check_mask_set(name, found, rows, pairs, field)
    dice = [found["per_image"]["dice"]["mean"] for found in report["sets"]]
    expect("mean of the sets", report["mean_of_sets"]["dice"]["mean"], np.mean(dice))
    run(program, "-o", "one", "--empty", "one", "inner/predicted", "inner/reference")
    found = read_json("one")["sets"][0]["per_image"]["dice"]
    values = [1.0 if not (p.any() or r.any()) else metrics.f1_score(r.ravel(), p.ravel()) for _, p, r, _ in sets["inner"][0]]
    expect("Dice with --empty one", found["mean"], np.mean(values))


def main():
    program = os.path.realpath(sys.argv[1])
    warnings.simplefilter("ignore")
    random = np.random.default_rng(20211)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        check_all_grades(program, random)
        check_all_masks(program, random)
        os.chdir("/")
    print(f"{compared} figures equal scikit-learn's")


main()
