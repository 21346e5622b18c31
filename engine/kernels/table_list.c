/* The tables that only tests and benchmarks use, apart from table.c so that programs do not link them. */
#include "kernels/kernels.h"

#include "kernels/tables.h"

static const struct {
    const struct fv_kernels *table;
    const char *name;
} baseline[] = {
    {&fv_kernels_scalar8, "scalar8"},     {&fv_kernels_scalar16, "scalar16"},     {&fv_kernels_baseline4, "baseline4"},
    {&fv_kernels_baseline8, "baseline8"}, {&fv_kernels_baseline16, "baseline16"},
};

size_t fv_kernels_list(const struct fv_kernels **tables, const char **names, size_t capacity) {
    size_t count = 0;
    for (size_t i = 0; i < FV_ISA_COUNT && count < capacity; i++) {
        if (fv_isa_supported((enum fv_isa)i)) {
            tables[count] = fv_kernels_for((enum fv_isa)i);
            if (names != NULL) {
                names[count] = fv_isa_name((enum fv_isa)i);
            }
            count++;
        }
    }
    for (size_t i = 0; i < sizeof baseline / sizeof baseline[0] && count < capacity; i++) {
        tables[count] = baseline[i].table;
        if (names != NULL) {
            names[count] = baseline[i].name;
        }
        count++;
    }
    return count;
}

const struct fv_kernels *fv_kernels_reference(size_t width) {
    switch (width) {
    case 4:
        return &fv_kernels_scalar4;
    case 8:
        return &fv_kernels_scalar8;
    case 16:
        return &fv_kernels_scalar16;
    default:
        return NULL;
    }
}
