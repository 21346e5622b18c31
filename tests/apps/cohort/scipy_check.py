#!/usr/bin/python3
"""Runs fovea cohort on seeded tables and compares every figure with SciPy's: scipy_check.py PROGRAM.

What SciPy 1.10 does not have (Welch's analysis of variance, Holm, effect sizes, intraclass correlations, limits of
agreement) is computed here from its textbook formula with NumPy and SciPy's distributions.
"""

import csv
import json
import math
import os
import subprocess
import sys
import tempfile

try:
    import numpy as np
    from scipy import special, stats
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

# Both sides round in double, over sums of some hundred terms; p values are compared by their digits, however small.
TOLERANCE = 1e-11
compared = 0
worst = (0.0, "")


def expect(what, value, expected):
    global compared, worst
    compared += 1
    expected = float(expected)
    if value is None:
        assert not math.isfinite(expected), f"{what} is missing, expected {expected!r}"
        return
    assert not math.isnan(expected), f"{what} is {value!r}, expected none"
    error = abs(value - expected) / max(abs(expected), 1e-300 if what.endswith(" p") else 1.0)
    worst = max(worst, (error, what))
    assert error <= TOLERANCE, f"{what} is {value!r}, expected {expected!r}, error {error:.2g}"


def run(program, *arguments, status=0):
    done = subprocess.run([program, "cohort", *arguments], capture_output=True, text=True)
    assert done.returncode == status, f"exit status {done.returncode}, expected {status}: {done.stderr}"
    with open(os.path.join(arguments[1], "cohort.json"), encoding="utf-8") as file:
        return json.load(file)


# The expected figures.


def t_quantile(df):
    """The upper end of a two-sided 95 %. scipy.stats.t.ppf (1.10) errs by up to 5e-9; this inverts the beta function."""
    x = special.betaincinv(df / 2, 0.5, 0.05)
    return math.sqrt(df * (1 - x) / x)


def interval(name, value, low, high):
    return {name: value, f"{name}_low": low, f"{name}_high": high}


def describe(values):
    known = values[~np.isnan(values)]
    n = len(known)
    mean, sd = known.mean(), known.std(ddof=1) if n > 1 else math.nan
    margin = t_quantile(n - 1) * sd / math.sqrt(n) if n > 1 else math.nan
    lower, median, upper = np.percentile(known, [25, 50, 75])
    return {
        "n": n,
        "missing": len(values) - n,
        **interval("mean", mean, mean - margin, mean + margin),
        "sd": sd,
        "median": median,
        "lower_quartile": lower,
        "upper_quartile": upper,
        "least": known.min(),
        "most": known.max(),
    }


def welch(a, b):
    found = stats.ttest_ind(a, b, equal_var=False)
    va, vb = a.var(ddof=1) / len(a), b.var(ddof=1) / len(b)
    df = (va + vb) ** 2 / (va**2 / (len(a) - 1) + vb**2 / (len(b) - 1))
    difference = a.mean() - b.mean()
    margin = t_quantile(df) * math.sqrt(va + vb)
    n = len(a) + len(b)
    pooled = math.sqrt(((len(a) - 1) * a.var(ddof=1) + (len(b) - 1) * b.var(ddof=1)) / (n - 2))
    return {
        **interval("difference", difference, difference - margin, difference + margin),
        "t": found.statistic,
        "df": df,
        "p": found.pvalue,
        "cohen_d": difference / pooled,
        "hedges_g": difference / pooled * (1 - 3 / (4 * n - 9)),
    }


def mann_whitney(a, b):
    found = stats.mannwhitneyu(a, b)  # method "auto", corrected for continuity
    share = found.statistic / (len(a) * len(b))
    return {"u": found.statistic, "p": found.pvalue, "superiority": share, "rank_biserial": 2 * share - 1}


def kruskal(samples):
    found = stats.kruskal(*samples)
    n = sum(map(len, samples))
    return {
        "h": found.statistic,
        "df": len(samples) - 1,
        "p": found.pvalue,
        "epsilon_squared": found.statistic * (n + 1) / (n * n - 1),
    }


def anova(samples):
    found = stats.f_oneway(*samples)
    every = np.concatenate(samples)
    total = ((every - every.mean()) ** 2).sum()
    within = sum(((s - s.mean()) ** 2).sum() for s in samples)
    k, n = len(samples), len(every)
    mean_within = within / (n - k)
    return {
        "f": found.statistic,
        "df_between": k - 1,
        "df_within": n - k,
        "p": found.pvalue,
        "eta_squared": (total - within) / total,
        "omega_squared": (total - within - (k - 1) * mean_within) / (total + mean_within),
    }


def welch_anova(samples):
    k = len(samples)
    w = np.array([len(s) / s.var(ddof=1) for s in samples])
    means, n = np.array([s.mean() for s in samples]), np.array([len(s) for s in samples])
    grand = (w * means).sum() / w.sum()
    spread = ((1 - w / w.sum()) ** 2 / (n - 1)).sum()
    f = (w * (means - grand) ** 2).sum() / (k - 1) / (1 + 2 * (k - 2) / (k**2 - 1) * spread)
    df = (k**2 - 1) / (3 * spread)
    return {"f": f, "df_between": k - 1, "df_within": df, "p": stats.f.sf(f, k - 1, df)}


def holm(p):
    order = np.argsort(p, kind="stable")
    adjusted, most = np.empty(len(p)), 0.0
    for i, place in enumerate(order):
        most = max(most, min(1.0, (len(p) - i) * p[place]))
        adjusted[place] = most
    return adjusted


def pearson(x, y):
    found = stats.pearsonr(x, y)
    ends = found.confidence_interval(0.95) if len(x) > 3 else (math.nan, math.nan)
    return {"n": len(x), **interval("r", found.statistic, *ends), "p": found.pvalue}


def spearman(x, y):
    found = stats.spearmanr(x, y)
    rho, n = found.correlation, len(x)
    ends = (math.nan, math.nan)
    if n > 3:
        margin = stats.norm.ppf(0.975) * math.sqrt((1 + rho**2 / 2) / (n - 3))
        ends = np.tanh(np.arctanh(rho) + np.array([-margin, margin]))
    return {"n": n, **interval("r", rho, *ends), "p": found.pvalue}


def regression(x, y):
    found = stats.linregress(x, y)
    margin = t_quantile(len(x) - 2) * found.stderr
    return {
        "n": len(x),
        "intercept": found.intercept,
        **interval("slope", found.slope, found.slope - margin, found.slope + margin),
    }


def repeatability(table):
    """Of rows without missing values: sums of squares by projection, the formulas of McGraw and Wong 1996."""
    n, k = table.shape
    centred = table - table.mean()
    rows = np.outer(centred.mean(1), np.ones(k))
    columns = np.outer(np.ones(n), centred.mean(0))
    b = (rows**2).sum() / (n - 1)
    w = ((centred - rows) ** 2).sum() / (n * (k - 1))
    j = (columns**2).sum() / (k - 1)
    e = ((centred - rows - columns) ** 2).sum() / ((n - 1) * (k - 1))
    f = stats.f.ppf
    one, three = (b - w) / (b + (k - 1) * w), (b - e) / (b + (k - 1) * e)
    two = (b - e) / (b + (k - 1) * e + k * (j - e) / n)

    def ends(error, free):
        low, high = b / error / f(0.975, n - 1, free), b / error * f(0.975, free, n - 1)
        return (low - 1) / (low + k - 1), (high - 1) / (high + k - 1)

    a = k * two / (n * (1 - two))
    c = 1 + k * two * (n - 1) / (n * (1 - two))
    v = (a * j + c * e) ** 2 / ((a * j) ** 2 / (k - 1) + (c * e) ** 2 / ((n - 1) * (k - 1)))
    above, below, rest = f(0.975, n - 1, v), f(0.975, v, n - 1), k * j + (k * n - k - n) * e
    free = n * (k - 1)
    sd = math.sqrt(w)
    return {
        "n": n,
        "repeats": k,
        **interval("icc_1_1", one, *ends(w, free)),
        **interval("icc_2_1", two, n * (b - above * e) / (above * rest + n * b), n * (below * b - e) / (rest + n * below * b)),
        **interval("icc_3_1", three, *ends(e, (n - 1) * (k - 1))),
        **interval("within_sd", sd, sd * math.sqrt(free / stats.chi2.ppf(0.975, free)), sd * math.sqrt(free / stats.chi2.ppf(0.025, free))),
        "repeatability": 1.96 * math.sqrt(2) * sd,
        "within_cv": sd / table.mean(),
    }


def bland_altman(left, right):
    d = left - right
    n, bias, sd = len(d), d.mean(), d.std(ddof=1)
    t = t_quantile(n - 1)
    own, limit = t * sd / math.sqrt(n), t * sd * math.sqrt(1 / n + 1.96**2 / (2 * (n - 1)))
    return {
        "n": n,
        **interval("bias", bias, bias - own, bias + own),
        "bias_p": stats.ttest_rel(left, right).pvalue,
        "sd_of_differences": sd,
        **interval("lower_limit", bias - 1.96 * sd, bias - 1.96 * sd - limit, bias - 1.96 * sd + limit),
        **interval("upper_limit", bias + 1.96 * sd, bias + 1.96 * sd - limit, bias + 1.96 * sd + limit),
    }


# Tables, and how the program sees them.


class Cohort:
    """Images with a measure or two, and whose they are; what the program should make of them."""

    def __init__(self, name, images, per="subject"):
        self.name, self.images, self.per = name, images, per

    def write(self, random):
        """Both tables, in random order."""
        os.makedirs(self.name, exist_ok=True)
        order = random.permutation(len(self.images))
        with open(f"{self.name}/results.csv", "w", encoding="utf-8") as file:
            file.write("file,status,reason,faz_area_mm2,circularity\n")
            for i in order:
                image = self.images[i]
                status = image.get("status", "ok")
                numbers = "," if status != "ok" else ",".join("" if math.isnan(v) else repr(float(v)) for v in image["values"])
                file.write(f"{i:04}.png,{status},,{numbers}\n")
        with open(f"{self.name}.csv", "w", encoding="utf-8") as file:
            file.write("subject;eye;repeat;group;age;file\n")
            for i in random.permutation(len(self.images)):
                image = self.images[i]
                file.write(f"{image['subject']};{image['eye']};{image['repeat']};{image['group']};{image['age']!r};{i:04}.png\n")

    def tree(self):
        """Values by subject, eye and repeat."""
        tree = {}
        for image in self.images:
            if image.get("status", "ok") == "ok":
                values = np.array([*image["values"], image["age"]], float)
                tree.setdefault(image["subject"], {}).setdefault(image["eye"], {})[image["repeat"]] = values
        return tree

    def observations(self):
        """Group to rows [area, circularity, age]."""
        groups = {}
        home = {image["subject"]: image["group"] for image in self.images}
        for subject, eyes in self.tree().items():
            means = [np.array([np.nanmean(column) if not np.isnan(column).all() else math.nan
                               for column in np.array(list(repeats.values())).T]) for repeats in eyes.values()]
            rows = means if self.per == "eye" else [
                np.array([np.nanmean(column) if not np.isnan(column).all() else math.nan for column in np.array(means).T])]
            groups.setdefault(home[subject], []).extend(rows)
        return {name: np.array(groups[name]) for name in sorted(groups)}


def figures_of(report, analysis, measure, group, against=""):
    for item in report["analyses"]:
        if (item["analysis"], item["measure"], item["group"], item.get("against", "")) == (analysis, measure, group, against):
            item["seen"] = True
            return item
    raise AssertionError(f"no {analysis} of {measure} in {group} against {against}")


def check(report, what, analysis, measure, group, against, expected):
    item = figures_of(report, analysis, measure, group, against)
    figures = dict(item["figures"])
    figures.pop("p_holm", None)
    figures.pop("incomplete", None)
    assert set(figures) == set(expected), f"{what}: {sorted(figures)}, expected {sorted(expected)}"
    for name, value in expected.items():
        expect(f"{what}, {analysis} of {measure} in {group} {against}: {name}", figures[name], value)
    return item


def check_groups(report, name, groups, column, measure):
    known = {group: rows[:, column][~np.isnan(rows[:, column])] for group, rows in groups.items()}
    if len(known) > 2:
        samples = list(known.values())
        check(report, name, "kruskal_wallis", measure, "all", "", kruskal(samples))
        check(report, name, "anova", measure, "all", "", anova(samples))
        check(report, name, "welch_anova", measure, "all", "", welch_anova(samples))
    pairs = [(a, b) for i, a in enumerate(known) for b in list(known)[i + 1 :]]
    for analysis, test in (("welch_t", welch), ("mann_whitney", mann_whitney)):
        found = [check(report, name, analysis, measure, a, b, test(known[a], known[b])) for a, b in pairs]
        adjusted = holm(np.array([test(known[a], known[b])["p"] for a, b in pairs]))
        for item, p in zip(found, adjusted):
            expect(f"{name}: Holm p", item["figures"]["p_holm"], p)


def check_correlations(report, name, group, rows, column, measure):
    both = rows[~np.isnan(rows[:, column]) & ~np.isnan(rows[:, 2])]
    x, y = both[:, 2], both[:, column]
    for analysis, find in (("pearson", pearson), ("spearman", spearman), ("regression", regression)):
        check(report, name, analysis, measure, group, "age", find(x, y))


def check_repeats(report, name, cohort, column, measure):
    labels = sorted({image["repeat"] for image in cohort.images})
    tables = [repeats for eyes in cohort.tree().values() for repeats in eyes.values() if len(repeats) > 1]
    rows = np.array([[t[label][column] if label in t else math.nan for label in labels] for t in tables])
    whole = rows[~np.isnan(rows).any(1)]
    item = check(report, name, "repeatability", measure, "all", "", repeatability(whole))
    expect(f"{name}: incomplete", item["figures"]["incomplete"], len(rows) - len(whole))
    for k in range(1, len(labels)):
        check(report, name, "bland_altman", measure, labels[k], labels[0], bland_altman(whole[:, k], whole[:, 0]))


def check_cohort(program, random, cohort):
    cohort.write(random)
    report = run(program, "-o", f"{cohort.name}_out", "--per", cohort.per, f"{cohort.name}.csv", cohort.name)
    groups = cohort.observations()
    every = np.concatenate(list(groups.values()))
    for column, measure in enumerate(["faz_area_mm2", "circularity", "age"]):
        check(report, cohort.name, "describe", measure, "all", "", describe(every[:, column]))
        for group, rows in groups.items():
            check(report, cohort.name, "describe", measure, group, "", describe(rows[:, column]))
        if measure == "age":
            continue
        check_groups(report, cohort.name, groups, column, measure)
        for group, rows in [("all", every), *groups.items()]:
            check_correlations(report, cohort.name, group, rows, column, measure)
        check_repeats(report, cohort.name, cohort, column, measure)
    unseen = [item for item in report["analyses"] if "seen" not in item]
    assert not unseen, f"{cohort.name}: nothing was compared with {unseen[0]}"
    check_table(cohort.name, report)
    return report


def check_table(name, report):
    """cohort.csv has the figures of cohort.json."""
    with open(f"{name}_out/cohort.csv", encoding="utf-8", newline="") as file:
        rows = {(r["analysis"], r["measure"], r["group"], r["against"], r["statistic"]): r["value"] for r in csv.DictReader(file)}
    for item in report["analyses"]:
        for statistic, value in item["figures"].items():
            text = rows[item["analysis"], item["measure"], item["group"], item.get("against", ""), statistic]
            same = text == "" if value is None else math.isclose(float(text), value, rel_tol=1e-15)  # cJSON's rounding
            assert same, f"{name}: {statistic} is '{text}' in cohort.csv, {value!r} in cohort.json"


def make(random, name, sizes, shift, digits=None, repeats=2, both=0.5, lost=0.0, per="subject"):
    """Groups of `sizes` subjects whose areas lie `shift` apart, some with both eyes; some values are lost."""
    images = []
    for g, size in enumerate(sizes):
        for s in range(size):
            age, level = random.uniform(20, 80), random.normal(0.3 + g * shift, 0.06 * (1 + 0.4 * g))
            for eye in ("OD", "OS") if random.random() < both else ("OD",):
                own = level + random.normal(0, 0.02)
                for repeat in range(1, repeats + 1):
                    area = own + 0.0004 * age + random.normal(0.002 * repeat, 0.01)
                    values = np.array([area, 0.9 - area / 3 + random.normal(0, 0.05)])
                    values = values if digits is None else np.round(values, digits)
                    values[random.random(2) < lost] = math.nan
                    status = "ungradable" if random.random() < lost / 2 else "ok"
                    images.append(dict(subject=f"{name}{g}-{s:03}", eye=eye, repeat=str(repeat), group=f"group {g}",
                                       age=round(age, 1), values=values, status=status))
    return Cohort(name, images, per)


def main():
    program = os.path.realpath(sys.argv[1])
    random = np.random.default_rng(2021)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        small = check_cohort(program, random, make(random, "small", [7, 9], 0.05))
        methods = {item["method"] for item in small["analyses"] if item["analysis"] == "mann_whitney"}
        assert methods == {"exact"}, methods
        check_cohort(program, random, make(random, "apart", [5, 60], 1.0))
        check_cohort(program, random, make(random, "large", [40, 55], 0.02, lost=0.05))
        ties = check_cohort(program, random, make(random, "ties", [12, 30, 21, 8], 0.03, digits=2, both=0.0, repeats=3, lost=0.04))
        methods = {item["method"] for item in ties["analyses"] if item["analysis"] == "mann_whitney"}
        assert "normal approximation, corrected for ties and continuity" in methods, methods
        check_cohort(program, random, make(random, "eyes", [15, 15, 15], 0.1, repeats=4, per="eye"))
        check_cohort(program, random, make(random, "few", [4, 4], 0.02))
        os.chdir("/")
    print(f"{compared} figures equal SciPy's; the largest relative error is {worst[0]:.2g} ({worst[1]})")


main()
