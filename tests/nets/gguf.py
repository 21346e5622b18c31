"""Writes a GGUF file (version 3) of float32 vectors and numbers, by the layout in engine/include/fovea/model.h."""
import struct

ALIGNMENT = 32
U32, F32, STRING = 4, 6, 8


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def entry(key, value):
    if isinstance(value, str):
        return text(key) + struct.pack("<I", STRING) + text(value)
    if isinstance(value, int):
        return text(key) + struct.pack("<II", U32, value)
    return text(key) + struct.pack("<If", F32, value)


def write(path, metadata, vectors):
    """`vectors`: names and one-dimensional float32 arrays."""
    head = b"GGUF" + struct.pack("<IQQ", 3, len(vectors), len(metadata))
    head += b"".join(entry(key, value) for key, value in metadata.items())
    body = b""
    for name, values in vectors.items():
        head += text(name) + struct.pack("<IQIQ", 1, len(values), 0, len(body))
        body += values.astype("<f4").tobytes()
        body += bytes(-len(body) % ALIGNMENT)
    with open(path, "wb") as file:
        file.write(head + bytes(-len(head) % ALIGNMENT) + body)
