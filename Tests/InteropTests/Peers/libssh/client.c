/* The client. */
#include "peer.h"

#include <libssh/callbacks.h>
#include <libssh/sftp.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 32768
#define WAIT_MILLISECONDS 60000

struct visit {
    const struct options *options;
    ssh_session session;
    /* The report's members, each with a comma behind it. */
    FILE *report;
};

static bool set_options(struct visit *visit)
{
    const struct options *o = visit->options;
    ssh_session s = visit->session;
    bool no = false;
    unsigned int port = o->port;
    int good = ssh_options_set(s, SSH_OPTIONS_PROCESS_CONFIG, &no) | ssh_options_set(s, SSH_OPTIONS_HOST, o->host)
        | ssh_options_set(s, SSH_OPTIONS_PORT, &port) | ssh_options_set(s, SSH_OPTIONS_USER, o->user)
        | ssh_options_set(s, SSH_OPTIONS_KNOWNHOSTS, "/dev/null")
        | ssh_options_set(s, SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null");
    if (o->kex != NULL)
        good |= ssh_options_set(s, SSH_OPTIONS_KEY_EXCHANGE, o->kex);
    if (o->cipher != NULL)
        good |= ssh_options_set(s, SSH_OPTIONS_CIPHERS_C_S, o->cipher)
            | ssh_options_set(s, SSH_OPTIONS_CIPHERS_S_C, o->cipher);
    if (o->mac != NULL)
        good |= ssh_options_set(s, SSH_OPTIONS_HMAC_C_S, o->mac) | ssh_options_set(s, SSH_OPTIONS_HMAC_S_C, o->mac);
    if (o->host_key_algorithm != NULL)
        good |= ssh_options_set(s, SSH_OPTIONS_HOSTKEYS, o->host_key_algorithm);
    if (o->signature != NULL)
        good |= ssh_options_set(s, SSH_OPTIONS_PUBLICKEY_ACCEPTED_TYPES, o->signature);
    if (o->compression != NULL)
        good |= ssh_options_set(s, SSH_OPTIONS_COMPRESSION, o->compression);
    if (o->rekey != 0)
        good |= ssh_options_set(s, SSH_OPTIONS_REKEY_DATA, &o->rekey);
    return good == SSH_OK;
}

static bool trusts(struct visit *visit)
{
    if (visit->options->trust == NULL)
        return true;
    ssh_key expected = NULL, shown = NULL;
    bool same = ssh_pki_import_pubkey_file(visit->options->trust, &expected) == SSH_OK
        && ssh_get_server_publickey(visit->session, &shown) == SSH_OK
        && ssh_key_cmp(expected, shown, SSH_KEY_CMP_PUBLIC) == 0;
    ssh_key_free(expected);
    ssh_key_free(shown);
    return same;
}

static int answer_questions(struct visit *visit)
{
    int given = 0;
    int status = ssh_userauth_kbdint(visit->session, NULL, NULL);
    while (status == SSH_AUTH_INFO) {
        int questions = ssh_userauth_kbdint_getnprompts(visit->session);
        for (int i = 0; i < questions; i++) {
            if (given == visit->options->answer_count)
                return SSH_AUTH_ERROR;
            ssh_userauth_kbdint_setanswer(visit->session, (unsigned int)i, visit->options->answers[given++]);
        }
        status = ssh_userauth_kbdint(visit->session, NULL, NULL);
    }
    return status;
}

static bool log_in(struct visit *visit)
{
    const struct options *o = visit->options;
    int status = SSH_AUTH_DENIED;
    if (o->key != NULL) {
        ssh_key key = NULL, certificate = NULL;
        if (ssh_pki_import_privkey_file(o->key, NULL, NULL, NULL, &key) != SSH_OK)
            return false;
        if (o->certificate != NULL
            && (ssh_pki_import_cert_file(o->certificate, &certificate) != SSH_OK
                || ssh_pki_copy_cert_to_privkey(certificate, key) != SSH_OK))
            return false;
        status = ssh_userauth_publickey(visit->session, NULL, key);
        ssh_key_free(key);
        ssh_key_free(certificate);
    } else if (o->password != NULL) {
        status = ssh_userauth_password(visit->session, NULL, o->password);
    } else if (o->answer_count > 0) {
        status = answer_questions(visit);
    } else {
        status = ssh_userauth_none(visit->session, NULL);
    }
    return status == SSH_AUTH_SUCCESS;
}

/* A channel's life: what comes in goes to the sink, and back when it is an echo. */
struct life {
    struct sink output;
    struct sink errors;
    ssh_channel echo;
    bool eof, closed, has_status;
    int status;
    char signal[32];
};

static int on_data(ssh_session session, ssh_channel channel, void *data, uint32_t length, int is_stderr, void *user)
{
    (void)session;
    (void)channel;
    struct life *life = user;
    sink_add(is_stderr ? &life->errors : &life->output, data, length);
    if (life->echo != NULL)
        ssh_channel_write(life->echo, data, length);
    return (int)length;
}

static void on_eof(ssh_session session, ssh_channel channel, void *user)
{
    (void)session;
    (void)channel;
    ((struct life *)user)->eof = true;
}

static void on_close(ssh_session session, ssh_channel channel, void *user)
{
    (void)session;
    (void)channel;
    ((struct life *)user)->closed = true;
}

static void on_status(ssh_session session, ssh_channel channel, int status, void *user)
{
    (void)session;
    (void)channel;
    ((struct life *)user)->status = status;
    ((struct life *)user)->has_status = true;
}

static void on_signal(ssh_session session, ssh_channel channel, const char *signal, int core, const char *message,
                      const char *language, void *user)
{
    (void)session;
    (void)channel;
    (void)core;
    (void)message;
    (void)language;
    snprintf(((struct life *)user)->signal, sizeof((struct life *)user)->signal, "%s", signal);
}

/* What came between the opening of a channel and its callbacks. */
static void take_early(ssh_channel channel, struct life *life)
{
    char block[BLOCK];
    int length;
    while ((length = ssh_channel_read_nonblocking(channel, block, sizeof block, 0)) > 0)
        on_data(NULL, channel, block, (uint32_t)length, 0, life);
    life->eof = ssh_channel_is_eof(channel);
}

/* Sends the input and reads until the channel is closed, or until its end of file when it is a forward. */
static bool exchange(struct visit *visit, ssh_channel channel, struct life *life, bool until_close,
                     bool (*start)(ssh_channel, const char *), const char *argument)
{
    struct ssh_channel_callbacks_struct callbacks = {
        .userdata = life, .channel_data_function = on_data, .channel_eof_function = on_eof,
        .channel_close_function = on_close, .channel_exit_status_function = on_status,
        .channel_exit_signal_function = on_signal,
    };
    ssh_callbacks_init(&callbacks);
    FILE *input = NULL;
    bool sending = life->echo == NULL;
    if (sending && visit->options->input != NULL && (input = fopen(visit->options->input, "rb")) == NULL)
        return false;
    ssh_set_channel_callbacks(channel, &callbacks);
    if (start == NULL)
        take_early(channel, life);
    else if (!start(channel, argument))
        return false;
    ssh_event event = ssh_event_new();
    ssh_event_add_session(event, visit->session);
    char block[BLOCK];
    while (until_close ? !life->closed : !life->eof && !life->closed) {
        bool may_send = sending && ssh_channel_window_size(channel) > 0;
        if (may_send) {
            uint32_t room = ssh_channel_window_size(channel);
            size_t wanted = room < sizeof block ? room : sizeof block;
            size_t length = input != NULL ? fread(block, 1, wanted, input) : 0;
            if (length > 0) {
                if (ssh_channel_write(channel, block, (uint32_t)length) == SSH_ERROR)
                    sending = false;
            } else {
                ssh_channel_send_eof(channel);
                sending = false;
            }
        }
        if (ssh_event_dopoll(event, may_send ? 0 : WAIT_MILLISECONDS) == SSH_ERROR)
            break;
        if (!ssh_is_connected(visit->session))
            break;
    }
    ssh_event_free(event);
    ssh_remove_channel_callbacks(channel, &callbacks);
    if (input != NULL)
        fclose(input);
    return true;
}

static bool start_command(ssh_channel channel, const char *command)
{
    return ssh_channel_request_exec(channel, command) == SSH_OK;
}

static bool execute(struct visit *visit)
{
    struct life life = {.echo = NULL};
    ssh_channel channel = ssh_channel_new(visit->session);
    if (visit->options->argument_count < 1 || channel == NULL || ssh_channel_open_session(channel) != SSH_OK
        || !sink_open(&life.output, visit->options->output) || !sink_open(&life.errors, NULL)
        || !exchange(visit, channel, &life, true, start_command, visit->options->arguments[0]))
        return false;
    sink_report(&life.output, visit->report);
    if (life.has_status)
        fprintf(visit->report, "\"status\": %d, ", life.status);
    if (life.signal[0] != 0)
        fprintf(visit->report, "\"signal\": \"%s\", ", life.signal);
    fputs("\"stderr\": ", visit->report);
    print_string(visit->report, life.errors.text, life.errors.count < SHORT_OUTPUT ? life.errors.count : 0);
    fputs(", ", visit->report);
    ssh_channel_free(channel);
    return life.has_status || life.signal[0] != 0;
}

static bool forward_local(struct visit *visit)
{
    struct life life = {.echo = NULL};
    ssh_channel channel = ssh_channel_new(visit->session);
    if (visit->options->argument_count < 2 || channel == NULL
        || ssh_channel_open_forward(channel, visit->options->arguments[0], atoi(visit->options->arguments[1]),
                                    "127.0.0.1", 1) != SSH_OK
        || !sink_open(&life.output, visit->options->output) || !sink_open(&life.errors, NULL)
        || !exchange(visit, channel, &life, false, NULL, NULL))
        return false;
    sink_report(&life.output, visit->report);
    ssh_channel_free(channel);
    return true;
}

static bool forward_remote(struct visit *visit)
{
    if (visit->options->argument_count < 1)
        return false;
    int port = atoi(visit->options->arguments[0]);
    int bound = port;
    if (ssh_channel_listen_forward(visit->session, "127.0.0.1", port, port == 0 ? &bound : NULL) != SSH_OK)
        return false;
    printf("{\"listening\": %d}\n", bound);
    ssh_channel channel = ssh_channel_open_forward_port(visit->session, WAIT_MILLISECONDS, NULL, NULL, NULL);
    struct life life = {.echo = channel};
    if (channel == NULL || !sink_open(&life.output, NULL) || !sink_open(&life.errors, NULL))
        return false;
    if (!exchange(visit, channel, &life, false, NULL, NULL))
        return false;
    ssh_channel_send_eof(channel);
    ssh_channel_close(channel);
    ssh_channel_cancel_forward(visit->session, "127.0.0.1", bound);
    sink_report(&life.output, visit->report);
    return true;
}

static bool copy_out(sftp_session sftp, const char *local, const char *remote)
{
    FILE *from = fopen(local, "rb");
    sftp_file to = sftp_open(sftp, remote, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    bool good = from != NULL && to != NULL;
    char block[BLOCK];
    size_t length;
    while (good && (length = fread(block, 1, sizeof block, from)) > 0)
        good = sftp_write(to, block, length) == (ssize_t)length;
    if (from != NULL)
        fclose(from);
    return to != NULL && sftp_close(to) == SSH_OK && good;
}

static bool copy_in(sftp_session sftp, const char *remote, const char *local)
{
    FILE *to = fopen(local, "wb");
    sftp_file from = sftp_open(sftp, remote, O_RDONLY, 0);
    bool good = from != NULL && to != NULL;
    char block[BLOCK];
    ssize_t length = 0;
    while (good && (length = sftp_read(from, block, sizeof block)) > 0)
        good = fwrite(block, 1, (size_t)length, to) == (size_t)length;
    if (from != NULL)
        sftp_close(from);
    return to != NULL && fclose(to) == 0 && good && length == 0;
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static bool list(struct visit *visit, sftp_session sftp, const char *folder)
{
    sftp_dir directory = sftp_opendir(sftp, folder);
    if (directory == NULL)
        return false;
    char **names = NULL;
    size_t count = 0;
    sftp_attributes entry;
    while ((entry = sftp_readdir(sftp, directory)) != NULL) {
        if (strcmp(entry->name, ".") != 0 && strcmp(entry->name, "..") != 0) {
            names = realloc(names, (count + 1) * sizeof *names);
            names[count++] = strdup(entry->name);
        }
        sftp_attributes_free(entry);
    }
    bool good = sftp_dir_eof(directory) == 1;
    sftp_closedir(directory);
    if (count > 0)
        qsort(names, count, sizeof *names, compare_names);
    fputs("\"names\": [", visit->report);
    for (size_t i = 0; i < count; i++) {
        fputs(i == 0 ? "" : ", ", visit->report);
        print_string(visit->report, names[i], strlen(names[i]));
        free(names[i]);
    }
    free(names);
    fputs("], ", visit->report);
    return good;
}

static bool transfer(struct visit *visit)
{
    const struct options *o = visit->options;
    sftp_session sftp = sftp_new(visit->session);
    if (sftp == NULL || sftp_init(sftp) != SSH_OK)
        return false;
    bool good = false;
    if (strcmp(o->action, "list") == 0 && o->argument_count == 1)
        good = list(visit, sftp, o->arguments[0]);
    else if (strcmp(o->action, "put") == 0 && o->argument_count == 2)
        good = copy_out(sftp, o->arguments[0], o->arguments[1]);
    else if (strcmp(o->action, "get") == 0 && o->argument_count == 2)
        good = copy_in(sftp, o->arguments[0], o->arguments[1]);
    if (!good)
        fprintf(stderr, "SFTP error %d\n", sftp_get_error(sftp));
    sftp_free(sftp);
    return good;
}

static const char *act(struct visit *visit)
{
    if (!set_options(visit))
        return "options";
    if (ssh_connect(visit->session) != SSH_OK)
        return "connect";
    if (!trusts(visit))
        return "the host shows another key";
    if (!log_in(visit))
        return "authentication";
    const char *action = visit->options->action;
    bool good = strcmp(action, "exec") == 0 ? execute(visit)
        : strcmp(action, "forward-local") == 0 ? forward_local(visit)
        : strcmp(action, "forward-remote") == 0 ? forward_remote(visit)
        : transfer(visit);
    return good ? NULL : action;
}

int visit(const struct options *options)
{
    char *members = NULL;
    size_t length = 0;
    struct visit visit = {options, ssh_new(), open_memstream(&members, &length)};
    if (visit.session == NULL || visit.report == NULL)
        return 1;
    const char *failed = act(&visit);
    fclose(visit.report);
    if (failed == NULL) {
        printf("{%s", members);
        print_negotiated(stdout, visit.session);
        puts(", \"ok\": true}");
    } else {
        char sentence[1024];
        snprintf(sentence, sizeof sentence, "%s: %s", failed, ssh_get_error(visit.session));
        fputs("{\"ok\": false, \"error\": ", stdout);
        print_string(stdout, sentence, strlen(sentence));
        puts("}");
    }
    free(members);
    ssh_disconnect(visit.session);
    ssh_free(visit.session);
    return failed == NULL ? 0 : 1;
}
