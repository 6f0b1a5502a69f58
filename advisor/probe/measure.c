/* How fast this processor multiplies, by data type, and reads memory. Printed as "NAME VALUE" a line: operations/s
 * (a multiplication and an addition count two) and bytes/s over all threads. Compiled and run by measure.py with
 * -O3 -march=native; a data type that the compiler's target lacks is left out. argv: threads, MiB a thread. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define CHAINS 10 /* independent accumulators: enough to hide the latency of one product */
#define SECONDS 0.15

static double clock_s(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}

/* Products are timed by the processor's time of the thread, so that other programs do not slow them down. */
#define busy() clock_s(CLOCK_THREAD_CPUTIME_ID)

#if defined(__AVX512F__)
typedef float vec __attribute__((vector_size(64)));
#elif defined(__AVX__)
typedef float vec __attribute__((vector_size(32)));
#else
typedef float vec __attribute__((vector_size(16)));
#endif

/* KEEP makes the compiler believe that a value is used, so that no chain is dropped. */
#if defined(__x86_64__)
#define KEEP(x) __asm__ volatile("" : "+x"(x))
#elif defined(__aarch64__)
#define KEEP(x) __asm__ volatile("" : "+w"(x))
#else
#define KEEP(x) __asm__ volatile("" : "+m"(x))
#endif

/* Ten named accumulators, because an array would live in memory. STEP names the accumulator `a`. */
#define ONE(a, step) { step; KEEP(a); }
#define BENCH(name, type, init, STEP, ops)                          \
    static double name(void) {                                      \
        type b = init, c = init;                                    \
        type a0 = b, a1 = b, a2 = b, a3 = b, a4 = b, a5 = b, a6 = b, a7 = b, a8 = b, a9 = b; \
        double start = busy(), end = start, count = 0;              \
        while (end - start < SECONDS) {                             \
            for (int n = 0; n < 2000; n++) {                        \
                ONE(a0, STEP(a0)) ONE(a1, STEP(a1)) ONE(a2, STEP(a2)) ONE(a3, STEP(a3)) ONE(a4, STEP(a4)) \
                ONE(a5, STEP(a5)) ONE(a6, STEP(a6)) ONE(a7, STEP(a7)) ONE(a8, STEP(a8)) ONE(a9, STEP(a9)) \
            }                                                       \
            count += 2000.0 * CHAINS * (ops);                       \
            end = busy();                                           \
        }                                                           \
        (void)c;                                                    \
        return count / (end - start);                               \
    }

#define STEP_FP32(a) a = a * b + c
BENCH(rate_fp32, vec, ((vec){0} + 0.5f), STEP_FP32, 2.0 * sizeof(vec) / sizeof(float))

#if defined(__AVX512BF16__)
#define HAS_BF16
#define STEP_BF16(a) a = _mm512_dpbf16_ps(a, (__m512bh)b, (__m512bh)c)
BENCH(rate_bf16, __m512, _mm512_set1_ps(0.5f), STEP_BF16, 64.0)
#elif defined(__ARM_FEATURE_BF16_VECTOR_ARITHMETIC)
#define HAS_BF16
#define STEP_BF16(a) a = vbfmmlaq_f32(a, vreinterpretq_bf16_f32(b), vreinterpretq_bf16_f32(c))
BENCH(rate_bf16, float32x4_t, vdupq_n_f32(0.5f), STEP_BF16, 32.0)
#endif

#if defined(__AVX512VNNI__)
#define HAS_INT8
#define STEP_INT8(a) a = _mm512_dpbusd_epi32(a, b, c)
BENCH(rate_int8, __m512i, _mm512_set1_epi8(1), STEP_INT8, 128.0)
#elif defined(__AVXVNNI__)
#define HAS_INT8
#define STEP_INT8(a) a = _mm256_dpbusd_avx_epi32(a, b, c)
BENCH(rate_int8, __m256i, _mm256_set1_epi8(1), STEP_INT8, 64.0)
#elif defined(__AVX2__)
#define HAS_INT8 /* three instructions instead of one */
#define STEP_INT8(a) __m256i pairs = _mm256_maddubs_epi16(b, c); KEEP(pairs); a = _mm256_add_epi32(a, _mm256_madd_epi16(pairs, b))
BENCH(rate_int8, __m256i, _mm256_set1_epi8(1), STEP_INT8, 64.0)
#elif defined(__ARM_FEATURE_DOTPROD)
#define HAS_INT8
#define STEP_INT8(a) a = vdotq_s32(a, vreinterpretq_s8_s32(b), vreinterpretq_s8_s32(c))
BENCH(rate_int8, int32x4_t, vdupq_n_s32(0x01010101), STEP_INT8, 32.0)
#endif

#if defined(__AVX512FP16__)
#define HAS_FP16
#define STEP_FP16(a) a = _mm512_fmadd_ph(b, c, a)
BENCH(rate_fp16, __m512h, _mm512_set1_ph(0.5f), STEP_FP16, 64.0)
#elif defined(__ARM_FEATURE_FP16_VECTOR_ARITHMETIC)
#define HAS_FP16
#define STEP_FP16(a) a = vfmaq_f16(a, b, c)
BENCH(rate_fp16, float16x8_t, vdupq_n_f16(0.5f), STEP_FP16, 16.0)
#endif

#if defined(__AMX_TILE__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#define HAS_AMX
static int tiles(void) { /* the kernel has to allow the tile registers, thread by thread inherits */
    return syscall(SYS_arch_prctl, 0x1023, 18) == 0;
}
static void configure(void) {
    struct { uint8_t palette, row, pad[14]; uint16_t bytes[16]; uint8_t rows[16]; } c;
    memset(&c, 0, sizeof c);
    c.palette = 1;
    for (int i = 0; i < 8; i++) c.bytes[i] = 64, c.rows[i] = 16;
    _tile_loadconfig(&c);
    _tile_zero(0); _tile_zero(1); _tile_zero(2); _tile_zero(3); _tile_zero(4); _tile_zero(5); _tile_zero(6); _tile_zero(7);
}
#define TILES(name, op)                                             \
    static double name(void) {                                      \
        configure();                                                \
        double start = busy(), end = start, count = 0;               \
        while (end - start < SECONDS) {                             \
            for (int n = 0; n < 500; n++) { op(0, 4, 5); op(1, 4, 6); op(2, 7, 5); op(3, 7, 6); } \
            count += 2000.0 * AMX_OPS;                              \
            end = busy();                                           \
        }                                                           \
        _tile_release();                                            \
        return count / (end - start);                               \
    }
#if defined(__AMX_BF16__)
#define AMX_OPS (16.0 * 16 * 32 * 2)
TILES(rate_amx_bf16, _tile_dpbf16ps)
#undef AMX_OPS
#endif
#if defined(__AMX_INT8__)
#define AMX_OPS (16.0 * 16 * 64 * 2)
TILES(rate_amx_int8, _tile_dpbssd)
#undef AMX_OPS
#endif
#endif

static size_t bytes_a_thread;

static double rate_read(void) {
    vec *data = aligned_alloc(64, bytes_a_thread), sum[4];
    if (!data) return 0;
    memset(data, 1, bytes_a_thread); /* untouched pages would all be the same page of zeros */
    memset(sum, 0, sizeof sum);
    double best = 0;
    for (int pass = 0; pass < 6; pass++) {
        double start = clock_s(CLOCK_MONOTONIC);
        for (size_t i = 0; i + 4 <= bytes_a_thread / sizeof(vec); i += 4)
            for (int j = 0; j < 4; j++) sum[j] += data[i + j];
        for (int j = 0; j < 4; j++) KEEP(sum[j]);
        double rate = bytes_a_thread / (clock_s(CLOCK_MONOTONIC) - start);
        if (pass && rate > best) best = rate; /* the first pass warms up */
    }
    free(data);
    return best;
}

struct job { double (*work)(void); double rate; };

static void *start(void *given) {
    struct job *job = given;
    job->rate = job->work();
    return NULL;
}

static void report(const char *name, double (*work)(void), int threads) {
    pthread_t *ids = calloc(threads, sizeof *ids);
    struct job *jobs = calloc(threads, sizeof *jobs);
    double total = 0;
    for (int i = 0; i < threads; i++) {
        jobs[i].work = work;
        if (pthread_create(&ids[i], NULL, start, &jobs[i])) exit(1);
    }
    for (int i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
        total += jobs[i].rate;
    }
    printf("%s %.6e\n", name, total);
    free(ids);
    free(jobs);
}

int main(int count, char **words) {
    int threads = count > 1 ? atoi(words[1]) : 1;
    bytes_a_thread = (size_t)(count > 2 ? atoi(words[2]) : 64) << 20;
    report("read", rate_read, threads);
    report("fp32", rate_fp32, threads);
#ifdef HAS_FP16
    report("fp16", rate_fp16, threads);
#endif
#ifdef HAS_BF16
    report("bf16", rate_bf16, threads);
#endif
#ifdef HAS_INT8
    report("int8", rate_int8, threads);
#endif
#if defined(HAS_AMX)
    if (tiles()) {
#if defined(__AMX_BF16__)
        report("bf16", rate_amx_bf16, threads);
#endif
#if defined(__AMX_INT8__)
        report("int8", rate_amx_int8, threads);
#endif
    }
#endif
    return 0;
}
