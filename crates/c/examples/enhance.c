/* A video made larger: Y4M in, Y4M out.
 *
 *     enhance MODEL THREADS <small.y4m >large.y4m
 *
 * How to build it: docs/c-interface.md. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nervure.h"

static void fail(const char *words)
{
    fprintf(stderr, "enhance: %s\n", words);
    exit(2);
}

static void must(nervure_status status)
{
    if (status < 0)
        fail(nervure_last_error());
}

/* Planes one after the other, without gaps, as Y4M has them: how many bytes. */
static size_t lay_out(size_t w, size_t h, unsigned chroma, size_t sample, size_t at[3], size_t stride[3])
{
    size_t end = 0;
    for (int plane = 0; plane < 3; plane++) {
        int halved = plane > 0 && chroma != 444, lower = plane > 0 && chroma == 420;
        at[plane] = end;
        stride[plane] = (halved ? (w + 1) / 2 : w) * sample;
        end += stride[plane] * (lower ? (h + 1) / 2 : h);
    }
    return end;
}

int main(int count, char **words)
{
    char line[1024], other[1024] = "";
    unsigned w = 0, h = 0, chroma = 420, depth = 8, threads = count > 2 ? atoi(words[2]) : 0;
    nervure_model *model;
    nervure_context *context;

    if (count < 2 || nervure_abi_version() != NERVURE_ABI_VERSION)
        fail("usage: enhance MODEL [THREADS] <small.y4m >large.y4m");
    if (!fgets(line, sizeof line, stdin) || strncmp(line, "YUV4MPEG2", 9) != 0)
        fail("no Y4M on standard input");
    strtok(line, " \n");
    for (char *part; (part = strtok(NULL, " \n")) != NULL;) {
        if (*part == 'W')
            w = atoi(part + 1);
        else if (*part == 'H')
            h = atoi(part + 1);
        else
            strcat(strcat(other, " "), part);
        if (*part == 'C') {
            chroma = atoi(part + 1);
            depth = strstr(part, "p10") ? 10 : 8;
        }
    }

    must(nervure_model_open(words[1], &model));
    must(nervure_context_new(model, w, h, chroma, depth, threads, &context));
    unsigned wide = nervure_context_width(context), high = nervure_context_height(context);
    size_t sample = depth > 8 ? 2 : 1, from[3], to[3];
    nervure_source source;
    nervure_target target;
    size_t small = lay_out(w, h, chroma, sample, from, source.strides);
    size_t large = lay_out(wide, high, chroma, sample, to, target.strides);
    unsigned char *in = malloc(small), *out = malloc(large);
    if (!in || !out)
        fail("no memory");
    for (int plane = 0; plane < 3; plane++) {
        source.planes[plane] = in + from[plane];
        target.planes[plane] = out + to[plane];
    }

    printf("YUV4MPEG2 W%u H%u%s\n", wide, high, other);
    int64_t number = 0, pts;
    for (nervure_status status = NERVURE_STATUS_NEED_MORE; status != NERVURE_STATUS_END;) {
        if (status == NERVURE_STATUS_NEED_MORE) {
            if (fgets(line, sizeof line, stdin) && fread(in, small, 1, stdin) == 1)
                must(nervure_push(context, &source, number++));
            else
                must(nervure_flush(context));
        }
        must(status = nervure_pull(context, &target, &pts));
        if (status == NERVURE_STATUS_OK)
            printf("FRAME\n"), fwrite(out, large, 1, stdout);
    }
    fprintf(stderr, "%lld pictures by %s\n", (long long)number, nervure_model_name(model));
    nervure_context_free(context);
    nervure_model_free(model);
    free(in), free(out);
    return fflush(stdout) || ferror(stdout) ? 2 : 0;
}
