/* What stands at the two ends of a measured stream. Either mode appends one line to REPORT:
 *     start end (seconds since 1970, of the first and behind the last byte), CPU seconds, bytes
 *
 *     load source BYTES REPORT     writes zeros to standard output
 *     load sink REPORT             reads standard input to its end
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static char piece[131072];

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static int report(const char *path, double start, double end, long long bytes) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double cpu = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    FILE *file = fopen(path, "a");
    if (!file) return 1;
    fprintf(file, "%.6f %.6f %.6f %lld\n", start, end, cpu, bytes);
    return fclose(file) != 0;
}

int main(int count, char **words) {
    if (count == 4 && !strcmp(words[1], "source")) {
        long long left = atoll(words[2]), all = left;
        double start = now();
        while (left > 0) {
            ssize_t written = write(1, piece, left < (long long)sizeof piece ? (size_t)left : sizeof piece);
            if (written <= 0) return 1;
            left -= written;
        }
        return report(words[3], start, now(), all);
    }
    if (count == 3 && !strcmp(words[1], "sink")) {
        long long all = 0;
        double start = 0;
        ssize_t got;
        while ((got = read(0, piece, sizeof piece)) > 0) {
            if (!all) start = now();
            all += got;
        }
        return report(words[2], start, now(), all);
    }
    fputs("usage: load source BYTES REPORT | load sink REPORT\n", stderr);
    return 2;
}
