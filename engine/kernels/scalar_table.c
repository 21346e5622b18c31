/* One table of the scalar kernels, the reference. Compiled for block widths 4, 8 and 16, each time with its own
 * -DFV_TABLE (the table's name), -DFV_TABLE_ISA and -DFV_WIDTH. */
#include "kernels/kernels.h"

#include "kernels/tables.h"

#include "kernels/attention/attention_scalar.h"
#include "kernels/depthwise/depthwise_scalar.h"
#include "kernels/gemm/gemm_scalar.h"
#include "kernels/grouped/grouped_scalar.h"
#include "kernels/normalize/normalize_scalar.h"
#include "kernels/peak/peak_scalar.h"
#include "kernels/pointwise/pointwise_scalar.h"
#include "kernels/pool/pool_scalar.h"
#include "kernels/reorder/reorder_scalar.h"
#include "kernels/softmax/softmax_scalar.h"
#include "kernels/upsample/upsample_scalar.h"
#include "kernels/winograd/winograd_scalar.h"

#include "kernels/table_fill.h"
