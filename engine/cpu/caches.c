#include "fovea/cpu.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct fv_caches caches;
static pthread_once_t caches_once = PTHREAD_ONCE_INIT;

/* One short line of /sys/devices/system/cpu/cpu0/cache/index<index>/<name>. */
static bool read_cache_line(int index, const char *name, char *line, int size) {
    char path[96];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/%s", index, name);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return false;
    }
    const bool found = fgets(line, size, file) != NULL;
    fclose(file);
    return found;
}

/* Sizes as the kernel writes them ("32K", "1M") by level, for systems whose sysconf does not know (ARM). */
static void read_from_sysfs(struct fv_caches *result) {
    char line[32];
    for (int index = 0; read_cache_line(index, "type", line, sizeof line); index++) {
        unsigned level = 0;
        unsigned long size = 0;
        char unit = '\0';
        if (strncmp(line, "Instruction", strlen("Instruction")) == 0) {
            continue;
        }
        if (!read_cache_line(index, "level", line, sizeof line) || sscanf(line, "%u", &level) != 1) {
            continue;
        }
        if (!read_cache_line(index, "size", line, sizeof line) || sscanf(line, "%lu%c", &size, &unit) < 1) {
            continue;
        }
        size_t *slot = level == 1 ? &result->level1 : level == 2 ? &result->level2 : &result->level3;
        if (*slot == 0) {
            *slot = unit == 'M' ? (size_t)size << 20 : unit == 'K' ? (size_t)size << 10 : (size_t)size;
        }
    }
}

#if defined(_SC_LEVEL1_DCACHE_SIZE)
static size_t system_size(int name) {
    const long size = sysconf(name);
    return size > 0 ? (size_t)size : 0;
}
#endif

static void read_caches(void) {
#if defined(_SC_LEVEL1_DCACHE_SIZE)
    caches.level1 = system_size(_SC_LEVEL1_DCACHE_SIZE);
    caches.level2 = system_size(_SC_LEVEL2_CACHE_SIZE);
    caches.level3 = system_size(_SC_LEVEL3_CACHE_SIZE);
#endif
    read_from_sysfs(&caches);
}

struct fv_caches fv_cpu_caches(void) {
    pthread_once(&caches_once, read_caches);
    return caches;
}
