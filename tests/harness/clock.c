/* A library to preload: it shifts a program's wall clock by the number of seconds in the file that
 * TEST_CLOCK names (8 bytes). The monotonic clock does not change, as when a machine's time is set.
 * In the thread whose name follows in the file (16 bytes) every clock fails.
 *
 * libfaketime does this too, but not for a program with its own allocator, such as Redis.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *shift;
static const char *broken;

static int is_broken(void) {
    char name[16];
    return broken && *(const volatile char *)broken && !prctl(PR_GET_NAME, name)
        && !strncmp(name, broken, sizeof name);
}

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("TEST_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *map = mmap(NULL, sizeof *shift + 16, PROT_READ, MAP_SHARED, file, 0);
    if (map == MAP_FAILED)
        abort();
    close(file);
    shift = map;
    broken = (const char *)(shift + 1);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    if (is_broken()) {
        errno = EINVAL;
        return -1;
    }
    int failed = (int)syscall(SYS_clock_gettime, clock, now);
    if (!failed && shift && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += *shift;
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    (void)zone;
    struct timespec precise;
    int failed = clock_gettime(CLOCK_REALTIME, &precise);
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return failed;
}

time_t time(time_t *now) {
    struct timespec precise;
    clock_gettime(CLOCK_REALTIME, &precise);
    if (now)
        *now = precise.tv_sec;
    return precise.tv_sec;
}
