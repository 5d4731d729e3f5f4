/*
 * nervure: video made larger by small networks, in real time, on the processor.
 *
 *     nervure_model_open -> nervure_context_new
 *     for each picture: nervure_push, then nervure_pull until NERVURE_STATUS_NEED_MORE
 *     nervure_flush, then nervure_pull until NERVURE_STATUS_END
 *     nervure_context_free, nervure_model_free
 *
 * Pointers are NULL, which gives an error and never a crash unless a function says what NULL means, or
 * point to what a function asks for: live handles of this library, strings that end with a zero, planes
 * with as many rows as the format has, each as long as the stride says (of the last, the samples are
 * enough). What a call reads or writes must not be changed by others while it runs. It keeps no pointer
 * of the caller's when it returns.
 *
 * Models may be used by any threads at once. A context may go from thread to thread, and is used by one
 * at a time. It has threads of its own, which sleep between calls; after fork(), a child must not use
 * handles of its parent.
 *
 * Pictures do not depend on the number of threads, nor on what instructions the processor has.
 *
 * Made by `cargo xtask header` from crates/c/src/border.rs.
 */


#ifndef NERVURE_H
#define NERVURE_H

#include <stddef.h>
#include <stdint.h>

/**
 * Version of this interface. It grows by one when something changes that was there before; what is
 * only added does not change it.
 */
#define NERVURE_ABI_VERSION 1

/**
 * What a call came to. Errors are negative, and `nervure_last_error` has words for them.
 */
typedef enum nervure_status {
    /**
     * Done.
     */
    NERVURE_STATUS_OK = 0,
    /**
     * There is no picture yet: push the next one.
     */
    NERVURE_STATUS_NEED_MORE = 1,
    /**
     * There is no picture any more: all of them were pulled after `nervure_flush`.
     */
    NERVURE_STATUS_END = 2,
    /**
     * An argument that cannot be: a null or misaligned pointer, a stride shorter than a row, a size or
     * a depth that there is not. Nothing was done, and the context is as it was.
     */
    NERVURE_STATUS_ARGUMENT = -1,
    /**
     * A call out of its turn: a push before the last picture was pulled, or after `nervure_flush`.
     * Nothing was done, and the context is as it was.
     */
    NERVURE_STATUS_ORDER = -2,
    /**
     * The file cannot be read.
     */
    NERVURE_STATUS_FILE = -3,
    /**
     * No model, or none that runs in real time.
     */
    NERVURE_STATUS_MODEL = -4,
    /**
     * The system gives no threads.
     */
    NERVURE_STATUS_THREADS = -5,
    /**
     * A bug of this library. The context gives this for every call from now on; free it.
     */
    NERVURE_STATUS_BUG = -6,
} nervure_status;

/**
 * Pictures of one format on their way through a model.
 */
typedef struct nervure_context nervure_context;

/**
 * A model, ready to run. Never changed, so that threads may share it.
 */
typedef struct nervure_model nervure_model;

/**
 * Where the samples of a picture lie, to read: luma, then the two of chroma, from the top row to the
 * bottom. Samples of 8 bits are bytes; samples of 10 bits are the low bits of a `uint16_t`, and what is
 * above 1023 counts as 1023. Chroma planes round up: 3 samples for 5 pixels in 4:2:0.
 */
typedef struct nervure_source {
    /**
     * The first sample of each plane.
     */
    const void *planes[3];
    /**
     * Bytes from each row of a plane to the next.
     */
    size_t strides[3];
} nervure_source;

/**
 * Where the samples of a picture go. Laid out as `nervure_source`; bytes between the end of a row and
 * the next are left as they are.
 */
typedef struct nervure_target {
    /**
     * The first sample of each plane.
     */
    void *planes[3];
    /**
     * Bytes from each row of a plane to the next.
     */
    size_t strides[3];
} nervure_target;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * `NERVURE_ABI_VERSION` of the library that is loaded: a program that finds another than it was
 * compiled with must not go on.
 */
uint32_t nervure_abi_version(void);

/**
 * The library's version, such as "0.1.0".
 */
const char *nervure_version(void);

/**
 * What went wrong in the last call of this thread that gave an error: one line, never NULL, and valid
 * until the next such call of this thread.
 */
const char *nervure_last_error(void);

/**
 * Opens a model that lies in a file. On success `*model` is to be freed with `nervure_model_free`;
 * otherwise it is NULL.
 */
enum nervure_status nervure_model_open(const char *path, struct nervure_model **model);

/**
 * Opens a model that lies in memory, which may be freed afterwards. On success `*model` is to be freed
 * with `nervure_model_free`; otherwise it is NULL.
 */
enum nervure_status nervure_model_from_memory(const void *bytes,
                                              size_t length,
                                              struct nervure_model **model);

/**
 * Frees a model; NULL is left alone. Contexts that were made with it go on.
 */
void nervure_model_free(struct nervure_model *model);

/**
 * What people call it, such as "residual-espcn-x2-m"; as long as the model is. NULL for NULL.
 */
const char *nervure_model_name(const struct nervure_model *model);

/**
 * What kind of network it is, such as "residual-espcn"; as long as the model is. NULL for NULL.
 */
const char *nervure_model_family(const struct nervure_model *model);

/**
 * The instructions that it will run with, such as "avx512"; as long as the model is. NULL for NULL.
 */
const char *nervure_model_isa(const struct nervure_model *model);

/**
 * How many times as wide and as high pictures become. 0 for NULL.
 */
uint32_t nervure_model_scale(const struct nervure_model *model);

/**
 * What it costs: multiplications for each pixel that goes in. 0 for NULL.
 */
uint64_t nervure_model_macs(const struct nervure_model *model);

/**
 * Makes a context: it takes pictures of one format, and gives them enlarged by the model. `width` and
 * `height` are 1 to 16384; `chroma` is 420, 422 or 444; `depth` is 8 or 10 bits; `threads` is at most
 * 256, and 0 for one a core. The picture does not depend on it. On success `*context` is to be freed
 * with `nervure_context_free`; otherwise it is NULL. The model may be freed before it.
 */
enum nervure_status nervure_context_new(const struct nervure_model *model,
                                        uint32_t width,
                                        uint32_t height,
                                        uint32_t chroma,
                                        uint32_t depth,
                                        uint32_t threads,
                                        struct nervure_context **context);

/**
 * Frees a context and the pictures in it; NULL is left alone.
 */
void nervure_context_free(struct nervure_context *context);

/**
 * Luma samples in a row of what comes out. 0 for NULL.
 */
uint32_t nervure_context_width(const struct nervure_context *context);

/**
 * Luma rows of what comes out. 0 for NULL.
 */
uint32_t nervure_context_height(const struct nervure_context *context);

/**
 * Says where chroma samples sit in the pictures that follow, as chroma_sample_loc_type of H.264 and
 * HEVC counts: 0 left (which is taken when nothing is said, or -1), 1 centre, 2 top left, 3 top, 4
 * bottom left, 5 bottom. (Of FFmpeg's AVChromaLocation that is one less.)
 */
enum nervure_status nervure_context_set_siting(struct nervure_context *context, int32_t siting);

/**
 * Gives a context the next picture, whose samples it copies before it returns. `pts` is whatever the
 * caller wants to know the picture by: it comes out with it, unchanged. To be followed by
 * `nervure_pull` until that gives `NERVURE_STATUS_NEED_MORE`.
 */
enum nervure_status nervure_push(struct nervure_context *context,
                                 const struct nervure_source *source,
                                 int64_t pts);

/**
 * Takes the next picture in display order: copies its samples to `target`, and to `*pts` what it was
 * pushed with (`pts` may be NULL). `NERVURE_STATUS_NEED_MORE` and `NERVURE_STATUS_END` say that there was none, and
 * leave both as they are. A picture that could not be copied is still the next.
 */
enum nervure_status nervure_pull(struct nervure_context *context,
                                 const struct nervure_target *target,
                                 int64_t *pts);

/**
 * Says that no picture follows: `nervure_pull` gives what is left, then `NERVURE_STATUS_END`.
 */
enum nervure_status nervure_flush(struct nervure_context *context);

/**
 * Forgets every picture, and a flush: for seeking, and for the next video of this format.
 */
enum nervure_status nervure_reset(struct nervure_context *context);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* NERVURE_H */
