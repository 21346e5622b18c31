#include <stdio.h>
#include <string.h>

#include "fovea/cpu.h"

#if defined(__x86_64__)
#include <cpuid.h>

void fv_cpu_name(char name[FV_CPU_NAME_SIZE]) {
    enum { LEAVES = 3 }; /* of the brand, from 0x80000002 on */
    unsigned registers[4];
    char brand[LEAVES * sizeof registers + 1] = "";
    for (unsigned leaf = 0; leaf < LEAVES; leaf++) {
        if (!__get_cpuid(0x80000002 + leaf, &registers[0], &registers[1], &registers[2], &registers[3])) {
            brand[0] = '\0';
            break;
        }
        memcpy(brand + leaf * sizeof registers, registers, sizeof registers);
    }
    const char *text = brand + strspn(brand, " ");
    size_t length = strlen(text);
    while (length > 0 && text[length - 1] == ' ') {
        length--;
    }
    snprintf(name, FV_CPU_NAME_SIZE, "%.*s", length > 0 ? (int)length : 6, length > 0 ? text : "x86-64");
}
#else
void fv_cpu_name(char name[FV_CPU_NAME_SIZE]) {
    FILE *file = fopen("/sys/devices/system/cpu/cpu0/regs/identification/midr_el1", "re");
    char line[32] = "";
    const bool found = file != NULL && fgets(line, sizeof line, file) != NULL;
    if (file != NULL) {
        fclose(file);
    }
    line[strcspn(line, "\n")] = '\0';
#if defined(__aarch64__)
    snprintf(name, FV_CPU_NAME_SIZE, found ? "ARM %s" : "ARM", line);
#else
    (void)found;
    snprintf(name, FV_CPU_NAME_SIZE, "unknown");
#endif
}
#endif
