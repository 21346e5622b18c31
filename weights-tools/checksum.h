/* The CRC-32 of zip entries, for what is really read of a file. Private to weights-tools.
 *
 * torch does not look at them, and some of its versions could be told to leave them out, so a wrong one is a doubt and
 * no error, unless the user wants it so. A CRC of 0 stands for none. */
#ifndef FOVEA_WEIGHTS_CHECKSUM_H
#define FOVEA_WEIGHTS_CHECKSUM_H

#include "checkpoint.h"
#include "plan.h"
#include "zip.h"

/* An entry with tensor data whose CRC is stated. */
struct checksum {
    const char *path; /* of the file */
    const char *name; /* of the entry */
    const uint8_t *bytes;
    size_t size;
    uint32_t crc; /* as stated */
};

/* Keeps what is needed to check the entry later. */
enum fv_status checksum_keep(struct fv_checkpoint *checkpoint, const struct checkpoint_file *file,
                             const struct zip_entry *entry, struct fv_error *error);

/* After the last checksum_keep. */
void checksum_sort(struct fv_checkpoint *checkpoint);

/* Checks an entry at once; a wrong CRC becomes the checkpoint's doubt. */
enum fv_status checksum_check(struct fv_checkpoint *checkpoint, const struct checkpoint_file *file,
                              const struct zip_entry *entry, struct fv_error *error);

/* The doubts of a conversion: the checkpoint's, and a line for each entry with a wrong CRC that a planned tensor lies
 * in, all in the plan's pool. At most a dozen lines; the last tells how many more there are. Errors: FV_ERROR_MEMORY.
 */
enum fv_status checksum_doubts(struct plan *plan, const char *const **doubts, size_t *count);

#endif
