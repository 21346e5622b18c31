/* Fills the table FV_TABLE from the families included before it. */
_Static_assert((int)TILE_ROWS <= (int)FV_MAX_TILE_ROWS, "tile too high");
_Static_assert((int)TILE_VECTORS <= (int)FV_MAX_TILE_VECTORS, "tile too wide");

const struct fv_kernels FV_TABLE = {
    .isa = FV_TABLE_ISA,
    .width = WIDTH,
    .tile_rows = TILE_ROWS,
    .tile_vectors = TILE_VECTORS,
    .winograd_run = WINOGRAD_RUN,
    .gemm_tile = gemm_tile,
    .depthwise = depthwise,
    .winograd_input = winograd_input,
    .winograd_weights = winograd_weights,
    .winograd_product = winograd_product,
    .winograd_output = winograd_output,
    .max_pool = max_pool,
    .average_pool = average_pool,
    .affine = affine,
    .moments = moments,
    .mean = mean,
    .upsample_nearest = upsample_nearest,
    .upsample_bilinear = upsample_bilinear,
    .planar_to_block = planar_to_block,
    .block_to_planar = block_to_planar,
    .softmax_block = softmax_block,
    .layer_norm = layer_norm,
    .attention = attention,
    .activate = activate,
    .scale_rows = scale_rows,
    .transpose_panel = transpose_panel,
    .fma_loop = fma_loop,
};
