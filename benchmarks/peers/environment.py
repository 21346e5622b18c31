"""The virtual environment of the peers, and which of them this machine has."""
import os
import subprocess
import sys

# An engine's label, program and packages from PyPI; those without packages come from Debian.
ENGINES = {
    'onnxruntime': ('ONNX Runtime', 'onnxruntime', ['onnxruntime']),
    'openvino': ('OpenVINO', 'openvino', ['openvino']),
    'ncnn': ('ncnn', 'ncnn', ['ncnn', 'pnnx']),
    'torch-debian': ('PyTorch of Debian, jit', 'torch-jit', []),
    'torch-jit': ('PyTorch, jit', 'torch-jit', ['torch', 'torchvision']),
    'torch-compile': ('PyTorch, compile', 'torch-compile', ['torch', 'torchvision']),
}
DEBIAN = '/usr/bin/python3'


def run(command, **options):
    return subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)


def last_line(text):
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else 'no message'


def python_of(engine, folder):
    return os.path.join(folder, 'bin', 'python') if ENGINES[engine][2] else DEBIAN


def make(folder, engines):
    """Installs what is missing. Returns {engine: why it is left out}."""
    python = os.path.join(folder, 'bin', 'python')
    if not os.path.exists(python) and any(ENGINES[engine][2] for engine in engines):
        made = run([DEBIAN, '-m', 'venv', folder])
        if made.returncode != 0:
            sys.exit(f'benchmarks/peers/run: no virtual environment: {last_line(made.stdout)}')
    missing, tried = {}, {}
    for engine in engines:
        for package in ENGINES[engine][2] or ['torch of Debian']:
            if package not in tried:
                tried[package] = install(python, package) if ENGINES[engine][2] else debian_torch()
            if tried[package]:
                missing.setdefault(engine, f'{package} cannot be installed: {tried[package]}')
    return missing


def install(python, package):
    """'' or why not."""
    if run([python, '-c', f'import importlib.metadata as m; m.version({package!r})']).returncode == 0:
        return ''
    print(f'installing {package} ...', file=sys.stderr)
    done = run([python, '-m', 'pip', 'install', '--quiet', 'numpy', package])
    return '' if done.returncode == 0 else last_line(done.stdout)


def debian_torch():
    done = run([DEBIAN, '-c', 'import torch, torchvision'])
    return '' if done.returncode == 0 else last_line(done.stdout)
