/* Faults of the system below the program, for LD_PRELOAD. Each is chosen by an environment variable:

   FAULT_CLOCK   seconds that are added to the time of day; several, divided by commas, follow each
                 other every 20 ms, so that the clock jumps while the program runs
   FAULT_SPEED   how many times faster the other clock runs, by which the program counts seconds
   FAULT_FLUSH   the error number that every fsync and fdatasync ends with
   FAULT_LOG     a file that gets a line for every fsync of a file that begins with "{"
   FAULT_KILL    "write:3" or "flush:3": the process dies (SIGKILL) at its third call of the kind, in the
                 middle of the write, or before the flush

   The real functions are called as system calls. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const long long BILLION = 1000000000;
static struct timespec start;

static void real_clock(clockid_t id, struct timespec *at) { syscall(SYS_clock_gettime, id, at); }

__attribute__((constructor)) static void begin(void) { real_clock(CLOCK_MONOTONIC, &start); }

static long long since_start_ns(void) {
    struct timespec now;
    real_clock(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - start.tv_sec) * BILLION + (now.tv_nsec - start.tv_nsec);
}

/* The offset of the time of day at this moment, in seconds. */
static long long offset_s(void) {
    const char *offsets = getenv("FAULT_CLOCK");
    if (offsets == NULL) return 0;
    int n = 1;
    for (const char *c = offsets; *c; c++) n += *c == ',';
    for (int skip = (since_start_ns() / 20000000) % n; skip > 0; skip--) offsets = strchr(offsets, ',') + 1;
    return atoll(offsets);
}

int clock_gettime(clockid_t id, struct timespec *at) {
    if (syscall(SYS_clock_gettime, id, at) != 0) return -1;
    const char *speed = getenv("FAULT_SPEED");
    if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE) {
        at->tv_sec += offset_s();
    } else if (id == CLOCK_MONOTONIC && speed != NULL) {
        long long ns = start.tv_nsec + since_start_ns() * atoll(speed);
        at->tv_sec = start.tv_sec + ns / BILLION;
        at->tv_nsec = ns % BILLION;
    }
    return 0;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at != NULL) *at = now.tv_sec;
    return now.tv_sec;
}

/* Whether this is the call at which the process has to die. */
static int is_last(const char *kind, atomic_int *calls) {
    const char *last = getenv("FAULT_KILL");
    size_t length = strlen(kind);
    if (last == NULL || strncmp(last, kind, length) != 0 || last[length] != ':') return 0;
    return atomic_fetch_add(calls, 1) + 1 == atoi(last + length + 1);
}

static void die(void) {
    syscall(SYS_kill, getpid(), SIGKILL);
    for (;;) pause();
}

ssize_t write(int file, const void *bytes, size_t n) {
    static atomic_int calls;
    struct stat about;
    /* Records and tables; not what is printed, nor what wakes a thread. */
    if (file > 2 && n > 200 && getenv("FAULT_KILL") != NULL && fstat(file, &about) == 0 && S_ISREG(about.st_mode)
        && is_last("write", &calls)) {
        syscall(SYS_write, file, bytes, n / 2);
        die();
    }
    return syscall(SYS_write, file, bytes, n);
}

static void log_flush(int file) {
    const char *log = getenv("FAULT_LOG");
    char place[64], name[4096], first = 0;
    struct stat about;
    if (log == NULL || fstat(file, &about) != 0 || !S_ISREG(about.st_mode)) return;
    snprintf(place, sizeof place, "/proc/self/fd/%d", file);
    ssize_t length = readlink(place, name, sizeof name - 2);
    if (length < 0) return;
    /* By its name: the descriptor may be open for writing only. */
    int again = open(place, O_RDONLY | O_CLOEXEC);
    if (again >= 0) {
        if (pread(again, &first, 1, 0) != 1) first = 0;
        close(again);
    }
    if (first != '{') return;
    name[length] = '\n';
    int lines = open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (lines >= 0) {
        syscall(SYS_write, lines, name, length + 1);
        close(lines);
    }
}

static int flush(int file, long call) {
    static atomic_int calls;
    const char *refusal = getenv("FAULT_FLUSH");
    if (is_last("flush", &calls)) die();
    log_flush(file);
    if (refusal != NULL) {
        errno = atoi(refusal);
        return -1;
    }
    return syscall(call, file);
}

int fsync(int file) { return flush(file, SYS_fsync); }
int fdatasync(int file) { return flush(file, SYS_fdatasync); }
