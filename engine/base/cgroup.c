#include "base/cgroup.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { LINE_SIZE = 4096, PATH_SIZE = 8192 };

/* The first line of a file without its newline; false if it cannot be read. */
static bool read_line(const char *path, char *line, int size) {
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return false;
    }
    const bool found = fgets(line, size, file) != NULL;
    fclose(file);
    if (found) {
        line[strcspn(line, "\n")] = '\0';
    }
    return found;
}

/* Processors that `quota` microseconds in each `period` make, rounded up; 0 for none. */
static size_t processors(long long quota, long long period) {
    return quota > 0 && period > 0 ? (size_t)((quota + period - 1) / period) : 0;
}

/* The quota that stands in one folder: version 2 has "max 100000" or "150000 100000" in cpu.max, version 1 the two
 * numbers in files of their own. */
static size_t folder_limit(const char *folder) {
    char path[PATH_SIZE], line[LINE_SIZE];
    long long quota = 0, period = 0;
    snprintf(path, sizeof path, "%s/cpu.max", folder);
    if (read_line(path, line, sizeof line)) {
        return sscanf(line, "%lld %lld", &quota, &period) == 2 ? processors(quota, period) : 0;
    }
    snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", folder);
    if (!read_line(path, line, sizeof line) || sscanf(line, "%lld", &quota) != 1) {
        return 0;
    }
    snprintf(path, sizeof path, "%s/cpu.cfs_period_us", folder);
    if (!read_line(path, line, sizeof line) || sscanf(line, "%lld", &period) != 1) {
        return 0;
    }
    return processors(quota, period);
}

static size_t tighter(size_t a, size_t b) {
    return a == 0 ? b : b == 0 || a < b ? a : b;
}

/* The tightest quota of base/group, its parents and base. Inside a container `group` may not exist below the mount;
 * then the folders that do exist count. */
static size_t hierarchy_limit(const char *base, const char *group) {
    char folder[PATH_SIZE];
    snprintf(folder, sizeof folder, "%s%s", base, group);
    const size_t base_length = strlen(base);
    size_t limit = 0;
    while (strlen(folder) > base_length) {
        limit = tighter(limit, folder_limit(folder));
        *strrchr(folder, '/') = '\0';
    }
    return tighter(limit, folder_limit(base));
}

/* Whether the comma-separated list of version 1 controllers has "cpu". */
static bool controls_processors(const char *controllers) {
    for (const char *name = controllers; *name != '\0';) {
        const size_t length = strcspn(name, ",");
        if (length == 3 && strncmp(name, "cpu", 3) == 0) {
            return true;
        }
        name += length + (name[length] == ',');
    }
    return false;
}

size_t fv_cgroup_limit(const char *membership, const char *mount) {
    FILE *file = fopen(membership, "r");
    if (file == NULL) {
        return 0;
    }
    char line[LINE_SIZE], base[LINE_SIZE];
    size_t limit = 0;
    while (fgets(line, sizeof line, file) != NULL) { /* hierarchy:controllers:/group */
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':');
        char *group = controllers != NULL ? strchr(controllers + 1, ':') : NULL;
        if (group == NULL || group[1] != '/') {
            continue;
        }
        *group++ = '\0';
        controllers++;
        if (*controllers == '\0') {
            snprintf(base, sizeof base, "%s", mount);
        } else if (controls_processors(controllers)) {
            snprintf(base, sizeof base, "%s/cpu", mount);
        } else {
            continue;
        }
        limit = tighter(limit, hierarchy_limit(base, strcmp(group, "/") == 0 ? "" : group));
    }
    fclose(file);
    return limit;
}
