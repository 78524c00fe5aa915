/*
 * Seats at a terminal, fast enough to measure the gateway and not themselves.
 *
 *   seats gateway PORT COOKIE COUNT    COUNT tabs with their WebSockets, over TLS and `copilot.term.v1`
 *   seats webtty PORT COUNT            COUNT viewers of `webtty.c`, over TLS as well
 *   seats terminal COMMAND...          one command on a PTY of this machine, such as plain `ssh -tt`
 *
 * Reads its orders from standard input, a line each, and answers each with a line:
 *
 *   attach SESSION          a seat at the session for each tab
 *   strokes COUNT PAUSE     types COUNT characters, PAUSE microseconds apart; answers the microseconds to each echo
 *   run MARK COMMAND        types COMMAND; when MARK has come to every seat: seconds until the first and the last seat
 *                           had it, bytes delivered, bytes skipped, CPU seconds of this program
 *   await MARK              waits until MARK has come to every seat
 *
 * Every seat at the gateway acknowledges as a page does: each 4 KiB, and each screen.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pty.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { ACKNOWLEDGE_EVERY = 4 * 1024, READ = 64 * 1024, BUFFER = 4 << 20, TAIL = 256, SECONDS = 300 };
enum { SNAP = 0x02, OUT = 0x03, SKIP = 0x05, STATE = 0x06, ERROR = 0x0B, ATTACH = 0x41, IN = 0x42, ACK = 0x43 };

struct seat {
    int fd;
    SSL *tls; /* NULL: a PTY */
    unsigned char *buffer;
    size_t used;
    uint64_t position, acknowledged, delivered, skipped, typed;
    char tail[TAIL * 2];
    size_t tail_used;
    int has_mark, is_seated, has_screen;
};

static const char *mark;
static size_t mark_length;
static struct seat *seats;
static int seat_count, epoll;
/* The peer's messages are a byte '0' and the bytes of the terminal. */
static int is_webtty;

static void die(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("seats: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static double own_cpu(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* What one read brought is looked through for the mark, with the end of what came before it. */
static void look(struct seat *seat, const unsigned char *bytes, size_t count) {
    if (seat->has_mark || mark_length == 0) return;
    size_t kept = count > TAIL ? TAIL : count;
    memcpy(seat->tail + seat->tail_used, bytes + count - kept, kept);
    if (memmem(seat->tail, seat->tail_used + kept, mark, mark_length)) seat->has_mark = 1;
    size_t total = seat->tail_used + kept, stay = total > TAIL ? TAIL : total;
    memmove(seat->tail, seat->tail + total - stay, stay);
    seat->tail_used = stay;
}

static void send_all(struct seat *seat, const unsigned char *bytes, size_t count) {
    while (count > 0) {
        ssize_t sent;
        if (seat->tls) {
            sent = SSL_write(seat->tls, bytes, (int)count);
        } else {
            sent = write(seat->fd, bytes, count);
        }
        if (sent <= 0) {
            struct pollfd waiting = {seat->fd, POLLOUT, 0};
            if (poll(&waiting, 1, SECONDS * 1000) <= 0) die("nothing could be sent");
            continue;
        }
        bytes += sent;
        count -= (size_t)sent;
    }
}

static size_t put_varint(unsigned char *out, uint64_t value) {
    size_t count = 0;
    while (value >= 0x80) {
        out[count++] = (unsigned char)(value | 0x80);
        value >>= 7;
    }
    out[count++] = (unsigned char)value;
    return count;
}

static size_t put_text(unsigned char *out, const char *text) {
    size_t length = strlen(text), head = put_varint(out, length);
    memcpy(out + head, text, length);
    return head + length;
}

/* A client masks its frames (RFC 6455 §5.3); the key zero leaves the payload as it is. */
static void send_message(struct seat *seat, const unsigned char *payload, size_t length) {
    unsigned char frame[4096] = {0x82};
    size_t head = 2;
    if (length + 8 > sizeof frame) die("a message is too long");
    if (length < 126) {
        frame[1] = (unsigned char)(0x80 | length);
    } else {
        frame[1] = 0x80 | 126;
        frame[2] = (unsigned char)(length >> 8);
        frame[3] = (unsigned char)length;
        head = 4;
    }
    memset(frame + head, 0, 4);
    memcpy(frame + head + 4, payload, length);
    send_all(seat, frame, head + 4 + length);
}

static void type(struct seat *seat, const char *text, size_t length) {
    if (!seat->tls) return send_all(seat, (const unsigned char *)text, length);
    unsigned char message[2048] = {IN, 1};
    size_t at = 2 + put_varint(message + 2, ++seat->typed);
    if (is_webtty) {
        message[0] = '0';
        at = 1;
    }
    if (at + length > sizeof message) die("a command is too long");
    memcpy(message + at, text, length);
    send_message(seat, message, at + length);
}

static const unsigned char *get_varint(const unsigned char *at, const unsigned char *end, uint64_t *value) {
    *value = 0;
    for (int shift = 0; at < end && shift < 64; shift += 7) {
        *value |= (uint64_t)(*at & 0x7F) << shift;
        if (*at++ < 0x80) break;
    }
    return at;
}

static void take_message(struct seat *seat, const unsigned char *at, size_t length) {
    const unsigned char *end = at + length;
    if (length < 2) return;
    int kind = *at++;
    if (is_webtty) {
        seat->delivered += length - 1;
        look(seat, at, length - 1);
        return;
    }
    uint64_t channel, offset, other;
    at = get_varint(at, end, &channel);
    if (kind == OUT) {
        at = get_varint(at, end, &offset);
        if (offset != seat->position) die("output at %llu instead of %llu", (unsigned long long)offset,
                                          (unsigned long long)seat->position);
        seat->position = offset + (uint64_t)(end - at);
        seat->delivered += (uint64_t)(end - at);
        look(seat, at, (size_t)(end - at));
    } else if (kind == SNAP) {
        at = get_varint(at, end, &seat->position);
        seat->acknowledged = seat->position;
        seat->has_screen = 1;
        at = get_varint(at, end, &offset);
        at = get_varint(at, end, &offset);
        if (mark_length > 0 && memmem(at, (size_t)(end - at), mark, mark_length)) seat->has_mark = 1;
    } else if (kind == SKIP) {
        at = get_varint(at, end, &offset);
        get_varint(at, end, &other);
        seat->skipped += other - offset;
    } else if (kind == STATE) {
        seat->is_seated = 1;
    } else if (kind == ERROR) {
        die("the copilot refused: %.*s", (int)(end - at), (const char *)at);
    }
}

static void acknowledge(struct seat *seat) {
    if (is_webtty || (!seat->has_screen && seat->position - seat->acknowledged < ACKNOWLEDGE_EVERY)) return;
    seat->has_screen = 0;
    unsigned char message[16] = {ACK, 1};
    seat->acknowledged = seat->position;
    send_message(seat, message, 2 + put_varint(message + 2, seat->position));
}

/* Whole WebSocket frames out of the buffer; what is left waits for more. */
static void take_frames(struct seat *seat) {
    unsigned char *at = seat->buffer, *end = at + seat->used;
    while (end - at >= 2) {
        size_t length = at[1] & 0x7F, head = 2;
        if (length == 126) {
            if (end - at < 4) break;
            length = (size_t)at[2] << 8 | at[3];
            head = 4;
        } else if (length == 127) {
            if (end - at < 10) break;
            length = 0;
            for (int index = 2; index < 10; index++) length = length << 8 | at[index];
            head = 10;
        }
        if (length > BUFFER - 16) die("a frame is too long");
        if ((size_t)(end - at) < head + length) break;
        int opcode = at[0] & 0x0F;
        if (opcode == 2) take_message(seat, at + head, length);
        if (opcode == 8) die("the copilot closed a seat");
        if (opcode == 9) {
            unsigned char pong[6] = {0x8A, 0x80};
            send_all(seat, pong, sizeof pong);
        }
        at += head + length;
    }
    seat->used = (size_t)(end - at);
    memmove(seat->buffer, at, seat->used);
}

/* Takes what is there, a read at a time so that acknowledgements keep pace. */
static void receive(struct seat *seat) {
    for (;;) {
        ssize_t got;
        size_t room = BUFFER - seat->used;
        if (seat->tls) {
            got = SSL_read(seat->tls, seat->buffer + seat->used, (int)(room > READ ? READ : room));
            if (got <= 0) {
                if (SSL_get_error(seat->tls, (int)got) == SSL_ERROR_WANT_READ) return;
                die("the connection ended");
            }
            seat->used += (size_t)got;
            take_frames(seat);
            acknowledge(seat);
        } else {
            got = read(seat->fd, seat->buffer, READ);
            if (got <= 0) {
                if (got < 0 && errno == EAGAIN) return;
                die("the command ended");
            }
            seat->delivered += (uint64_t)got;
            look(seat, seat->buffer, (size_t)got);
        }
    }
}

static void expect(const char *text) {
    mark = text;
    mark_length = strlen(text);
    for (int index = 0; index < seat_count; index++) {
        seats[index].has_mark = 0;
        seats[index].tail_used = 0;
    }
}

/* Until every seat has the mark; gives the time at which the first one had it. */
static double wait_for_mark(void) {
    double first = 0, deadline = now() + SECONDS;
    for (;;) {
        int missing = 0;
        for (int index = 0; index < seat_count; index++) missing += !seats[index].has_mark;
        if (missing < seat_count && first == 0) first = now();
        if (missing == 0) return first;
        struct epoll_event events[64];
        int count = epoll_wait(epoll, events, 64, 60000);
        if (count <= 0 || now() > deadline) die("%d seats never saw %s", missing, mark);
        for (int index = 0; index < count; index++) receive(events[index].data.ptr);
    }
}

/* What is typed before the seat is known to be taken would be lost. */
static void wait_for_seats(void) {
    double deadline = now() + SECONDS;
    for (;;) {
        int missing = 0;
        for (int index = 0; index < seat_count; index++) missing += !seats[index].is_seated;
        if (missing == 0) return;
        struct epoll_event events[64];
        int count = epoll_wait(epoll, events, 64, 60000);
        if (count <= 0 || now() > deadline) die("%d seats were not taken", missing);
        for (int index = 0; index < count; index++) receive(events[index].data.ptr);
    }
}

static void watch(struct seat *seat, int fd) {
    seat->fd = fd;
    seat->buffer = malloc(BUFFER);
    if (!seat->buffer) die("no memory");
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = seat};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) die("epoll: %s", strerror(errno));
}

static void open_socket(struct seat *seat, SSL_CTX *context, const char *path, int port, const char *headers) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) die("connect: %s", strerror(errno));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    seat->tls = SSL_new(context);
    SSL_set_fd(seat->tls, fd);
    if (SSL_connect(seat->tls) != 1) die("TLS failed");
    char request[8192];
    int length = snprintf(
        request, sizeof request,
        "GET %s HTTP/1.1\r\nHost: localhost:%d\r\nOrigin: https://localhost:%d\r\n%s\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
        path, port, port, headers);
    SSL_write(seat->tls, request, length);
    char answer[8192];
    size_t used = 0;
    char *end = NULL;
    while (!end) {
        int got = SSL_read(seat->tls, answer + used, (int)(sizeof answer - 1 - used));
        if (got <= 0) die("no answer to the upgrade");
        used += (size_t)got;
        answer[used] = 0;
        end = strstr(answer, "\r\n\r\n");
    }
    if (strncmp(answer, "HTTP/1.1 101", 12) != 0) die("the upgrade was refused: %.40s", answer);
    watch(seat, fd);
    seat->used = used - (size_t)(end + 4 - answer);
    memcpy(seat->buffer, end + 4, seat->used);
}

static void open_seats(int count, const char *path, int port, const char *headers) {
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    seat_count = count;
    seats = calloc((size_t)count, sizeof *seats);
    for (int index = 0; index < count; index++) open_socket(&seats[index], context, path, port, headers);
    puts("ok");
    fflush(stdout);
}

static void attach(struct seat *seat, int number, const char *session) {
    unsigned char message[512] = {ATTACH, 1};
    char client[32];
    snprintf(client, sizeof client, "bench-%d-%d", getpid(), number);
    size_t at = 2 + put_text(message + 2, session);
    message[at++] = 0;
    message[at++] = 80;
    message[at++] = 24;
    at += put_text(message + at, client);
    at += put_text(message + at, "desktop");
    send_message(seat, message, at);
}

static void strokes(int count, int pause) {
    for (int index = 0; index < count; index++) {
        /* Long enough for every process on the way to fall asleep, as between a typist's keys. */
        usleep((useconds_t)pause);
        char letter[2] = {(char)('a' + index % 26), 0};
        expect(letter);
        double begin = now();
        type(&seats[0], letter, 1);
        wait_for_mark();
        printf("%s%.1f", index ? " " : "", (now() - begin) * 1e6);
    }
    putchar('\n');
}

static void run(const char *awaited, const char *command) {
    char line[1024];
    int length = snprintf(line, sizeof line, "%s\n", command);
    for (int index = 0; index < seat_count; index++) seats[index].delivered = seats[index].skipped = 0;
    expect(awaited);
    double begin = now(), used = own_cpu();
    type(&seats[0], line, (size_t)length);
    double first = wait_for_mark(), end = now();
    uint64_t delivered = 0, skipped = 0;
    for (int index = 0; index < seat_count; index++) {
        delivered += seats[index].delivered;
        skipped += seats[index].skipped;
    }
    printf("%.6f %.6f %llu %llu %.3f\n", first - begin, end - begin, (unsigned long long)delivered,
           (unsigned long long)skipped, own_cpu() - used);
}

int main(int count, char **arguments) {
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (count >= 3 && strcmp(arguments[1], "terminal") == 0) {
        seats = calloc(1, sizeof *seats);
        seat_count = 1;
        struct termios raw;
        memset(&raw, 0, sizeof raw);
        cfmakeraw(&raw);
        raw.c_cflag |= CS8 | CREAD;
        struct winsize size = {24, 80, 0, 0};
        int master;
        if (forkpty(&master, NULL, &raw, &size) == 0) {
            execvp(arguments[2], arguments + 2);
            _exit(127);
        }
        watch(&seats[0], master);
    } else if (count == 5 && strcmp(arguments[1], "gateway") == 0) {
        char headers[4096];
        snprintf(headers, sizeof headers, "Sec-WebSocket-Protocol: copilot.term.v1\r\nCookie: %s", arguments[3]);
        open_seats(atoi(arguments[4]), "/api/terminal", atoi(arguments[2]), headers);
    } else if (count == 4 && strcmp(arguments[1], "webtty") == 0) {
        is_webtty = 1;
        open_seats(atoi(arguments[3]), "/", atoi(arguments[2]), "Sec-WebSocket-Protocol: tty");
    } else {
        die("see the head of seats.c");
    }
    char line[2048], word[64];
    while (fgets(line, sizeof line, stdin)) {
        int number, pause, at;
        line[strcspn(line, "\n")] = 0;
        if (sscanf(line, "strokes %d %d", &number, &pause) == 2) {
            strokes(number, pause);
        } else if (sscanf(line, "run %63s %n", word, &at) == 1) {
            run(word, line + at);
        } else if (sscanf(line, "attach %63s", word) == 1) {
            for (int index = 0; index < seat_count; index++) attach(&seats[index], index, word);
            wait_for_seats();
            puts("ok");
        } else if (sscanf(line, "await %63s", word) == 1) {
            expect(word);
            wait_for_mark();
            puts("ok");
        } else {
            die("what is “%s”?", line);
        }
        fflush(stdout);
    }
    return 0;
}
