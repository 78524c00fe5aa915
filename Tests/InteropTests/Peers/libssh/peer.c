/* The command line and the report. */
#include "peer.h"

#include <getopt.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

void print_string(FILE *to, const char *text, size_t length)
{
    fputc('"', to);
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\')
            fprintf(to, "\\%c", c);
        else if (c < 32 || c > 126)
            fprintf(to, "\\u%04x", c);
        else
            fputc(c, to);
    }
    fputc('"', to);
}

static void print_name(FILE *to, const char *key, const char *name, const char *end)
{
    fprintf(to, "\"%s\": ", key);
    if (name != NULL)
        print_string(to, name, strlen(name));
    else
        fputs("null", to);
    fputs(end, to);
}

void print_negotiated(FILE *to, ssh_session session)
{
    fputs("\"negotiated\": {", to);
    print_name(to, "kex", ssh_get_kex_algo(session), ", ");
    print_name(to, "cipher", ssh_get_cipher_out(session), ", ");
    print_name(to, "mac", ssh_get_hmac_out(session), ", ");
    ssh_key key = NULL;
    const char *kind = NULL;
    if (ssh_get_server_publickey(session, &key) == SSH_OK)
        kind = ssh_key_type_to_char(ssh_key_type(key));
    print_name(to, "hostKey", kind, "}");
    ssh_key_free(key);
}

bool sink_open(struct sink *sink, const char *path)
{
    memset(sink, 0, sizeof *sink);
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    sink->hash = hash;
    if (hash == NULL || EVP_DigestInit_ex(hash, EVP_sha256(), NULL) != 1)
        return false;
    if (path != NULL && (sink->file = fopen(path, "wb")) == NULL)
        return false;
    return true;
}

void sink_add(struct sink *sink, const void *data, size_t length)
{
    EVP_DigestUpdate(sink->hash, data, length);
    if (sink->count + length <= SHORT_OUTPUT)
        memcpy(sink->text + sink->count, data, length);
    sink->count += length;
    if (sink->file != NULL)
        fwrite(data, 1, length, sink->file);
}

void sink_report(struct sink *sink, FILE *to)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    EVP_DigestFinal_ex(sink->hash, digest, &length);
    EVP_MD_CTX_free(sink->hash);
    if (sink->file != NULL)
        fclose(sink->file);
    fprintf(to, "\"bytes\": %llu, \"sha256\": \"", (unsigned long long)sink->count);
    for (unsigned int i = 0; i < length; i++)
        fprintf(to, "%02x", digest[i]);
    fputs("\", ", to);
    if (sink->count <= SHORT_OUTPUT) {
        fputs("\"stdout\": ", to);
        print_string(to, sink->text, sink->count);
        fputs(", ", to);
    }
}

/* The library has no list of what it has; these are the names of its documentation at 0.10. */
static void features(void)
{
    const char *common =
        "\"kex\": [\"curve25519-sha256\", \"curve25519-sha256@libssh.org\", \"ecdh-sha2-nistp256\", "
        "\"ecdh-sha2-nistp384\", \"ecdh-sha2-nistp521\", \"diffie-hellman-group18-sha512\", "
        "\"diffie-hellman-group16-sha512\", \"diffie-hellman-group14-sha256\", "
        "\"diffie-hellman-group-exchange-sha256\", \"diffie-hellman-group14-sha1\", "
        "\"diffie-hellman-group1-sha1\", \"diffie-hellman-group-exchange-sha1\"], "
        "\"ciphers\": [\"chacha20-poly1305@openssh.com\", \"aes256-gcm@openssh.com\", "
        "\"aes128-gcm@openssh.com\", \"aes256-ctr\", \"aes192-ctr\", \"aes128-ctr\", \"aes256-cbc\", "
        "\"aes192-cbc\", \"aes128-cbc\", \"3des-cbc\"], "
        "\"macs\": [\"hmac-sha2-256-etm@openssh.com\", \"hmac-sha2-512-etm@openssh.com\", "
        "\"hmac-sha1-etm@openssh.com\", \"hmac-sha2-256\", \"hmac-sha2-512\", \"hmac-sha1\"], "
        "\"hostKeys\": [\"ssh-ed25519\", \"ecdsa-sha2-nistp256\", \"ecdsa-sha2-nistp384\", "
        "\"ecdsa-sha2-nistp521\", \"rsa-sha2-512\", \"rsa-sha2-256\"], "
        "\"userKeys\": [\"ssh-ed25519\", \"ecdsa-sha2-nistp256\", \"ecdsa-sha2-nistp384\", "
        "\"ecdsa-sha2-nistp521\", \"rsa-sha2-512\", \"rsa-sha2-256\"], "
        "\"compression\": [\"none\", \"zlib@openssh.com\"], ";
    printf("{\"client\": {%s\"actions\": [\"exec\", \"forward-local\", \"forward-remote\", \"put\", \"get\", "
           "\"list\"]}, \"server\": {%s\"actions\": [\"exec\", \"forward-local\", \"forward-remote\"]}}\n",
           common, common);
}

static int split(char *text, char *into[], int most)
{
    int count = 0;
    for (char *word = strtok(text, ","); word != NULL && count < most; word = strtok(NULL, ","))
        into[count++] = word;
    return count;
}

static bool parse(struct options *o, int count, char *arguments[])
{
    enum { PORT = 1, KEX, CIPHER, MAC, HOST_KEY_ALGORITHM, COMPRESSION, REKEY, PASSWORD, ANSWERS, HOST, USER, TRUST,
           KEY, CERTIFICATE, SIGNATURE, INPUT, OUTPUT, HOST_KEY, AUTHORIZED_KEYS };
    static const struct option known[] = {
        {"port", 1, NULL, PORT}, {"kex", 1, NULL, KEX}, {"cipher", 1, NULL, CIPHER}, {"mac", 1, NULL, MAC},
        {"host-key-algorithm", 1, NULL, HOST_KEY_ALGORITHM}, {"compression", 1, NULL, COMPRESSION},
        {"rekey", 1, NULL, REKEY}, {"password", 1, NULL, PASSWORD}, {"answers", 1, NULL, ANSWERS},
        {"host", 1, NULL, HOST}, {"user", 1, NULL, USER}, {"trust", 1, NULL, TRUST}, {"key", 1, NULL, KEY},
        {"certificate", 1, NULL, CERTIFICATE}, {"signature", 1, NULL, SIGNATURE}, {"input", 1, NULL, INPUT},
        {"output", 1, NULL, OUTPUT}, {"host-key", 1, NULL, HOST_KEY},
        {"authorized-keys", 1, NULL, AUTHORIZED_KEYS}, {NULL, 0, NULL, 0},
    };
    int which;
    while ((which = getopt_long(count, arguments, "+", known, NULL)) != -1) {
        switch (which) {
        case PORT: o->port = (unsigned int)strtoul(optarg, NULL, 10); break;
        case KEX: o->kex = optarg; break;
        case CIPHER: o->cipher = optarg; break;
        case MAC: o->mac = optarg; break;
        case HOST_KEY_ALGORITHM: o->host_key_algorithm = optarg; break;
        case COMPRESSION: o->compression = optarg; break;
        case REKEY: o->rekey = strtoull(optarg, NULL, 10); break;
        case PASSWORD: o->password = optarg; break;
        case ANSWERS: o->answer_count = split(optarg, o->answers, MOST_ANSWERS); break;
        case HOST: o->host = optarg; break;
        case USER: o->user = optarg; break;
        case TRUST: o->trust = optarg; break;
        case KEY: o->key = optarg; break;
        case CERTIFICATE: o->certificate = optarg; break;
        case SIGNATURE: o->signature = optarg; break;
        case INPUT: o->input = optarg; break;
        case OUTPUT: o->output = optarg; break;
        case HOST_KEY:
            if (o->host_key_count < MOST_HOST_KEYS)
                o->host_keys[o->host_key_count++] = optarg;
            break;
        case AUTHORIZED_KEYS: o->authorized_keys = optarg; break;
        default: return false;
        }
    }
    if (optind < count) {
        o->action = arguments[optind];
        o->arguments = arguments + optind + 1;
        o->argument_count = count - optind - 1;
    }
    return true;
}

int main(int count, char *arguments[])
{
    struct options options = {.host = "127.0.0.1"};
    if (count < 2 || !parse(&options, count - 1, arguments + 1))
        return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (strcmp(arguments[1], "features") == 0) {
        features();
        return 0;
    }
    if (strcmp(arguments[1], "server") == 0)
        return serve(&options);
    return options.action != NULL ? visit(&options) : 2;
}
