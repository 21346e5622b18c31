/* Exits with 0 if this machine runs the instruction set that the argument names. */
#include <string.h>

#include "fovea/cpu.h"

int main(int count, char **arguments) {
    for (int isa = 0; count == 2 && isa < FV_ISA_COUNT; isa++) {
        if (strcmp(fv_isa_name((enum fv_isa)isa), arguments[1]) == 0) {
            return fv_isa_supported((enum fv_isa)isa) ? 0 : 1;
        }
    }
    return 2;
}
