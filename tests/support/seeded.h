/* Weights and inputs from a name, the same bits as tests/nets/seeded.py, so that no weight file is stored.
 *
 * Value i of tensor N is u = top 24 bits of splitmix64(FNV-1a(N) + (i + 1) * 0x9E3779B97F4A7C15), times 2^-23, minus 1:
 * a float in [-1, 1) without rounding. The tensor holds float(offset + float(gain * u)), where offset and gain follow
 * from the name:
 *   ...relative_position_bias_table   0  0.5
 *   rank 2 and more                   0  sqrt(3 v / fan_in), fan_in = elements / shape[0]: variance is kept for v = 1
 *   ...running_var                    1  0.5
 *   rank 1, ....weight (norms)        1  0.1
 *   rank 1, others (biases, means)    0  0.1
 * A transposed convolution [I, O, kh, kw] is treated like a convolution: its gain is off by sqrt(I / (O kh kw)), which
 * the norm after it takes back.
 *
 * v is 1 but for nets that would fade out or grow beyond bounds. Inception-V3 (Conv2d_..., Mixed_...): 2, which ReLU
 * halves. EfficientNets: 2.5 for a depthwise convolution (...conv_dw, ..._depthwise_conv), which SiLU takes back; 8 for
 * a projection (...conv_pwl, blocks.0....conv_pw, ..._project_conv), what SiLU and gates of about 1/2 take away; 0.1
 * for those of timm's residual blocks (blocks.S.b, b above 0), of which a stage adds up many.
 *
 * Thread safety: all functions are reentrant. */
#ifndef FOVEA_TESTS_SEEDED_H
#define FOVEA_TESTS_SEEDED_H

#include <stddef.h>
#include <stdint.h>

/* Fills `count` values with u of `name`. */
void seeded_uniform(const char *name, size_t count, float *values);

/* Fills the tensor `name` of the given shape. */
void seeded_tensor(const char *name, const size_t *shape, uint32_t rank, float *values);

/* Fills the input of a net: u of "input". */
void seeded_picture(size_t count, float *values);

#endif
