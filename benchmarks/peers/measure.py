"""One engine on one net in a process of its own: checks its output, or times it. Prints one JSON object.

usage: measure.py ENGINE FOLDER --threads N (--check OURS.npy | --seconds S)

ENGINE is onnxruntime, openvino, ncnn, torch-jit or torch-compile; FOLDER was filled by prepare.py and convert.py. The
process is pinned from outside. Time to ready is from opening the model to the end of the first pass, less the median
pass; importing the engine and reading the input do not count.
"""
import argparse
import json
import os
import sys
import time

import numpy as np

WARM_UP = 3  # passes, the first included; PyTorch's jit optimises in the second
LEAST = 3  # passes that are timed, as of ours


def onnxruntime(folder, threads):
    import onnxruntime as ort

    def load():
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL  # was done in advance
        if threads > 1:  # of the threads beside this one; processors count from 1
            processors = sorted(os.sched_getaffinity(0))
            options.add_session_config_entry('session.intra_op_thread_affinities',
                                             ';'.join(str(p + 1) for p in processors[1:threads]))
        session = ort.InferenceSession(os.path.join(folder, 'model.optimized.onnx'), options,
                                       providers=['CPUExecutionProvider'])
        return lambda x: session.run(None, {'input': x})[0]

    return ort.__version__, load


def openvino(folder, threads):
    import openvino as ov

    def load():
        core = ov.Core()
        core.set_property({'CACHE_DIR': os.path.join(folder, 'openvino', 'cache')})
        compiled = core.compile_model(os.path.join(folder, 'openvino', 'model.xml'), 'CPU', {
            'PERFORMANCE_HINT': 'LATENCY', 'INFERENCE_PRECISION_HINT': 'f32', 'NUM_STREAMS': '1',
            'INFERENCE_NUM_THREADS': str(threads), 'ENABLE_CPU_PINNING': 'YES'})
        request = compiled.create_infer_request()
        load.compiled = compiled
        return lambda x: request.infer([x], share_inputs=True, share_outputs=True)[0]

    def verify():
        """Half precision anywhere in the compiled graph makes the comparison void."""
        for node in load.compiled.get_runtime_model().get_ops():
            information = node.get_rt_info()
            precision = str(information['runtimePrecision'].value if 'runtimePrecision' in information else '')
            if precision in ('f16', 'bf16'):
                sys.exit(f'OpenVINO runs {node.get_friendly_name()} in {precision}, though f32 is asked for')

    load.verify = verify
    return ov.__version__.split('-')[0], load


def ncnn(folder, threads):
    import ncnn as engine

    def load():
        net = engine.Net()
        for name in ('use_vulkan_compute', 'use_fp16_packed', 'use_fp16_storage', 'use_fp16_arithmetic',
                     'use_bf16_storage', 'use_bf16_packed'):
            if hasattr(net.opt, name):
                setattr(net.opt, name, False)
        net.opt.num_threads = threads
        for file, read in (('model.param', net.load_param), ('model.bin', net.load_model)):
            if read(os.path.join(folder, 'ncnn', file)) != 0:
                sys.exit(f'ncnn cannot load {file}')

        def run(x):
            with net.create_extractor() as extractor:
                extractor.input('in0', engine.Mat(x[0]).clone())
                status, output = extractor.extract('out0')
                if status != 0:
                    sys.exit(f'ncnn fails with status {status}')
                return np.array(output)

        return run

    return engine.__version__, load


def torch_jit(folder, threads):
    import torch

    torch.set_grad_enabled(False)
    torch.set_num_threads(threads)
    torch.set_num_interop_threads(1)

    def load():
        net = torch.jit.load(os.path.join(folder, 'traced.pt')).eval()
        net = torch.jit.optimize_for_inference(torch.jit.freeze(net))
        return lambda x: net(torch.from_numpy(x)).numpy()

    return torch.__version__.split('+')[0], load


def torch_compile(folder, threads):
    os.environ['TORCHINDUCTOR_CACHE_DIR'] = os.path.join(folder, 'inductor')
    import torch

    import published

    torch.set_grad_enabled(False)
    torch.set_num_threads(threads)
    torch.set_num_interop_threads(1)
    torch._inductor.config.freezing = True
    name = os.path.basename(os.path.abspath(folder))

    def load():
        net = published.NETS[name][0]().eval()
        if name.startswith('nnunet'):
            path = os.path.join(folder, 'checkpoint', 'fold_0', 'model_best.model')
            net.load_state_dict(torch.load(path, weights_only=False)['state_dict'])
            net = published.WithSoftmax(net).eval()
        else:
            net.load_state_dict(torch.load(os.path.join(folder, 'checkpoint.pth')))
            net = net if name.startswith('swin') else net.to(memory_format=torch.channels_last)
        compiled = torch.compile(net)
        return lambda x: compiled(torch.from_numpy(x)).numpy()

    return torch.__version__.split('+')[0], load


ENGINES = {'onnxruntime': onnxruntime, 'openvino': openvino, 'ncnn': ncnn, 'torch-jit': torch_jit,
           'torch-compile': torch_compile}


def peak_resident():
    with open('/proc/self/status') as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith('VmHWM:'))


def compare(ours, theirs):
    """The largest difference, as a part of our output's range."""
    if ours.size != theirs.size:
        sys.exit(f'the output has {theirs.size} values, ours {ours.size}')
    return float(np.abs(ours.ravel() - theirs.ravel()).max() / np.abs(ours).max())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('engine', choices=ENGINES)
    parser.add_argument('folder')
    parser.add_argument('--threads', type=int, default=1, metavar='N', help='default: 1')
    parser.add_argument('--check', metavar='OURS.npy', help='one pass, compared with this output')
    parser.add_argument('--seconds', type=float, default=3, metavar='S',
                        help='of timing, 3 passes at least; default: 3')
    arguments = parser.parse_args()
    base = peak_resident()
    version, load = ENGINES[arguments.engine](arguments.folder, arguments.threads)
    picture = np.load(os.path.join(arguments.folder, 'input.npy'))
    opened = time.perf_counter()
    run = load()
    output = run(picture)
    first = time.perf_counter() - opened
    result = {'engine': arguments.engine, 'version': version, 'threads': arguments.threads, 'python_rss_bytes': base}
    if arguments.check:
        if hasattr(load, 'verify'):
            load.verify()
        result['difference'] = compare(np.load(arguments.check), np.array(output))
    else:
        for _ in range(WARM_UP - 1):
            run(picture)
        passes, begin = [], time.perf_counter()
        while len(passes) < LEAST or time.perf_counter() - begin < arguments.seconds:
            start = time.perf_counter()
            run(picture)
            passes.append(time.perf_counter() - start)
        result.update(passes_s=passes, ready_s=first - float(np.median(passes)))
    result['peak_rss_bytes'] = peak_resident()
    print(json.dumps(result))


if __name__ == '__main__':
    main()
