/*
 * A terminal on the web as small programs make it: one command on a PTY, and everybody who opens the page sees it and
 * types into it. libwebsockets over TLS; nobody is asked who he is, nothing is recorded. What the gateway is measured
 * beside.
 *
 *   webtty CERTIFICATE KEY COMMAND...    prints the port on 127.0.0.1 that it listens on
 *
 * A message begins with a byte '0' in both directions: output from here, input from there. Output is read when everybody
 * has had what was read before.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <libwebsockets.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { READ = 64 * 1024 };

struct viewer {
    struct viewer *next;
    struct lws *socket;
    int is_due; /* has still to be sent what stands in `output` */
};

static struct viewer *viewers;
static struct lws *terminal;
static int master;
/* libwebsockets writes the frame's head in front of the payload. */
static unsigned char output[LWS_PRE + 1 + READ];
static size_t output_length;
static int due, has_ended;

static int fill(void) {
    ssize_t got = read(master, output + LWS_PRE + 1, READ);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
    if (got <= 0) return -1;
    output[LWS_PRE] = '0';
    output_length = 1 + (size_t)got;
    for (struct viewer *viewer = viewers; viewer; viewer = viewer->next) {
        viewer->is_due = 1;
        due++;
        lws_callback_on_writable(viewer->socket);
    }
    if (due > 0) lws_rx_flow_control(terminal, 0);
    return 0;
}

static void sent(struct viewer *viewer) {
    if (!viewer->is_due) return;
    viewer->is_due = 0;
    if (--due == 0) lws_rx_flow_control(terminal, 1);
}

static void type(const unsigned char *bytes, size_t count) {
    while (count > 0) {
        ssize_t taken = write(master, bytes, count);
        if (taken < 0) {
            if (errno == EINTR || errno == EAGAIN) continue;
            return;
        }
        bytes += taken;
        count -= (size_t)taken;
    }
}

static int on_viewer(struct lws *socket, enum lws_callback_reasons reason, void *user, void *data, size_t length) {
    struct viewer *viewer = user;
    switch (reason) {
    case LWS_CALLBACK_ESTABLISHED:
        *viewer = (struct viewer){.next = viewers, .socket = socket};
        viewers = viewer;
        break;
    case LWS_CALLBACK_CLOSED:
        for (struct viewer **at = &viewers; *at; at = &(*at)->next)
            if (*at == viewer) {
                *at = viewer->next;
                break;
            }
        sent(viewer);
        break;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        if (!viewer->is_due) break;
        if (lws_write(socket, output + LWS_PRE, output_length, LWS_WRITE_BINARY) < (int)output_length) return -1;
        sent(viewer);
        break;
    case LWS_CALLBACK_RECEIVE:
        if (length > 1 && *(unsigned char *)data == '0') type((unsigned char *)data + 1, length - 1);
        break;
    default: break;
    }
    return 0;
}

static int on_terminal(struct lws *socket, enum lws_callback_reasons reason, void *user, void *data, size_t length) {
    (void)socket, (void)user, (void)data, (void)length;
    if (reason == LWS_CALLBACK_RAW_RX_FILE && fill() < 0) {
        has_ended = 1;
        return -1;
    }
    return 0;
}

static const struct lws_protocols protocols[] = {
    {"tty", on_viewer, sizeof(struct viewer), 4096, 0, NULL, 0},
    {"terminal", on_terminal, 0, 0, 0, NULL, 0},
    {NULL, NULL, 0, 0, 0, NULL, 0},
};

static int start(char **command) {
    struct termios raw = {.c_cflag = CS8 | CREAD};
    struct winsize size = {24, 80, 0, 0};
    cfmakeraw(&raw);
    pid_t child = forkpty(&master, NULL, &raw, &size);
    if (child == 0) {
        execvp(command[0], command);
        _exit(127);
    }
    return child < 0 ? -1 : 0;
}

int main(int count, char **arguments) {
    if (count < 4 || start(arguments + 3) < 0) {
        fputs("see the head of webtty.c\n", stderr);
        return 1;
    }
    lws_set_log_level(LLL_ERR, NULL);
    struct lws_context_creation_info info = {
        .port = 0,
        .iface = "127.0.0.1",
        .protocols = protocols,
        .ssl_cert_filepath = arguments[1],
        .ssl_private_key_filepath = arguments[2],
        .options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
        .gid = (gid_t)-1,
        .uid = (uid_t)-1,
    };
    struct lws_context *context = lws_create_context(&info);
    struct lws_vhost *host = context ? lws_create_vhost(context, &info) : NULL;
    lws_sock_file_fd_type file = {.filefd = master};
    if (host) terminal = lws_adopt_descriptor_vhost(host, LWS_ADOPT_RAW_FILE_DESC, file, "terminal", NULL);
    if (!terminal) {
        fputs("webtty: the server did not start\n", stderr);
        return 1;
    }
    printf("%d\n", lws_get_vhost_listen_port(host));
    fflush(stdout);
    while (!has_ended && lws_service(context, 0) >= 0) continue;
    lws_context_destroy(context);
    return 0;
}
