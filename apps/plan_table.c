/* The plan of a net as a table. */
#include "plan_table.h"

#include <stdio.h>
#include <string.h>

#include "fovea/nets.h"
#include "fovea/session.h"

enum { SHAPE_SIZE = 48 };

static void format_shape(struct fv_shape shape, char text[SHAPE_SIZE]) {
    if (shape.kind == FV_TOKENS) {
        snprintf(text, SHAPE_SIZE, "[%zu][%zu]", shape.height * shape.width, shape.channels);
    } else {
        snprintf(text, SHAPE_SIZE, "%zux%zux%zu", shape.channels, shape.height, shape.width);
    }
}

static void print_nodes(const struct fv_session *session, size_t nodes) {
    printf("\n%-40s %-22s %-20s %14s %10s %10s %12s\n", "node", "operation", "algorithm", "output", "Mmul-add", "KiB",
           "arena offset");
    for (size_t i = 0; i < nodes; i++) {
        const struct fv_node_info node = fv_session_node(session, i);
        char shape[SHAPE_SIZE];
        format_shape(node.output, shape);
        printf("%-40s %-22s %-20s %14s %10.2f %10.1f %12zu\n", node.name, node.operation, node.algorithm, shape,
               node.multiply_adds * 1e-6, (double)node.bytes / 1024, node.arena_offset);
        if (node.refusals[0] != '\0') {
            const bool works = strcmp(node.algorithm, "none") != 0;
            printf("%40s %s%s\n", "", works ? "others: " : "", node.refusals);
        }
    }
}

enum fv_status fovea_plan_print(const struct fv_model *model, size_t size, const struct fovea_planning *planning,
                                struct fv_error *error) {
    struct fv_graph *graph = NULL;
    struct fv_session *session = NULL;
    const struct fv_net_options options = {.height = size, .width = size};
    enum fv_status status = fv_net_build(model, &options, &graph, error);
    if (status == FV_OK) {
        status = fovea_session_create(model, graph, &(struct fv_session_options){0}, planning, &session, error);
    }
    if (status == FV_OK) {
        const struct fv_session_info info = fv_session_info(session);
        print_nodes(session, info.nodes);
        printf(
            "\n%s, %zu nodes, %.3f G multiply-adds; arena %.1f MB, packed weights %.1f MB, scratch %.2f MB a thread\n",
            fv_isa_name(info.isa), info.nodes, info.multiply_adds * 1e-9, (double)info.arena_bytes * 1e-6,
            (double)info.weight_bytes * 1e-6, (double)info.scratch_bytes * 1e-6);
        if (fv_net_members(model) > 1) {
            printf("the first of %zu members; the others are planned alike\n", fv_net_members(model));
        }
    }
    fv_session_destroy(session);
    fv_graph_destroy(graph);
    return status;
}
