/* libssh as a peer: what its parts share. See ../README.md. */
#ifndef PEER_H
#define PEER_H

#include <libssh/libssh.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define MOST_HOST_KEYS 8
#define MOST_ANSWERS 8
/* Output of at most so many bytes is in the report as text. */
#define SHORT_OUTPUT 4096

struct options {
    unsigned int port;
    const char *kex, *cipher, *mac, *host_key_algorithm, *compression;
    uint64_t rekey;
    const char *password;
    char *answers[MOST_ANSWERS];
    int answer_count;
    /* client */
    const char *host, *user, *trust, *key, *certificate, *signature, *input, *output, *action;
    char **arguments;
    int argument_count;
    /* server */
    const char *host_keys[MOST_HOST_KEYS];
    int host_key_count;
    const char *authorized_keys;
};

/* What came back: counted, hashed, and kept in a file when one is named. */
struct sink {
    void *hash;
    uint64_t count;
    char text[SHORT_OUTPUT + 1];
    FILE *file;
};

bool sink_open(struct sink *sink, const char *path);
void sink_add(struct sink *sink, const void *data, size_t length);
/* Prints `"bytes": …, "sha256": "…", "stdout": "…", `. */
void sink_report(struct sink *sink, FILE *to);

void print_string(FILE *to, const char *text, size_t length);
void print_negotiated(FILE *to, ssh_session session);

int visit(const struct options *options);
int serve(const struct options *options);

#endif
