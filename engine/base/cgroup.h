/* CPU quotas of Linux control groups. */
#ifndef FOVEA_BASE_CGROUP_H
#define FOVEA_BASE_CGROUP_H

#include <stddef.h>

/* The number of processors (rounded up) that the tightest quota on the way from this process's control group to the
 * root allows, 0 if there is none. `membership` is /proc/self/cgroup, `mount` /sys/fs/cgroup; both versions of control
 * groups are understood. Reentrant. */
size_t fv_cgroup_limit(const char *membership, const char *mount);

#endif
