/* One table of the vector kernels. Compiled once per instruction set and once per width for the architecture's
 * baseline, each time with its own -DFV_TABLE (the table's name), -DFV_TABLE_ISA and -DFV_WIDTH. Everything but the
 * table is static, so no code compiled for a newer instruction set can be linked into an older one. */
#include "kernels/kernels.h"

#include "kernels/tables.h"

#include "kernels/attention/attention_vector.h"
#include "kernels/gemm/gemm_vector.h"
#include "kernels/normalize/normalize_vector.h"
#include "kernels/peak/peak_vector.h"
#include "kernels/pointwise/pointwise_vector.h"
#include "kernels/pool/pool_vector.h"
#include "kernels/reorder/reorder_vector.h"
#include "kernels/softmax/softmax_vector.h"
#include "kernels/upsample/upsample_vector.h"
#include "kernels/winograd/winograd_product_vector.h"
#include "kernels/winograd/winograd_vector.h"

#include "kernels/depthwise/depthwise_vector.h"
#include "kernels/grouped/grouped_vector.h"

#include "kernels/table_fill.h"
