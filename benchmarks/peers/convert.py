"""From the files of prepare.py to those that single engines load; what cannot be converted is said and left out.

usage: convert.py ENGINE FOLDER        with the environment's Python

onnxruntime  model.optimized.onnx, the graph with every optimisation for this machine done in advance
openvino     openvino/model.xml, float32
ncnn         ncnn/model.param, through pnnx
"""
import json
import os
import subprocess
import sys


def onnxruntime(folder, _):
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = 3
    options.optimized_model_filepath = os.path.join(folder, 'model.optimized.onnx')
    ort.InferenceSession(os.path.join(folder, 'model.onnx'), options, providers=['CPUExecutionProvider'])


def openvino(folder, _):
    import openvino as ov

    ov.save_model(ov.convert_model(os.path.join(folder, 'model.onnx')), os.path.join(folder, 'openvino', 'model.xml'),
                  compress_to_fp16=False)


def ncnn(folder, net):
    program = os.path.join(os.path.dirname(sys.executable), 'pnnx')
    work = os.path.join(folder, 'ncnn')
    os.makedirs(work, exist_ok=True)
    shape = f'[1,{net["channels"]},{net["side"]},{net["side"]}]'
    names = {'ncnnparam': 'model.param', 'ncnnbin': 'model.bin', 'ncnnpy': 'model.py', 'pnnxparam': 'pnnx.param',
             'pnnxbin': 'pnnx.bin', 'pnnxpy': 'pnnx.py', 'pnnxonnx': 'pnnx.onnx'}
    subprocess.run([program, os.path.join('..', 'traced.pt'), f'inputshape={shape}', 'fp16=0',
                    *(f'{key}={value}' for key, value in names.items())], cwd=work, check=True,
                   stdout=subprocess.DEVNULL)
    with open(os.path.join(work, 'model.param')) as file:
        kinds = {line.split()[0] for line in file if not line[0].isdigit()}
    strange = sorted(kind for kind in kinds if '.' in kind)  # operators of PyTorch that pnnx could not translate
    for name in ('pnnx.bin', 'pnnx.onnx'):  # as large as the weights
        path = os.path.join(work, name)
        if os.path.exists(path):
            os.remove(path)
    if strange:
        sys.exit(f'pnnx cannot convert the net: it leaves {", ".join(strange)}')


if __name__ == '__main__':
    engine, folder = sys.argv[1:]
    with open(os.path.join(folder, 'net.json')) as file:
        {'onnxruntime': onnxruntime, 'openvino': openvino, 'ncnn': ncnn}[engine](folder, json.load(file))
