#define _GNU_SOURCE
#include "CLocalCalls.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { descriptor_limit = 3 };

long descriptors_send(int socket, const void *bytes, unsigned long count, const int *descriptors, int descriptor_count)
{
    if (descriptor_count < 0 || descriptor_count > descriptor_limit) {
        errno = EINVAL;
        return -1;
    }
    union {
        char space[CMSG_SPACE(sizeof(int) * descriptor_limit)];
        struct cmsghdr alignment;
    } control;
    struct iovec part = {(void *)bytes, count};
    struct msghdr message;
    memset(&message, 0, sizeof message);
    memset(&control, 0, sizeof control);
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (descriptor_count > 0) {
        message.msg_control = control.space;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * (unsigned)descriptor_count);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * (unsigned)descriptor_count);
        memcpy(CMSG_DATA(header), descriptors, sizeof(int) * (unsigned)descriptor_count);
    }
    long sent;
    do
        sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent;
}

long descriptors_receive(int socket, void *bytes, unsigned long count, int *descriptors, int *descriptor_count)
{
    union {
        char space[CMSG_SPACE(sizeof(int) * descriptor_limit)];
        struct cmsghdr alignment;
    } control;
    struct iovec part = {bytes, count};
    struct msghdr message;
    memset(&message, 0, sizeof message);
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.space;
    message.msg_controllen = sizeof control.space;
    *descriptor_count = 0;
    long received;
    do
        received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (received < 0 && errno == EINTR);
    if (received < 0)
        return -1;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
            continue;
        unsigned long held = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (unsigned long index = 0; index < held; index++) {
            int descriptor;
            memcpy(&descriptor, CMSG_DATA(header) + index * sizeof(int), sizeof descriptor);
            if (*descriptor_count < descriptor_limit)
                descriptors[(*descriptor_count)++] = descriptor;
            else
                close(descriptor);
        }
    }
    return received;
}

int peer_user(int socket, unsigned *user)
{
    struct ucred credentials;
    socklen_t length = sizeof credentials;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0)
        return -1;
    *user = credentials.uid;
    return 0;
}

void descriptors_allow_many(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int spawn_close_from(void *actions, int first)
{
    return posix_spawn_file_actions_addclosefrom_np(actions, first);
}

void pipe_enlarge(int descriptor, int bytes)
{
    fcntl(descriptor, F_SETPIPE_SZ, bytes);
}
