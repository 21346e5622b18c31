"""The Markdown of the comparison: the ratios with their goals, then every engine's figures."""
import environment

# Ours over the fastest peer's: one thread, all cores.
GOALS = {'swin_t_224': (0.80, 0.82), 'swin_l_384': (0.88, 0.86), 'se_resnext101_224': (0.97, 0.85),
         'resnet101_224': (0.75, 0.75), 'inception_v3_299': (0.75, 0.70), 'efficientnet_b7_600': (0.62, 0.80),
         'nnunet_512': (0.62, 0.48), 'nnunet_320': (0.60, 0.55)}
READY_GOAL = 1 / 3  # of the fastest peer's
MEMORY_EXTRA = 32e6  # bytes beside weights and 1.2 arenas
SCALING_GOAL = 0.925  # of ideal: 1.85 with two threads

OURS = {'fovea': 'Fovea', 'fovea-exact': 'Fovea --exact'}


def label(engine):
    return OURS.get(engine) or environment.ENGINES[engine][0]


def peers_of(summaries):
    return {engine: figures for engine, figures in summaries.items() if engine not in OURS}


def mark(value, goal):
    return 'reached' if value <= goal else 'missed'


def ratio_row(net, threads, runs, summaries):
    ours = summaries['fovea']
    peers = peers_of(summaries)
    share = runs['fovea'][-1]['share_of_peak']
    if not peers:
        return f'| {net} | {threads} | {ours["median"]:.4f} | none | | | | {100 * share:.0f} % |'
    best = min(peers, key=lambda engine: peers[engine]['median'])
    ratio = ours['median'] / peers[best]['median']
    goal = GOALS[net][0 if threads == 1 else 1]
    return (f'| {net} | {threads} | {ours["median"]:.4f} | {label(best)} {peers[best]["median"]:.4f} | {ratio:.2f}'
            f'{" (slower)" if ratio > 1 else ""} | {goal:.2f} | {mark(ratio, goal)} | {100 * share:.0f} % |')


def memory_row(net, threads, runs, summaries):
    ours, last = summaries['fovea'], runs['fovea'][-1]
    limit = last['weight_bytes'] + 1.2 * last['arena_bytes'] + MEMORY_EXTRA
    peers = peers_of(summaries)
    lean = min(peers, key=lambda engine: peers[engine]['rss'], default=None)
    quick = min(peers, key=lambda engine: peers[engine]['ready'], default=None)
    row = (f'| {net} | {threads} | {ours["rss"] / 1e6:.0f} | {limit / 1e6:.0f}, {mark(ours["rss"], limit)} | '
           f'{label(lean) + " %.0f" % (peers[lean]["rss"] / 1e6) if lean else "none"} | {ours["ready"]:.3f} | ')
    if quick is None:
        return row + 'none | |'
    goal = READY_GOAL * peers[quick]['ready']
    return row + f'{label(quick)} {peers[quick]["ready"]:.3f} | {goal:.3f}, {mark(ours["ready"], goal)} |'


def engine_rows(net, threads, summaries):
    for engine, figures in sorted(summaries.items(), key=lambda item: item[1]['median']):
        yield (f'| {net} | {threads} | {label(engine)} | {figures["median"]:.4f} | {figures["p10"]:.4f} | '
               f'{figures["p90"]:.4f} | {figures["passes"]} | {figures["ready"]:.3f} | {figures["rss"] / 1e6:.0f} |')


def scaling_lines(every):
    for net in {net: None for net, _ in every}:
        counts = sorted(threads for other, threads in every if other == net)
        for threads in counts[1:]:
            gain = every[net, counts[0]]['fovea']['median'] / every[net, threads]['fovea']['median']
            goal = SCALING_GOAL * threads
            verdict = 'reached' if gain >= goal else 'missed'
            yield f'- {net}: {threads} threads are {gain:.2f} times as fast as {counts[0]}; goal {goal:.2f}, {verdict}.'


def versions(every):
    found = {}
    for summaries in every.values():
        for engine, figures in summaries.items():
            if engine != 'fovea-exact':
                found[engine] = figures['version']
    return ', '.join(f'{label(engine)} {version}' for engine, version in found.items())


def lines(outcomes, missing, arguments, tolerance, summary):
    timed = {(net, threads): runs for net, outcome in outcomes.items() for threads, runs in outcome['runs'].items()}
    every = {key: {engine: summary(results) for engine, results in runs.items()} for key, runs in timed.items()}
    yield f'Versions: {versions(every)}.'
    yield ''
    yield (f'Rounds: {arguments.rounds}, each a fresh process of {arguments.seconds:g} s and at least '
           f'three passes an engine, in turns; medians of all passes; threads pinned, one a core. Outputs '
           f'agree with ours within {tolerance:g} of their range. A ratio below 1 is a win. Settings: ONNX Runtime '
           'optimised in advance, OpenVINO with fp32 forced, latency hint and model cache, ncnn with fp16 and bf16 '
           'off, PyTorch frozen and optimised, or compiled with inductor, frozen. Shares of the peak count direct '
           'multiply-adds, so that Winograd may exceed it.')
    yield from ('', '| net | threads | Fovea s | fastest peer s | ours / peer | goal | | share of peak |',
                '|---|---|---|---|---|---|---|---|')
    for key, summaries in every.items():
        yield ratio_row(*key, timed[key], summaries)
    yield from ('', *scaling_lines(every), '',
                'Peak resident memory (MB, VmHWM; the peers\' includes Python with numpy, about 30) and seconds from '
                'opening the model to the end of the first pass, less one pass, with warm file caches:', '',
                '| net | threads | Fovea MB | limit: weights + 1.2 arena + 32 | leanest peer MB | Fovea ready s | '
                'fastest peer s | goal: a third |', '|---|---|---|---|---|---|---|---|')
    for key, summaries in every.items():
        yield memory_row(*key, timed[key], summaries)
    yield from ('', 'Every engine, the fastest first:', '',
                '| net | threads | engine | median s | 10 % | 90 % | passes | ready s | peak MB |',
                '|---|---|---|---|---|---|---|---|---|')
    for key, summaries in every.items():
        yield from engine_rows(*key, summaries)
    yield from ('', 'Largest difference of an output from ours, as a part of its range; ours from PyTorch in double '
                    'precision:', '')
    for net, outcome in outcomes.items():
        if 'distance' in outcome:
            parts = [f'{label(engine)} {max(c["difference"] for c in checks):.1e}'
                     for engine, checks in outcome['checks'].items() if checks]
            yield f'- {net}: Fovea {outcome["distance"]:.1e}; {", ".join(parts) or "no peer"}.'
    left_out = [f'- {label(engine)}: {reason}.' for engine, reason in missing.items()]
    left_out += [f'- {net}, {label(engine)}{f", threads {threads}" if threads else ""}: {reason}.'
                 for net, outcome in outcomes.items() for _, engine, threads, reason in outcome['failures']]
    if left_out:
        yield from ('', 'Not measured:', '', *left_out)


def write(*arguments):
    for line in lines(*arguments):
        print(line)
