"""Weights and inputs from a name: the same bits as tests/support/seeded.c, which says how they are made."""
import numpy as np

MASK = (1 << 64) - 1


def hash64(name):
    """FNV-1a."""
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = ((value ^ byte) * 0x100000001B3) & MASK
    return value


def uniform(name, count):
    """`count` float32 values in [-1, 1), each a multiple of 2^-23: splitmix64 of a counter, the top 24 bits."""
    z = np.arange(1, count + 1, dtype=np.uint64)
    z *= np.uint64(0x9E3779B97F4A7C15)
    z += np.uint64(hash64(name))
    z ^= z >> np.uint64(30)
    z *= np.uint64(0xBF58476D1CE4E5B9)
    z ^= z >> np.uint64(27)
    z *= np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return (z >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-23) - np.float32(1)


def variance(name):
    """What the tensor does to the variance of its input; seeded.h says why."""
    if name.startswith(("Conv2d_", "Mixed_")):
        return 2.0
    if name.endswith((".conv_dw.weight", "._depthwise_conv.weight")):
        return 2.5
    if name.endswith("._project_conv.weight"):
        return 8.0
    if name.endswith(".conv_pwl.weight") or (name.startswith("blocks.0.") and name.endswith(".conv_pw.weight")):
        return 8.0 if name.split(".")[2] == "0" else 0.1
    return 1.0


def rule(name, shape):
    """Offset and gain: a weight of `fan_in` inputs multiplies the variance of what it takes by variance(name)."""
    if name.endswith("relative_position_bias_table"):
        return 0.0, 0.5
    if len(shape) >= 2:
        return 0.0, np.sqrt(3.0 * variance(name) / float(np.prod(shape[1:], dtype=np.int64)))
    if name.endswith("running_var"):
        return 1.0, 0.5
    if name.endswith(".weight"):
        return 1.0, 0.1
    return 0.0, 0.1


def tensor(name, shape):
    """offset + gain * u, each step rounded to float32."""
    offset, gain = rule(name, shape)
    values = uniform(name, int(np.prod(shape, dtype=np.int64))) * np.float32(gain) + np.float32(offset)
    return values.reshape(shape)


def picture(shape):
    """The input of a net."""
    return uniform("input", int(np.prod(shape, dtype=np.int64))).reshape(shape)
