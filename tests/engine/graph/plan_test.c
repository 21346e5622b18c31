/* The memory plan: rules of fv_plan_offsets, and what a session makes of them. */
#include <stdint.h>
#include <string.h>

#include "checks.h"
#include "fovea/memory.h"
#include "graph/session.h"
#include "seeded.h"

enum { UNIT = FV_ALIGNMENT, SETS = 50, BLOCKS = 60 };

static struct fv_lifetime block(size_t first, size_t last, size_t units) {
    return (struct fv_lifetime){.first = first, .last = last, .bytes = units * UNIT};
}

static size_t plan(struct fv_lifetime *blocks, size_t count) {
    size_t total = 0;
    struct fv_error error = {0};
    check_success(fv_plan_offsets(blocks, count, &total, &error), &error);
    return total;
}

/* Blocks with lifetimes and sizes from a seed; sizes are no multiples of the alignment. */
static void fill(struct fv_lifetime *blocks, size_t count, int seed) {
    float numbers[3 * BLOCKS];
    const char name[] = {'p', 'l', 'a', 'n', (char)('0' + seed), '\0'};
    seeded_uniform(name, 3 * count, numbers);
    for (size_t i = 0; i < count; i++) {
        const size_t first = (size_t)(50 * (numbers[3 * i] + 1)), length = (size_t)(10 * (numbers[3 * i + 1] + 1));
        blocks[i] = (struct fv_lifetime){
            .first = first, .last = first + length, .bytes = 1 + (size_t)(5000 * (numbers[3 * i + 2] + 1))};
    }
}

static bool live_together(const struct fv_lifetime *a, const struct fv_lifetime *b) {
    return a->first <= b->last && b->first <= a->last;
}

START_TEST(blocks_that_live_together_never_overlap) {
    struct fv_lifetime blocks[BLOCKS];
    fill(blocks, BLOCKS, _i);
    const size_t total = plan(blocks, BLOCKS);
    for (size_t i = 0; i < BLOCKS; i++) {
        ck_assert_uint_eq(blocks[i].offset % FV_ALIGNMENT, 0);
        ck_assert_uint_le(blocks[i].offset + blocks[i].bytes, total);
        for (size_t j = 0; j < i; j++) {
            const bool apart = blocks[i].offset + blocks[i].bytes <= blocks[j].offset ||
                               blocks[j].offset + blocks[j].bytes <= blocks[i].offset;
            ck_assert_msg(apart || !live_together(&blocks[i], &blocks[j]), "blocks %zu and %zu overlap", i, j);
        }
    }
}
END_TEST

START_TEST(arena_is_no_larger_than_all_blocks_and_no_smaller_than_those_of_any_step) {
    struct fv_lifetime blocks[BLOCKS];
    fill(blocks, BLOCKS, _i);
    const size_t total = plan(blocks, BLOCKS);
    size_t sum = 0;
    for (size_t i = 0; i < BLOCKS; i++) {
        sum += blocks[i].bytes;
    }
    ck_assert_uint_lt(total, sum);
    for (size_t step = 0; step < 130; step++) {
        size_t needed = 0;
        for (size_t i = 0; i < BLOCKS; i++) {
            needed += blocks[i].first <= step && step <= blocks[i].last ? blocks[i].bytes : 0;
        }
        ck_assert_uint_ge(total, needed);
    }
}
END_TEST

START_TEST(dead_space_is_reused) {
    struct fv_lifetime chain[10];
    for (size_t i = 0; i < 10; i++) {
        chain[i] = block(i, i + 1, 7);
    }
    ck_assert_uint_eq(plan(chain, 10), 2 * 7 * UNIT);
}
END_TEST

START_TEST(smallest_gap_that_fits_is_taken) {
    /* At steps 3 to 5 two gaps are open: one of 8 units at 10, one of 6 at 25. */
    struct fv_lifetime blocks[] = {block(0, 5, 10), block(0, 2, 8), block(0, 5, 7),
                                   block(0, 2, 6),  block(0, 5, 5), block(3, 5, 4)};
    ck_assert_uint_eq(plan(blocks, 6), 36 * UNIT);
    ck_assert_uint_eq(blocks[5].offset, 25 * UNIT);
}
END_TEST

START_TEST(touching_lifetimes_count_as_together) {
    struct fv_lifetime blocks[] = {block(0, 3, 1), block(3, 4, 1)};
    ck_assert_uint_eq(plan(blocks, 2), 2 * UNIT);
}
END_TEST

START_TEST(empty_blocks_take_no_space) {
    struct fv_lifetime blocks[] = {block(0, 9, 0), block(0, 9, 3), block(0, 9, 0)};
    ck_assert_uint_eq(plan(blocks, 3), 3 * UNIT);
    ck_assert_uint_eq(plan(NULL, 0), 0);
}
END_TEST

START_TEST(sizes_beyond_memory_are_an_error) {
    size_t total = 1;
    struct fv_error error = {0};
    struct fv_lifetime single[] = {{.bytes = SIZE_MAX}};
    check_failure(fv_plan_offsets(single, 1, &total, &error), &error, FV_ERROR_MEMORY, "does not fit");
    struct fv_lifetime pair[] = {{.bytes = SIZE_MAX / 2 + 1}, {.bytes = SIZE_MAX / 2 + 1}};
    check_failure(fv_plan_offsets(pair, 2, &total, &error), &error, FV_ERROR_MEMORY, "");
}
END_TEST

/* A session over one small graph; values are numbered in the order of the calls. */
static struct fv_graph *start(struct fv_model *model, fv_value *input) {
    struct fv_graph *graph = NULL;
    struct fv_error error = {0};
    check_success(fv_graph_create(model, &graph, &error), &error);
    *input = fv_graph_input(graph, 20, 6, 5);
    return graph;
}

static struct fv_session *finish(struct fv_graph *graph, fv_value output) {
    struct fv_session *session = NULL;
    struct fv_error error = {0};
    check_success(fv_graph_finish(graph, output, &error), &error);
    check_success(fv_session_create(graph, NULL, &session, &error), &error);
    fv_graph_destroy(graph);
    return session;
}

static const struct fv_pooling halve = {.kernel_y = 2, .kernel_x = 2, .stride_y = 2, .stride_x = 2};

START_TEST(activation_works_in_place_when_its_input_dies) {
    fv_value input;
    struct fv_model *model = check_model(NULL, 0);
    struct fv_graph *graph = start(model, &input);
    const fv_value pooled = fv_graph_max_pool(graph, input, &halve);
    const fv_value active = fv_graph_activation(graph, pooled, FV_SILU, 0);
    struct fv_session *session = finish(graph, active);
    ck_assert_ptr_eq(session->views[pooled].block[0], session->views[active].block[0]);
    fv_session_destroy(session);
    fv_model_close(model);
}
END_TEST

START_TEST(activation_keeps_an_input_that_lives_on) {
    fv_value input;
    struct fv_model *model = check_model(NULL, 0);
    struct fv_graph *graph = start(model, &input);
    const fv_value pooled = fv_graph_max_pool(graph, input, &halve);
    const fv_value active = fv_graph_activation(graph, pooled, FV_SILU, 0);
    const fv_value again = fv_graph_max_pool(graph, pooled, &halve);
    const fv_value late = fv_graph_max_pool(graph, active, &halve);
    struct fv_session *session = finish(graph, fv_graph_add(graph, again, late));
    ck_assert_ptr_ne(session->views[pooled].block[0], session->views[active].block[0]);
    fv_session_destroy(session);
    fv_model_close(model);
}
END_TEST

START_TEST(concat_points_into_its_inputs) {
    fv_value input;
    struct fv_model *model = check_model(NULL, 0);
    struct fv_graph *graph = start(model, &input);
    const fv_value parts[2] = {fv_graph_max_pool(graph, input, &halve), fv_graph_average_pool(graph, input, &halve)};
    const fv_value both = fv_graph_concat(graph, parts, 2);
    struct fv_session *session = finish(graph, fv_graph_max_pool(graph, both, &halve));
    const struct fv_view *views = session->views;
    ck_assert_uint_eq(views[both].blocks, views[parts[0]].blocks + views[parts[1]].blocks);
    for (size_t part = 0, b = 0; part < 2; part++) {
        for (size_t i = 0; i < views[parts[part]].blocks; i++, b++) {
            ck_assert_ptr_eq(views[both].block[b], views[parts[part]].block[i]);
            ck_assert_uint_eq(views[both].lanes[b].first, 20 * part + views[parts[part]].lanes[i].first);
        }
    }
    ck_assert_uint_eq(session->lifetimes[both].bytes, 0);
    fv_session_destroy(session);
    fv_model_close(model);
}
END_TEST

START_TEST(inputs_of_a_concat_live_until_its_last_use) {
    fv_value input;
    struct fv_model *model = check_model(NULL, 0);
    struct fv_graph *graph = start(model, &input);
    const fv_value early = fv_graph_activation(graph, input, FV_RELU, 0);
    fv_value x = early;
    for (int i = 0; i < 4; i++) {
        x = fv_graph_average_pool(graph, x,
                                  &(struct fv_pooling){.kernel_y = 3, .kernel_x = 3, .padding = {1, 1, 1, 1}});
    }
    const fv_value both = fv_graph_concat(graph, (fv_value[]){early, x}, 2);
    struct fv_session *session = finish(graph, fv_graph_max_pool(graph, both, &halve));
    ck_assert_uint_eq(session->lifetimes[session->storage[early]].last, session->node_count - 1);
    fv_session_destroy(session);
    fv_model_close(model);
}
END_TEST

START_TEST(output_lives_beyond_the_last_node) {
    fv_value input;
    struct fv_model *model = check_model(NULL, 0);
    struct fv_graph *graph = start(model, &input);
    const fv_value wanted = fv_graph_max_pool(graph, input, &halve);
    fv_graph_average_pool(graph, wanted, &halve);
    struct fv_session *session = finish(graph, wanted);
    ck_assert_uint_eq(session->lifetimes[session->storage[wanted]].last, session->node_count);
    fv_session_destroy(session);
    fv_model_close(model);
}
END_TEST

int main(void) {
    const struct check_case cases[] = {
        {"blocks_that_live_together_never_overlap", blocks_that_live_together_never_overlap, SETS},
        {"arena_is_no_larger_than_all_blocks_and_no_smaller_than_those_of_any_step",
         arena_is_no_larger_than_all_blocks_and_no_smaller_than_those_of_any_step, SETS},
        {"dead_space_is_reused", dead_space_is_reused, 0},
        {"smallest_gap_that_fits_is_taken", smallest_gap_that_fits_is_taken, 0},
        {"touching_lifetimes_count_as_together", touching_lifetimes_count_as_together, 0},
        {"empty_blocks_take_no_space", empty_blocks_take_no_space, 0},
        {"sizes_beyond_memory_are_an_error", sizes_beyond_memory_are_an_error, 0},
        {"activation_works_in_place_when_its_input_dies", activation_works_in_place_when_its_input_dies, 0},
        {"activation_keeps_an_input_that_lives_on", activation_keeps_an_input_that_lives_on, 0},
        {"concat_points_into_its_inputs", concat_points_into_its_inputs, 0},
        {"inputs_of_a_concat_live_until_its_last_use", inputs_of_a_concat_live_until_its_last_use, 0},
        {"output_lives_beyond_the_last_node", output_lives_beyond_the_last_node, 0},
    };
    return check_run("plan", cases, sizeof cases / sizeof *cases);
}
