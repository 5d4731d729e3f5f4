/* What the header promises, from C. Arguments: a model that makes pictures twice as large; the same file
 * damaged. Prints the first thing that is not so, and exits with 1. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nervure.h"

#define CHECK(what)                                                                           \
    do {                                                                                      \
        if (!(what)) {                                                                        \
            fprintf(stderr, "line %d: %s (%s)\n", __LINE__, #what, nervure_last_error());     \
            exit(1);                                                                          \
        }                                                                                     \
    } while (0)

/* Fails with this status, and its message has these words. */
#define FAILS(call, status, words)                                                            \
    CHECK((call) == (status) && strstr(nervure_last_error(), words) != NULL)

enum { W = 53, H = 31, CW = 27, CH = 16, MARGIN = 11, GUARD = 0xa5 };

static const void *unaligned(const void *at) { return (const char *)at + 1; }

static unsigned char *read_file(const char *path, size_t *length)
{
    FILE *file = fopen(path, "rb");
    unsigned char *bytes = malloc(1 << 20);
    CHECK(file != NULL && bytes != NULL);
    *length = fread(bytes, 1, 1 << 20, file);
    fclose(file);
    return bytes;
}

/* A picture with room behind each row, of samples of 1 or 2 bytes. */
struct picture {
    unsigned char *planes[3];
    size_t strides[3], rows[3], bytes[3];
};

static struct picture picture_new(size_t width, size_t height, size_t sample)
{
    struct picture made;
    int plane;
    for (plane = 0; plane < 3; plane++) {
        size_t row = (plane ? (width + 1) / 2 : width) * sample;
        size_t rows = plane ? (height + 1) / 2 : height;
        made.bytes[plane] = row;
        made.rows[plane] = rows;
        made.strides[plane] = row + MARGIN * sample;
        made.planes[plane] = malloc(made.strides[plane] * rows);
        CHECK(made.planes[plane] != NULL);
        memset(made.planes[plane], GUARD, made.strides[plane] * rows);
    }
    return made;
}

static void picture_free(struct picture *it)
{
    int plane;
    for (plane = 0; plane < 3; plane++)
        free(it->planes[plane]);
}

static void picture_fill(struct picture *it, unsigned seed, size_t sample)
{
    int plane;
    size_t x, y;
    for (plane = 0; plane < 3; plane++)
        for (y = 0; y < it->rows[plane]; y++)
            for (x = 0; x < it->bytes[plane]; x++) {
                seed = seed * 1664525u + 1013904223u;
                /* Of 10 bits, the high byte is 0 to 3. */
                it->planes[plane][y * it->strides[plane] + x] =
                    sample == 2 && x % 2 ? seed >> 30 : seed >> 24;
            }
}

static nervure_source source_of(const struct picture *it)
{
    nervure_source made;
    int plane;
    for (plane = 0; plane < 3; plane++) {
        made.planes[plane] = it->planes[plane];
        made.strides[plane] = it->strides[plane];
    }
    return made;
}

static nervure_target target_of(const struct picture *it)
{
    nervure_target made;
    int plane;
    for (plane = 0; plane < 3; plane++) {
        made.planes[plane] = it->planes[plane];
        made.strides[plane] = it->strides[plane];
    }
    return made;
}

/* Rows are the same, and nothing was written behind them. */
static int same(const struct picture *a, const struct picture *b)
{
    int plane;
    size_t x, y;
    for (plane = 0; plane < 3; plane++)
        for (y = 0; y < a->rows[plane]; y++) {
            const unsigned char *one = a->planes[plane] + y * a->strides[plane];
            const unsigned char *two = b->planes[plane] + y * b->strides[plane];
            if (memcmp(one, two, a->bytes[plane]) != 0)
                return 0;
            for (x = a->bytes[plane]; x < a->strides[plane]; x++)
                if (one[x] != GUARD || two[x] != GUARD)
                    return 0;
        }
    return 1;
}

static void models(const char *path, const char *damaged)
{
    nervure_model *model = (nervure_model *)&model, *second;
    size_t length;
    unsigned char *bytes = read_file(path, &length);

    FAILS(nervure_model_open(NULL, &model), NERVURE_STATUS_ARGUMENT, "no path");
    CHECK(model == NULL);
    FAILS(nervure_model_open(path, NULL), NERVURE_STATUS_ARGUMENT, "no place");
    FAILS(nervure_model_open("no/such/file", &model), NERVURE_STATUS_FILE, "no/such/file");
    FAILS(nervure_model_open("/", &model), NERVURE_STATUS_FILE, "cannot read /");
    FAILS(nervure_model_open(damaged, &model), NERVURE_STATUS_MODEL, "cannot run the model");
    FAILS(nervure_model_from_memory(NULL, 9, &model), NERVURE_STATUS_ARGUMENT, "no bytes");
    FAILS(nervure_model_from_memory(bytes, (size_t)-1, &model), NERVURE_STATUS_ARGUMENT, "no bytes");
    FAILS(nervure_model_from_memory(bytes, 0, &model), NERVURE_STATUS_MODEL, "artefact");
    FAILS(nervure_model_from_memory(bytes, length - 1, &model), NERVURE_STATUS_MODEL, "artefact");
    CHECK(model == NULL);

    CHECK(nervure_model_open(path, &model) == NERVURE_STATUS_OK && model != NULL);
    CHECK(nervure_model_from_memory(bytes, length, &second) == NERVURE_STATUS_OK);
    free(bytes);
    CHECK(strncmp(nervure_model_name(model), "residual-espcn-x2-", 18) == 0);
    CHECK(strcmp(nervure_model_name(model), nervure_model_name(second)) == 0);
    CHECK(strcmp(nervure_model_family(model), "residual-espcn") == 0);
    CHECK(strlen(nervure_model_isa(model)) > 0);
    CHECK(nervure_model_scale(model) == 2);
    CHECK(nervure_model_macs(model) > 1000);
    nervure_model_free(second);
    nervure_model_free(model);

    CHECK(nervure_model_name(NULL) == NULL && nervure_model_family(NULL) == NULL);
    CHECK(nervure_model_isa(NULL) == NULL && nervure_model_scale(NULL) == 0);
    CHECK(nervure_model_macs(NULL) == 0);
    nervure_model_free(NULL);
}

static nervure_status make(const nervure_model *model, unsigned width, unsigned height,
                           unsigned chroma, unsigned depth, unsigned threads)
{
    nervure_context *context = (nervure_context *)&context;
    nervure_status status =
        nervure_context_new(model, width, height, chroma, depth, threads, &context);
    CHECK((status == NERVURE_STATUS_OK) == (context != NULL));
    nervure_context_free(context);
    return status;
}

static void contexts(const nervure_model *model)
{
    nervure_context *context;
    CHECK(make(model, W, H, 420, 8, 0) == NERVURE_STATUS_OK);
    CHECK(make(model, 1, 1, 444, 10, 256) == NERVURE_STATUS_OK);
    FAILS(make(NULL, W, H, 420, 8, 1), NERVURE_STATUS_ARGUMENT, "no model");
    FAILS(make(unaligned(model), W, H, 420, 8, 1), NERVURE_STATUS_ARGUMENT, "no model");
    FAILS(make(model, 0, H, 420, 8, 1), NERVURE_STATUS_ARGUMENT, "0x31");
    FAILS(make(model, W, 16385, 420, 8, 1), NERVURE_STATUS_ARGUMENT, "53x16385");
    FAILS(make(model, (unsigned)-1, H, 420, 8, 1), NERVURE_STATUS_ARGUMENT, "4294967295x31");
    FAILS(make(model, W, H, 400, 8, 1), NERVURE_STATUS_ARGUMENT, "chroma 400");
    FAILS(make(model, W, H, 420, 12, 1), NERVURE_STATUS_ARGUMENT, "12 bits");
    FAILS(make(model, W, H, 420, 8, 257), NERVURE_STATUS_ARGUMENT, "257 threads");
    FAILS(nervure_context_new(model, W, H, 420, 8, 1, NULL), NERVURE_STATUS_ARGUMENT, "no place");

    CHECK(nervure_context_new(model, W, H, 420, 8, 1, &context) == NERVURE_STATUS_OK);
    CHECK(nervure_context_width(context) == 2 * W && nervure_context_height(context) == 2 * H);
    CHECK(nervure_context_set_siting(context, -1) == NERVURE_STATUS_OK);
    CHECK(nervure_context_set_siting(context, 5) == NERVURE_STATUS_OK);
    FAILS(nervure_context_set_siting(context, 6), NERVURE_STATUS_ARGUMENT, "siting of 6");
    nervure_context_free(context);
    CHECK(nervure_context_width(NULL) == 0 && nervure_context_height(NULL) == 0);
    nervure_context_free(NULL);
}

/* Pictures, their order, and what is refused on the way. */
static void pictures(const char *path, unsigned depth)
{
    size_t sample = depth == 10 ? 2 : 1;
    struct picture small = picture_new(W, H, sample);
    struct picture large = picture_new(2 * W, 2 * H, sample);
    struct picture again = picture_new(2 * W, 2 * H, sample);
    nervure_source from = source_of(&small), wrong_from;
    nervure_target to = target_of(&large), wrong_to;
    nervure_model *model;
    nervure_context *context;
    int64_t pts = 77;
    int plane;

    picture_fill(&small, depth, sample);
    CHECK(nervure_model_open(path, &model) == NERVURE_STATUS_OK);
    CHECK(nervure_context_new(model, W, H, 420, depth, 2, &context) == NERVURE_STATUS_OK);
    nervure_model_free(model);

    CHECK(nervure_pull(context, &to, &pts) == NERVURE_STATUS_NEED_MORE && pts == 77);
    FAILS(nervure_push(NULL, &from, 0), NERVURE_STATUS_ARGUMENT, "no context");
    FAILS(nervure_push(context, NULL, 0), NERVURE_STATUS_ARGUMENT, "no picture");
    FAILS(nervure_push(context, unaligned(&from), 0), NERVURE_STATUS_ARGUMENT, "no picture");
    for (plane = 0; plane < 3; plane++) {
        wrong_from = from;
        wrong_from.planes[plane] = NULL;
        FAILS(nervure_push(context, &wrong_from, 0), NERVURE_STATUS_ARGUMENT, "is null");
        wrong_from = from;
        wrong_from.strides[plane] = small.bytes[plane] - sample;
        FAILS(nervure_push(context, &wrong_from, 0), NERVURE_STATUS_ARGUMENT, "a row has");
        wrong_from.strides[plane] = (size_t)-2;
        FAILS(nervure_push(context, &wrong_from, 0), NERVURE_STATUS_ARGUMENT, "so large");
        if (depth == 10) {
            wrong_from.strides[plane] = from.strides[plane] + 1;
            FAILS(nervure_push(context, &wrong_from, 0), NERVURE_STATUS_ARGUMENT, "not aligned");
            wrong_from = from;
            wrong_from.planes[plane] = unaligned(from.planes[plane]);
            FAILS(nervure_push(context, &wrong_from, 0), NERVURE_STATUS_ARGUMENT, "not aligned");
        }
    }
    CHECK(nervure_pull(context, &to, &pts) == NERVURE_STATUS_NEED_MORE);

    CHECK(nervure_push(context, &from, INT64_MIN) == NERVURE_STATUS_OK);
    FAILS(nervure_push(context, &from, 1), NERVURE_STATUS_ORDER, "before the last");
    for (plane = 0; plane < 3; plane++) {
        wrong_to = to;
        wrong_to.planes[plane] = NULL;
        FAILS(nervure_pull(context, &wrong_to, &pts), NERVURE_STATUS_ARGUMENT, "is null");
        wrong_to = to;
        wrong_to.strides[plane] = large.bytes[plane] - sample;
        FAILS(nervure_pull(context, &wrong_to, &pts), NERVURE_STATUS_ARGUMENT, "a row has");
    }
    FAILS(nervure_pull(NULL, &to, &pts), NERVURE_STATUS_ARGUMENT, "no context");
    FAILS(nervure_pull(context, NULL, &pts), NERVURE_STATUS_ARGUMENT, "no place");
    FAILS(nervure_pull(context, &to, (int64_t *)unaligned(&pts)), NERVURE_STATUS_ARGUMENT, "timestamp");
    CHECK(pts == 77);
    CHECK(nervure_pull(context, &to, &pts) == NERVURE_STATUS_OK && pts == INT64_MIN);
    CHECK(nervure_pull(context, &to, &pts) == NERVURE_STATUS_NEED_MORE && pts == INT64_MIN);

    /* Flushed with one that waits; the timestamp is not asked for. */
    CHECK(nervure_push(context, &from, INT64_MAX) == NERVURE_STATUS_OK);
    CHECK(nervure_flush(context) == NERVURE_STATUS_OK);
    CHECK(nervure_flush(context) == NERVURE_STATUS_OK);
    FAILS(nervure_push(context, &from, 1), NERVURE_STATUS_ORDER, "nervure_reset");
    wrong_to = target_of(&again);
    CHECK(nervure_pull(context, &wrong_to, NULL) == NERVURE_STATUS_OK);
    CHECK(same(&large, &again));
    CHECK(nervure_pull(context, &to, &pts) == NERVURE_STATUS_END);
    CHECK(nervure_pull(context, &to, &pts) == NERVURE_STATUS_END);

    /* Sought: what waits is gone, and it begins again. */
    CHECK(nervure_reset(context) == NERVURE_STATUS_OK);
    CHECK(nervure_pull(context, &to, &pts) == NERVURE_STATUS_NEED_MORE);
    CHECK(nervure_push(context, &from, 5) == NERVURE_STATUS_OK);
    CHECK(nervure_reset(context) == NERVURE_STATUS_OK);
    CHECK(nervure_pull(context, &to, &pts) == NERVURE_STATUS_NEED_MORE);
    picture_fill(&small, 99, sample);
    CHECK(nervure_push(context, &from, 6) == NERVURE_STATUS_OK);
    CHECK(nervure_pull(context, &wrong_to, &pts) == NERVURE_STATUS_OK && pts == 6);
    CHECK(!same(&large, &again));
    FAILS(nervure_reset(NULL), NERVURE_STATUS_ARGUMENT, "no context");
    FAILS(nervure_flush(NULL), NERVURE_STATUS_ARGUMENT, "no context");
    FAILS(nervure_context_set_siting(NULL, 0), NERVURE_STATUS_ARGUMENT, "no context");

    /* One that waits goes with its context. */
    CHECK(nervure_push(context, &from, 7) == NERVURE_STATUS_OK);
    nervure_context_free(context);
    picture_free(&small);
    picture_free(&large);
    picture_free(&again);
}

int main(int count, char **words)
{
    nervure_model *model;
    if (count != 3)
        return 2;
    CHECK(nervure_abi_version() == NERVURE_ABI_VERSION);
    CHECK(strlen(nervure_version()) >= 5);
    CHECK(strcmp(nervure_last_error(), "") == 0);
    models(words[1], words[2]);
    CHECK(nervure_model_open(words[1], &model) == NERVURE_STATUS_OK);
    contexts(model);
    nervure_model_free(model);
    pictures(words[1], 8);
    pictures(words[1], 10);
    puts("all as promised");
    return 0;
}
