/* The store of a run folder, OUT/fovea.sqlite: what the run was made with, and a row an image, also for the ungradable
 * and the failed.
 *
 * An SQLite database with application_id 0x466f7665 ("Fove") and user_version 1, the version of this schema:
 *
 *   run(key, value)          what the run was made with, as text: fovea_version, command, fov_mm, layer, images,
 *                            require_grade, reference_axial_length_mm, tta, folds, folds_of_model, exact, tuned,
 *                            save_probability, shipped_models; grader_name, grader_file, grader_sha256, grader_license,
 *                            grader_attribution, grader_note, grader_lineage_1 and so on from the last adaptation to
 *                            the first, and the same of the segmenter (absent: not used, or not said); share (K/N of
 *                            --shard; absent: the whole); images_planned, files_ignored;
 *                            exports (current or stale: whether results.csv, results.json and report.html say what the
 *                            rows say); merging (yes while a merge is under way)
 *   images                   id
 *                            file: the input's name, relative to the input that was given
 *                            copy: 0, or how many inputs of that name came before it
 *                            output: subfolders and name of its files, without a suffix
 *                            input_sha256: NULL where the file could not be read
 *                            status (ok, ungradable, failed), reason, remarks
 *                            scan: fovea_scan_fingerprint of what was known beforehand
 *                            image_sha256: of the image that belongs to a mask; NULL: none
 *                            passing: 1 where it, or its partner's grade, failed for want of memory or of a
 *                            readable file, and is tried again
 *                            width_px, height_px, grade, p_ungradable, p_gradable, p_outstanding
 *                            grade_source: own, or partner where a deep image took that of grade_partner, a name like
 *                            file, whose SHA-256 was grade_partner_sha256 and whose scan (as above)
 *                            grade_partner_scan; unpaired: why a deep image has no partner
 *                            instruction_set: that the nets ran with; results of two may differ by rounding
 *                            measured: 0 or 1
 *                            a column for each of fovea_scan_columns and each of fovea_measure_columns, of its name,
 *                            which ends in its unit; NULL is missing
 *
 *   files(image, kind, path)       the files of an image: the kind (masks.png, labels.nii.gz) and the path below OUT
 *
 *   thumbnails(image, png, vessels_png)  its pictures in the report
 *
 *   moving(image, staged)    images whose files may still wait in OUT/.fovea, as STAGED.KIND, to be renamed to their
 *                            paths, which every command does first that opens the folder; emptied when that is on disk
 *
 *   leftovers(path)          files of rows that are gone, to be removed
 *
 * file, output, reason and path are TEXT, or BLOB where their bytes are not UTF-8. A store that was killed has a
 * write-ahead log beside it (fovea.sqlite-wal), which belongs to it.
 *
 * Errors, naming the file and the reason: FV_ERROR_FILE, FV_ERROR_FORMAT (damaged, or no store of this program),
 * FV_ERROR_UNSUPPORTED (made by another version of the program), FV_ERROR_MEMORY. Thread safety: a store belongs to one
 * thread at a time. */
#ifndef FOVEA_APPS_STORE_H
#define FOVEA_APPS_STORE_H

#include "pipeline/results.h"

#define FOVEA_STORE_NAME "fovea.sqlite"

struct fovea_store;

/* Opens the store at `path`, whose folder exists. `write`: makes it where there is none, and locks it against every
 * other program; its columns must be those of this program. Else it must exist and be at rest, and measures that it has
 * not are missing. On failure *store is NULL; the caller gives it back with fovea_store_close. */
enum fv_status fovea_store_open(const char *path, bool write, struct fovea_store **store, struct fv_error *error);

/* Closes it; what was not committed is forgotten. NULL is allowed. */
void fovea_store_close(struct fovea_store *store);

/* What it was made with, and its results as a source. Both live as long as the store; `count` and `planned` are those
 * of the last call of this function. */
enum fv_status fovea_store_results(struct fovea_store *store, const struct fovea_results **results,
                                   struct fv_error *error);

/* Says what it is made with: all of `results` but its source and its number. */
enum fv_status fovea_store_describe(struct fovea_store *store, const struct fovea_results *results,
                                    struct fv_error *error);

/* FV_ERROR_ARGUMENT if it was made with something else than `results` says; the message names each difference, and
 * begins with `name`. */
enum fv_status fovea_store_compare(struct fovea_store *store, const struct fovea_results *results, const char *name,
                                   struct fv_error *error);

/* A value of the table `run`; NULL: none. It belongs to the caller (fv_release). */
enum fv_status fovea_store_get(struct fovea_store *store, const char *key, char **value, struct fv_error *error);
/* Sets it; NULL removes it. */
enum fv_status fovea_store_set(struct fovea_store *store, const char *key, const char *value, struct fv_error *error);

/* All changes between the two appear together, on the disk when the second returns. */
enum fv_status fovea_store_begin(struct fovea_store *store, struct fv_error *error);
enum fv_status fovea_store_commit(struct fovea_store *store, struct fv_error *error);
/* Or none of them. Nothing if nothing was begun. */
void fovea_store_rollback(struct fovea_store *store);

/* Adds the row of an image in place of the one of its name and copy, if there is one. Its files wait as number
 * `staged`; 0: they are where they belong. */
enum fv_status fovea_store_put(struct fovea_store *store, const struct fovea_result *result, size_t staged,
                               struct fv_error *error);

/* Gives the rows to `visit`, sorted by the bytes of their names and by their copies; `id` is in the row. */
struct fovea_row;
typedef enum fv_status fovea_row_visit(void *visitor, struct fovea_row *row, struct fv_error *error);
enum fv_status fovea_store_each(struct fovea_store *store, bool pictures, fovea_row_visit *visit, void *visitor,
                                struct fv_error *error);

/* Removes the row of an image; its files become leftovers. */
enum fv_status fovea_store_remove(struct fovea_store *store, long long id, struct fv_error *error);
/* Removes all rows. */
enum fv_status fovea_store_remove_all(struct fovea_store *store, struct fv_error *error);

/* The rows of each state. */
enum fv_status fovea_store_count(struct fovea_store *store, size_t states[FOVEA_STATE_COUNT], struct fv_error *error);

/* The rows that are ok without a grade. */
enum fv_status fovea_store_count_ungraded(struct fovea_store *store, size_t *count, struct fv_error *error);

/* The instruction sets of the rows' nets, "avx2, avx512"; NULL if they are not several. The caller releases it. */
enum fv_status fovea_store_mixed_sets(struct fovea_store *store, char **names, struct fv_error *error);

/* Gives the files of an image to `visit`. */
typedef enum fv_status fovea_file_visit(void *visitor, const char *kind, const char *path, struct fv_error *error);
enum fv_status fovea_store_each_file(struct fovea_store *store, long long id, fovea_file_visit *visit, void *visitor,
                                     struct fv_error *error);

/* The row that writes to `output`, 0: none. */
enum fv_status fovea_store_find_output(struct fovea_store *store, const char *output, long long *id,
                                       struct fv_error *error);

#endif
