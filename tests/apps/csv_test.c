/* Tables as programs write them, and what is refused. */
#include <string.h>

#include "base/csv.h"
#include "checks.h"
#include "fovea/memory.h"

static struct fovea_csv parse(const char *text) {
    struct fovea_csv table;
    struct fv_error error;
    check_success(fovea_csv_parse("t.csv", (const uint8_t *)text, strlen(text), &table, &error), &error);
    return table;
}

static void expect_record(const struct fovea_csv *table, size_t index, size_t line, const char *const *fields) {
    ck_assert_uint_lt(index, table->count);
    const struct fovea_csv_record *record = &table->records[index];
    ck_assert_uint_eq(record->line, line);
    ck_assert_ptr_null(record->problem);
    size_t count = 0;
    for (; fields[count] != NULL; count++) {
        ck_assert_uint_lt(count, record->count);
        ck_assert_str_eq(fovea_csv_field(table, record, count), fields[count]);
    }
    ck_assert_uint_eq(record->count, count);
}

START_TEST(every_line_end_and_a_byte_order_mark) {
    static const char *const texts[] = {"a,b\n\n1,2\n",
                                        ("\xef\xbb\xbf"
                                         "a,b\r\n\r\n1,2"),
                                        "a,b\r\r1,2\r"};
    struct fovea_csv table = parse(texts[_i]);
    ck_assert_uint_eq(table.count, 2);
    expect_record(&table, 0, 1, (const char *const[]){"a", "b", NULL});
    expect_record(&table, 1, 3, (const char *const[]){"1", "2", NULL});
    fovea_csv_clear(&table);
}
END_TEST

START_TEST(quoted_fields) {
    struct fovea_csv table = parse("\"a,\"\"b\"\"\",\"two\r\nlines\",\n\"\",x\n");
    ck_assert_uint_eq(table.count, 2);
    expect_record(&table, 0, 1, (const char *const[]){"a,\"b\"", "two\r\nlines", "", NULL});
    expect_record(&table, 1, 3, (const char *const[]){"", "x", NULL});
    fovea_csv_clear(&table);
}
END_TEST

START_TEST(separators) {
    static const char *const texts[] = {"\"x;\",b\n1;,2\n", "\"x,\";b\n1,;2\n", "\"x,\"\tb\n1,\t2\n"};
    static const char expected[] = {',', ';', '\t'};
    struct fovea_csv table = parse(texts[_i]);
    ck_assert_int_eq(table.separator, expected[_i]);
    expect_record(&table, 1, 2, (const char *const[]){_i == 0 ? "1;" : "1,", "2", NULL});
    fovea_csv_clear(&table);
}
END_TEST

START_TEST(malformed_records_say_so) {
    struct fovea_csv table = parse("a,b\n\"1\"x,2\n3\"4,5\n6,7\n");
    ck_assert_uint_eq(table.count, 4);
    ck_assert_ptr_nonnull(table.records[1].problem);
    ck_assert_str_eq(fovea_csv_field(&table, &table.records[1], 1), "2");
    ck_assert_ptr_nonnull(table.records[2].problem);
    ck_assert_str_eq(fovea_csv_field(&table, &table.records[2], 0), "3\"4");
    expect_record(&table, 3, 4, (const char *const[]){"6", "7", NULL});
    fovea_csv_clear(&table);
}
END_TEST

START_TEST(what_is_no_table) {
    struct fovea_csv table = parse("");
    ck_assert_uint_eq(table.count, 0);
    fovea_csv_clear(&table);
    struct fv_error error;
    static const char open[] = "a,b\nc,\"d\ne\n", wide[] = "a\0,\0";
    check_failure(fovea_csv_parse("t.csv", (const uint8_t *)open, strlen(open), &table, &error), &error,
                  FV_ERROR_FORMAT, "t.csv, line 2");
    check_failure(fovea_csv_parse("t.csv", (const uint8_t *)wide, sizeof wide, &table, &error), &error, FV_ERROR_FORMAT,
                  "UTF-16");
    for (long successes = 0; successes < 3; successes++) {
        fv_memory_fail_after(successes);
        enum fv_status status = fovea_csv_parse("t.csv", (const uint8_t *)"a,b", 3, &table, &error);
        fv_memory_fail_after(-1);
        check_failure(status, &error, FV_ERROR_MEMORY, "t.csv");
    }
}
END_TEST

int main(void) {
    const struct check_case cases[] = {
        {"line ends", every_line_end_and_a_byte_order_mark, 3},
        {"quotes", quoted_fields, 0},
        {"separators", separators, 3},
        {"malformed", malformed_records_say_so, 0},
        {"no table", what_is_no_table, 0},
    };
    return check_run("csv", cases, sizeof cases / sizeof cases[0]);
}
