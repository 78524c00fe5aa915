/* The server: a process for each connection, which runs commands and forwards TCP on one event loop. */
#define _GNU_SOURCE
#include "peer.h"

#include <libssh/callbacks.h>
#include <libssh/server.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLOCK 32768
#define SFTP_SERVER "/usr/lib/openssh/sftp-server"

/* A channel and what it is tied to: a command's pipes, or a TCP connection. */
struct tie {
    struct connection *connection;
    ssh_channel channel;
    pid_t child;
    /* Toward the program or socket, away from it, and its complaints; -1 when there is none or it is over. */
    int into, from, errors;
    /* What the program did not take yet. */
    char *waiting;
    size_t waiting_length;
    bool ends, done;
    /* The end was read; the descriptor leaves the event loop when that has finished its round, not from within. */
    bool from_ended, errors_ended;
    /* A write that waits for a key exchange runs the event loop within itself. */
    bool writing;
    struct ssh_channel_callbacks_struct callbacks;
    struct tie *next;
};

struct listening {
    struct connection *connection;
    int socket;
    int port;
    char address[128];
};

struct connection {
    const struct options *options;
    ssh_session session;
    ssh_event event;
    bool authenticated;
    char user[64];
    struct tie *ties;
};

static void push(struct tie *tie)
{
    size_t sent = 0;
    while (tie->into >= 0 && sent < tie->waiting_length) {
        ssize_t count = write(tie->into, tie->waiting + sent, tie->waiting_length - sent);
        if (count < 0 && errno == EAGAIN)
            break;
        if (count < 0) {
            /* The program wants no more: what comes is dropped. */
            sent = tie->waiting_length;
            break;
        }
        sent += (size_t)count;
    }
    memmove(tie->waiting, tie->waiting + sent, tie->waiting_length - sent);
    tie->waiting_length -= sent;
    if (tie->ends && tie->waiting_length == 0 && tie->into >= 0) {
        if (tie->into == tie->from)
            shutdown(tie->into, SHUT_WR);
        else
            close(tie->into);
        tie->into = -1;
    }
}

static int on_data(ssh_session session, ssh_channel channel, void *data, uint32_t length, int is_stderr, void *user)
{
    (void)session;
    (void)channel;
    (void)is_stderr;
    struct tie *tie = user;
    char *more = realloc(tie->waiting, tie->waiting_length + length);
    if (more == NULL)
        return SSH_ERROR;
    memcpy(more + tie->waiting_length, data, length);
    tie->waiting = more;
    tie->waiting_length += length;
    push(tie);
    return (int)length;
}

static void on_eof(ssh_session session, ssh_channel channel, void *user)
{
    (void)session;
    (void)channel;
    struct tie *tie = user;
    tie->ends = true;
    push(tie);
}

static void on_close(ssh_session session, ssh_channel channel, void *user)
{
    on_eof(session, channel, user);
    struct tie *tie = user;
    if (tie->child > 0 && tie->from >= 0)
        kill(tie->child, SIGHUP);
}

static int on_readable(socket_t descriptor, int events, void *user)
{
    (void)events;
    struct tie *tie = user;
    bool complaints = descriptor == tie->errors;
    char block[BLOCK];
    /* Only what fits the window: a write that waits would run this loop within itself. */
    uint32_t window = ssh_channel_window_size(tie->channel);
    if (window == 0 || tie->writing || (complaints ? tie->errors_ended : tie->from_ended))
        return 0;
    ssize_t count = read(descriptor, block, window < sizeof block ? window : sizeof block);
    if (count > 0) {
        tie->writing = true;
        if (complaints)
            ssh_channel_write_stderr(tie->channel, block, (uint32_t)count);
        else
            ssh_channel_write(tie->channel, block, (uint32_t)count);
        tie->writing = false;
        return 0;
    }
    if (complaints)
        tie->errors_ended = true;
    else
        tie->from_ended = true;
    return 0;
}

/* Takes descriptors out of the event loop whose end was read. */
static void let_go(struct tie *tie)
{
    if (tie->errors_ended && tie->errors >= 0) {
        ssh_event_remove_fd(tie->connection->event, tie->errors);
        close(tie->errors);
        tie->errors = -1;
    }
    if (tie->from_ended && tie->from >= 0) {
        ssh_event_remove_fd(tie->connection->event, tie->from);
        if (tie->child > 0)
            close(tie->from);
        tie->from = -1;
        ssh_channel_send_eof(tie->channel);
    }
}

static struct tie *make_tie(struct connection *connection, ssh_channel channel)
{
    struct tie *tie = calloc(1, sizeof *tie);
    if (tie == NULL)
        return NULL;
    tie->connection = connection;
    tie->channel = channel;
    tie->into = tie->from = tie->errors = -1;
    tie->next = connection->ties;
    connection->ties = tie;
    return tie;
}

static void watch(struct tie *tie)
{
    fcntl(tie->into, F_SETFL, O_NONBLOCK);
    ssh_event_add_fd(tie->connection->event, tie->from, POLLIN, on_readable, tie);
    if (tie->errors >= 0)
        ssh_event_add_fd(tie->connection->event, tie->errors, POLLIN, on_readable, tie);
}

static int run(struct tie *tie, const char *command)
{
    int in[2], out[2], errors[2];
    if (tie->child > 0 || pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0 || pipe2(errors, O_CLOEXEC) != 0)
        return SSH_ERROR;
    tie->child = fork();
    if (tie->child == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        dup2(errors[1], 2);
        signal(SIGPIPE, SIG_DFL);
        close_range(3, ~0U, 0);
        execl("/bin/sh", "sh", "-c", command, NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    close(errors[1]);
    tie->into = in[1];
    tie->from = out[0];
    tie->errors = errors[0];
    watch(tie);
    return SSH_OK;
}

static int on_exec(ssh_session session, ssh_channel channel, const char *command, void *user)
{
    (void)session;
    (void)channel;
    return run(user, command);
}

static int on_subsystem(ssh_session session, ssh_channel channel, const char *name, void *user)
{
    (void)session;
    (void)channel;
    return strcmp(name, "sftp") == 0 ? run(user, "exec " SFTP_SERVER) : SSH_ERROR;
}

static int on_shell(ssh_session session, ssh_channel channel, void *user)
{
    (void)session;
    (void)channel;
    return run(user, "exec /bin/sh");
}

static int on_environment(ssh_session session, ssh_channel channel, const char *name, const char *value, void *user)
{
    (void)session;
    (void)channel;
    (void)name;
    (void)value;
    (void)user;
    return 0;
}

static void listen_to(struct tie *tie)
{
    tie->callbacks = (struct ssh_channel_callbacks_struct){
        .userdata = tie, .channel_data_function = on_data, .channel_eof_function = on_eof,
        .channel_close_function = on_close, .channel_exec_request_function = on_exec,
        .channel_subsystem_request_function = on_subsystem, .channel_shell_request_function = on_shell,
        .channel_env_request_function = on_environment,
    };
    ssh_callbacks_init(&tie->callbacks);
    ssh_set_channel_callbacks(tie->channel, &tie->callbacks);
}

static ssh_channel on_session(ssh_session session, void *user)
{
    ssh_channel channel = ssh_channel_new(session);
    struct tie *tie = make_tie(user, channel);
    if (tie != NULL)
        listen_to(tie);
    return channel;
}

static int dial(const char *host, int port)
{
    struct addrinfo *found = NULL, wanted = {.ai_socktype = SOCK_STREAM};
    char text[16];
    snprintf(text, sizeof text, "%d", port);
    if (getaddrinfo(host, text, &wanted, &found) != 0)
        return -1;
    int stream = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (stream >= 0 && connect(stream, found->ai_addr, found->ai_addrlen) != 0) {
        close(stream);
        stream = -1;
    }
    freeaddrinfo(found);
    return stream;
}

static void join(struct connection *connection, ssh_channel channel, int stream)
{
    struct tie *tie = make_tie(connection, channel);
    if (tie == NULL)
        return;
    tie->into = tie->from = stream;
    listen_to(tie);
    watch(tie);
}

static int on_visitor(socket_t descriptor, int events, void *user)
{
    (void)events;
    struct listening *listening = user;
    struct sockaddr_in origin;
    socklen_t length = sizeof origin;
    int stream = accept4(descriptor, (struct sockaddr *)&origin, &length, SOCK_CLOEXEC);
    if (stream < 0)
        return 0;
    ssh_channel channel = ssh_channel_new(listening->connection->session);
    if (ssh_channel_open_reverse_forward(channel, listening->address, listening->port, inet_ntoa(origin.sin_addr),
                                         ntohs(origin.sin_port)) == SSH_OK)
        join(listening->connection, channel, stream);
    else
        close(stream);
    return 0;
}

static int port_of(int socket)
{
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    return getsockname(socket, (struct sockaddr *)&address, &length) == 0 ? ntohs(address.sin_port) : 0;
}

static int start_listening(struct connection *connection, const char *address, int port)
{
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in local = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct listening *listening = calloc(1, sizeof *listening);
    if (listening == NULL || bind(listener, (struct sockaddr *)&local, sizeof local) != 0 || listen(listener, 16) != 0) {
        close(listener);
        free(listening);
        return 0;
    }
    listening->connection = connection;
    listening->socket = listener;
    listening->port = port_of(listener);
    snprintf(listening->address, sizeof listening->address, "%s", address);
    ssh_event_add_fd(connection->event, listener, POLLIN, on_visitor, listening);
    return listening->port;
}

static int ask(ssh_message message, struct connection *connection)
{
    const struct options *o = connection->options;
    const char *prompts[MOST_ANSWERS] = {"Question 1: ", "Question 2: ", "Question 3: ", "Question 4: ",
                                         "Question 5: ", "Question 6: ", "Question 7: ", "Question 8: "};
    char echo[MOST_ANSWERS] = {0};
    if (o->answer_count == 0)
        return 1;
    if (!ssh_message_auth_kbdint_is_response(message)) {
        ssh_message_auth_interactive_request(message, "Login", "", (unsigned int)o->answer_count, prompts, echo);
        return 0;
    }
    bool good = ssh_userauth_kbdint_getnanswers(connection->session) == o->answer_count;
    for (int i = 0; good && i < o->answer_count; i++)
        good = strcmp(ssh_userauth_kbdint_getanswer(connection->session, (unsigned int)i), o->answers[i]) == 0;
    if (!good)
        return 1;
    connection->authenticated = true;
    ssh_message_auth_reply_success(message, 0);
    return 0;
}

/* What the callbacks of the server do not cover. */
static int on_message(ssh_session session, ssh_message message, void *user)
{
    (void)session;
    struct connection *connection = user;
    int type = ssh_message_type(message), kind = ssh_message_subtype(message);
    if (type == SSH_REQUEST_AUTH && kind == SSH_AUTH_METHOD_INTERACTIVE) {
        /* The answers come without a name. */
        const char *name = ssh_message_auth_user(message);
        if (name != NULL)
            snprintf(connection->user, sizeof connection->user, "%s", name);
        return ask(message, connection);
    }
    if (!connection->authenticated)
        return 1;
    if (type == SSH_REQUEST_CHANNEL_OPEN && kind == SSH_CHANNEL_DIRECT_TCPIP) {
        int stream = dial(ssh_message_channel_request_open_destination(message),
                          ssh_message_channel_request_open_destination_port(message));
        if (stream < 0)
            return 1;
        ssh_channel channel = ssh_message_channel_request_open_reply_accept(message);
        if (channel == NULL)
            close(stream);
        else
            join(connection, channel, stream);
        return 0;
    }
    if (type == SSH_REQUEST_GLOBAL && kind == SSH_GLOBAL_REQUEST_TCPIP_FORWARD) {
        int port = start_listening(connection, ssh_message_global_request_address(message),
                                   ssh_message_global_request_port(message));
        if (port == 0)
            return 1;
        ssh_message_global_request_reply_success(message, (uint16_t)port);
        return 0;
    }
    return 1;
}

static int on_password(ssh_session session, const char *user, const char *password, void *data)
{
    (void)session;
    struct connection *connection = data;
    snprintf(connection->user, sizeof connection->user, "%s", user);
    connection->authenticated =
        connection->options->password != NULL && strcmp(connection->options->password, password) == 0;
    return connection->authenticated ? SSH_AUTH_SUCCESS : SSH_AUTH_DENIED;
}

static bool is_authorized(const char *path, ssh_key key)
{
    FILE *file = path != NULL ? fopen(path, "r") : NULL;
    char *line = NULL;
    size_t room = 0;
    bool found = false;
    while (file != NULL && !found && getline(&line, &room, file) > 0) {
        char *rest = NULL;
        char *kind = strtok_r(line, " ", &rest), *text = strtok_r(NULL, " \n", &rest);
        ssh_key known = NULL;
        if (kind != NULL && text != NULL
            && ssh_pki_import_pubkey_base64(text, ssh_key_type_from_name(kind), &known) == SSH_OK)
            found = ssh_key_cmp(known, key, SSH_KEY_CMP_PUBLIC) == 0;
        ssh_key_free(known);
    }
    free(line);
    if (file != NULL)
        fclose(file);
    return found;
}

static int on_key(ssh_session session, const char *user, struct ssh_key_struct *key, char state, void *data)
{
    (void)session;
    struct connection *connection = data;
    snprintf(connection->user, sizeof connection->user, "%s", user);
    if ((state != SSH_PUBLICKEY_STATE_NONE && state != SSH_PUBLICKEY_STATE_VALID)
        || !is_authorized(connection->options->authorized_keys, key))
        return SSH_AUTH_DENIED;
    if (state == SSH_PUBLICKEY_STATE_VALID)
        connection->authenticated = true;
    return SSH_AUTH_SUCCESS;
}

/* Gives the status of programs that have ended and whose output is sent. */
static void collect(struct connection *connection)
{
    for (struct tie *tie = connection->ties; tie != NULL; tie = tie->next) {
        int status;
        push(tie);
        let_go(tie);
        if (tie->done || tie->from >= 0 || tie->errors >= 0)
            continue;
        if (tie->child > 0) {
            if (waitpid(tie->child, &status, WNOHANG) != tie->child)
                continue;
            if (WIFSIGNALED(status))
                ssh_channel_request_send_exit_signal(tie->channel, WTERMSIG(status) == SIGKILL ? "KILL" : "TERM", 0,
                                                     "", "");
            else
                ssh_channel_request_send_exit_status(tie->channel, WEXITSTATUS(status));
        } else if (tie->into >= 0 || !tie->ends) {
            continue;
        }
        ssh_channel_close(tie->channel);
        tie->done = true;
    }
}

static void converse(const struct options *options, ssh_session session)
{
    struct connection connection = {.options = options, .session = session};
    struct ssh_server_callbacks_struct callbacks = {
        .userdata = &connection, .auth_password_function = on_password, .auth_pubkey_function = on_key,
        .channel_open_request_session_function = on_session,
    };
    ssh_callbacks_init(&callbacks);
    ssh_set_server_callbacks(session, &callbacks);
    ssh_set_message_callback(session, on_message, &connection);
    int methods = (options->password != NULL ? SSH_AUTH_METHOD_PASSWORD : 0)
        | (options->authorized_keys != NULL ? SSH_AUTH_METHOD_PUBLICKEY : 0)
        | (options->answer_count > 0 ? SSH_AUTH_METHOD_INTERACTIVE : 0);
    ssh_set_auth_methods(session, methods);
    if (options->rekey != 0)
        ssh_options_set(session, SSH_OPTIONS_REKEY_DATA, &options->rekey);
    if (ssh_handle_key_exchange(session) != SSH_OK) {
        fprintf(stderr, "libssh: %s\n", ssh_get_error(session));
        return;
    }
    connection.event = ssh_event_new();
    ssh_event_add_session(connection.event, session);
    bool told = false;
    while (ssh_is_connected(session)) {
        bool busy = false;
        for (struct tie *tie = connection.ties; tie != NULL; tie = tie->next)
            busy |= !tie->done && tie->child > 0;
        /* A program's end and a pipe with room again wake nobody up, so both are looked for. */
        if (ssh_event_dopoll(connection.event, busy ? 5 : 1000) == SSH_ERROR)
            break;
        if (connection.authenticated && !told) {
            fputs("{\"user\": ", stdout);
            print_string(stdout, connection.user, strlen(connection.user));
            fputs(", ", stdout);
            print_negotiated(stdout, session);
            puts("}");
            told = true;
        }
        collect(&connection);
    }
}

static bool configure(ssh_bind listener, const struct options *o)
{
    bool no = false;
    unsigned int port = o->port;
    int good = ssh_bind_options_set(listener, SSH_BIND_OPTIONS_PROCESS_CONFIG, &no)
        | ssh_bind_options_set(listener, SSH_BIND_OPTIONS_BINDADDR, "127.0.0.1")
        | ssh_bind_options_set(listener, SSH_BIND_OPTIONS_BINDPORT, &port);
    for (int i = 0; i < o->host_key_count; i++)
        good |= ssh_bind_options_set(listener, SSH_BIND_OPTIONS_HOSTKEY, o->host_keys[i]);
    if (o->kex != NULL)
        good |= ssh_bind_options_set(listener, SSH_BIND_OPTIONS_KEY_EXCHANGE, o->kex);
    if (o->cipher != NULL)
        good |= ssh_bind_options_set(listener, SSH_BIND_OPTIONS_CIPHERS_C_S, o->cipher)
            | ssh_bind_options_set(listener, SSH_BIND_OPTIONS_CIPHERS_S_C, o->cipher);
    if (o->mac != NULL)
        good |= ssh_bind_options_set(listener, SSH_BIND_OPTIONS_HMAC_C_S, o->mac)
            | ssh_bind_options_set(listener, SSH_BIND_OPTIONS_HMAC_S_C, o->mac);
    if (o->host_key_algorithm != NULL)
        good |= ssh_bind_options_set(listener, SSH_BIND_OPTIONS_HOSTKEY_ALGORITHMS, o->host_key_algorithm);
    return good == SSH_OK;
}

int serve(const struct options *options)
{
    ssh_bind listener = ssh_bind_new();
    signal(SIGPIPE, SIG_IGN);
    if (listener == NULL || !configure(listener, options) || ssh_bind_listen(listener) != SSH_OK) {
        fprintf(stderr, "libssh: %s\n", listener != NULL ? ssh_get_error(listener) : "no memory");
        return 1;
    }
    printf("{\"listening\": %d}\n", port_of(ssh_bind_get_fd(listener)));
    for (;;) {
        int status;
        pid_t ended;
        while ((ended = waitpid(-1, &status, WNOHANG)) > 0)
            if (WIFSIGNALED(status))
                fprintf(stderr, "libssh: a connection ended by signal %d\n", WTERMSIG(status));
        ssh_session session = ssh_new();
        if (session == NULL || ssh_bind_accept(listener, session) != SSH_OK) {
            ssh_free(session);
            continue;
        }
        if (fork() == 0) {
            ssh_bind_free(listener);
            converse(options, session);
            ssh_disconnect(session);
            exit(0);
        }
        ssh_free(session);
    }
}
