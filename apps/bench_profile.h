/* Where the time of a pass goes: the tables of `fovea bench --profile`.
 *
 * Every figure is a median over the passes that were added. A pass is the time of its nodes, of converting the layout
 * of input and output, and of what lies between them (waking threads, reading the clock); medians of parts do not add
 * up to the median of the whole, so the account names the difference as well and its parts give the pass exactly. */
#ifndef FOVEA_APPS_BENCH_PROFILE_H
#define FOVEA_APPS_BENCH_PROFILE_H

#include <cjson/cJSON.h>

#include "fovea/session.h"

struct fovea_profile;

/* Room for the times of `capacity` passes of `session`, which must measure them and outlive the profile.
 * Errors: FV_ERROR_MEMORY. */
enum fv_status fovea_profile_create(const struct fv_session *session, size_t capacity, struct fovea_profile **profile,
                                    struct fv_error *error);
/* NULL is allowed. */
void fovea_profile_destroy(struct fovea_profile *profile);

/* Takes the times of the session's last pass, which lasted `seconds`; passes beyond the capacity are left out. */
void fovea_profile_add(struct fovea_profile *profile, double seconds);

/* The medians; at least one pass was added, and none is added after. `flops` is the peak of all threads. */
void fovea_profile_finish(struct fovea_profile *profile, double flops);

/* To the standard output: operations with their algorithms, longest first; every node; the account. */
void fovea_profile_print(const struct fovea_profile *profile);

/* The same as members `operations`, `nodes` and `account` of `object`; false if memory ran out. */
bool fovea_profile_add_json(const struct fovea_profile *profile, cJSON *object);

#endif
