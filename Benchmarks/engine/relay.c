/* A long link on one machine: carries each connection to PORT of loopback and delivers every byte half of the round trip
 * later. It reads at once whatever comes, up to 256 MiB for each direction, so that only the ends' own windows limit.
 *
 *     relay PORT ROUND_TRIP_MS     prints the port it listens on
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PIECE = 256 * 1024, LIMIT = 256 << 20 };

struct piece {
    struct piece *next;
    struct timespec due;
    size_t count;
    char bytes[];
};

/* One direction of a connection: one thread fills it, one empties it. */
struct direction {
    int from, to;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct piece *first, **last;
    size_t held;
    int ended;
    pthread_t filler;
};

static long delay_ns;
static in_port_t target;

static void *fill(void *context) {
    struct direction *self = context;
    char *buffer = malloc(PIECE);
    ssize_t count = 0;
    do {
        count = buffer ? read(self->from, buffer, PIECE) : 0;
        struct piece *piece = malloc(sizeof *piece + (count > 0 ? (size_t)count : 0));
        if (!piece) abort();
        piece->next = NULL;
        piece->count = count > 0 ? (size_t)count : 0;
        if (count > 0) memcpy(piece->bytes, buffer, piece->count);
        clock_gettime(CLOCK_MONOTONIC, &piece->due);
        piece->due.tv_nsec += delay_ns;
        piece->due.tv_sec += piece->due.tv_nsec / 1000000000;
        piece->due.tv_nsec %= 1000000000;
        pthread_mutex_lock(&self->lock);
        while (self->held > LIMIT && !self->ended) pthread_cond_wait(&self->changed, &self->lock);
        *self->last = piece;
        self->last = &piece->next;
        self->held += piece->count;
        pthread_cond_signal(&self->changed);
        pthread_mutex_unlock(&self->lock);
    } while (count > 0);
    free(buffer);
    return NULL;
}

static void *empty(void *context) {
    struct direction *self = context;
    for (int open = 1; open;) {
        pthread_mutex_lock(&self->lock);
        while (!self->first) pthread_cond_wait(&self->changed, &self->lock);
        struct piece *piece = self->first;
        self->first = piece->next;
        if (!self->first) self->last = &self->first;
        self->held -= piece->count;
        pthread_cond_signal(&self->changed);
        pthread_mutex_unlock(&self->lock);
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &piece->due, NULL)) {}
        /* A piece of nothing is the end. */
        if (!piece->count) {
            shutdown(self->to, SHUT_WR);
            open = 0;
        }
        for (size_t done = 0; done < piece->count;) {
            ssize_t written = write(self->to, piece->bytes + done, piece->count - done);
            if (written <= 0) {
                shutdown(self->from, SHUT_RDWR);
                open = 0;
                break;
            }
            done += (size_t)written;
        }
        free(piece);
    }
    pthread_mutex_lock(&self->lock);
    self->ended = 1;
    pthread_cond_signal(&self->changed);
    pthread_mutex_unlock(&self->lock);
    return NULL;
}

static void begin(struct direction *self, int from, int to) {
    memset(self, 0, sizeof *self);
    self->from = from;
    self->to = to;
    self->last = &self->first;
    pthread_mutex_init(&self->lock, NULL);
    pthread_cond_init(&self->changed, NULL);
    pthread_create(&self->filler, NULL, fill, self);
}

static void *carry(void *context) {
    int client = (int)(long)context, server = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = target, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (connect(server, (struct sockaddr *)&address, sizeof address) == 0) {
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct direction there, back;
        pthread_t emptier;
        begin(&there, client, server);
        begin(&back, server, client);
        pthread_create(&emptier, NULL, empty, &there);
        empty(&back);
        pthread_join(emptier, NULL);
        shutdown(client, SHUT_RDWR);
        shutdown(server, SHUT_RDWR);
        pthread_join(there.filler, NULL);
        pthread_join(back.filler, NULL);
        /* What was read after the end is dropped with the process; a benchmark has few connections. */
    }
    close(server);
    close(client);
    return NULL;
}

int main(int count, char **words) {
    if (count != 3) {
        fputs("usage: relay PORT ROUND_TRIP_MS\n", stderr);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    target = htons((in_port_t)atoi(words[1]));
    delay_ns = (long)(atof(words[2]) * 1e6 / 2);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    if (bind(listener, (struct sockaddr *)&address, length) || listen(listener, 128)
        || getsockname(listener, (struct sockaddr *)&address, &length)) {
        perror("relay");
        return 1;
    }
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;;) {
        int client = accept(listener, NULL, NULL);
        pthread_t thread;
        if (client < 0) continue;
        pthread_create(&thread, NULL, carry, (void *)(long)client);
        pthread_detach(thread);
    }
}
