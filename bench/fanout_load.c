/* Load client of bench/fanout.py: opens N streams, counts what arrives, samples latency.
 *
 * usage: fanout_load HOST PORT N SECONDS FRAME_BYTES STALLED < request-head
 * Events are counted by their marker `"t":<nanoseconds of CLOCK_MONOTONIC>`, one sample a read: the
 * first marker of the read, which is its oldest event. The first STALLED streams are opened and
 * never read. Prints one line when all streams are open ("ready"), then at the end:
 *   events bytes seconds p50_ms p99_ms max_ms lost
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define READ_BYTES (256 * 1024)
#define BUCKETS 200000 /* of 10 us: 2 s */

static long long now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static unsigned histogram[BUCKETS + 1];

int main(int argc, char **argv) {
    if (argc != 7) return 2;
    const char *host = argv[1];
    int port = atoi(argv[2]), streams = atoi(argv[3]), stalled = atoi(argv[6]);
    double seconds = atof(argv[4]);
    long long frame_bytes = atoll(argv[5]);
    static char head[65536];
    size_t head_bytes = fread(head, 1, sizeof head, stdin);
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);

    int poll = epoll_create1(0);
    int *fds = calloc(streams, sizeof(int));
    struct sockaddr_in to = {.sin_family = AF_INET};
    for (int i = 0; i < streams; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        /* Many source addresses, other ones in each run: one has only 28,000 ports, and those of
         * the run before are in TIME_WAIT. */
        struct sockaddr_in from = {.sin_family = AF_INET};
        from.sin_addr.s_addr = htonl(0x7f010001 + (getpid() % 8192) * 16 + i / 5000);
        bind(fd, (struct sockaddr *)&from, sizeof from);
        to.sin_port = htons(port);
        inet_pton(AF_INET, host, &to.sin_addr);
        if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
            perror("connect");
            return 1;
        }
        if (write(fd, head, head_bytes) != (ssize_t)head_bytes) return 1;
        fds[i] = fd;
        if (i % 200 == 199) usleep(50000); /* the listen queue is finite */
    }
    static char buffer[READ_BYTES + 1];
    for (int i = 0; i < streams; i++) { /* all heads first, so that the measure begins together */
        ssize_t got = recv(fds[i], buffer, sizeof buffer - 1, 0);
        buffer[got > 0 ? got : 0] = 0;
        if (got <= 0 || (!strstr(buffer, " 200 ") && !strstr(buffer, " 101 "))) {
            fprintf(stderr, "refused: %s\n", buffer);
            return 1;
        }
        if (i < stalled) continue;
        struct epoll_event e = {.events = EPOLLIN, .data.fd = fds[i]};
        epoll_ctl(poll, EPOLL_CTL_ADD, fds[i], &e);
    }
    printf("ready\n");
    fflush(stdout);
    long long bytes = 0, samples = 0, lost = 0, worst = 0;
    long long start = now_ns(), end = start + (long long)(seconds * 1e9);
    struct epoll_event ready[512];
    while (now_ns() < end) {
        int count = epoll_wait(poll, ready, 512, 100);
        for (int i = 0; i < count; i++) {
            ssize_t got = recv(ready[i].data.fd, buffer, READ_BYTES, MSG_DONTWAIT);
            if (got == 0 || (got < 0 && errno != EAGAIN)) {
                epoll_ctl(poll, EPOLL_CTL_DEL, ready[i].data.fd, NULL);
                lost++;
                continue;
            }
            if (got < 0) continue;
            bytes += got;
            char *mark = memmem(buffer, got < 2048 ? got : 2048, "\"t\":", 4);
            if (mark && buffer + got - mark > 24) {
                long long late = now_ns() - atoll(mark + 4);
                if (late > worst) worst = late;
                long long bucket = late / 10000;
                histogram[bucket < 0 ? 0 : bucket > BUCKETS ? BUCKETS : bucket]++;
                samples++;
            }
        }
    }
    double took = (now_ns() - start) / 1e9, p50 = 0, p99 = 0;
    long long seen = 0;
    for (int b = 0; b <= BUCKETS; b++) {
        seen += histogram[b];
        if (!p50 && seen * 2 >= samples) p50 = b / 100.0;
        if (!p99 && seen * 100 >= samples * 99) p99 = b / 100.0;
    }
    printf("%lld %lld %.3f %.2f %.2f %.2f %lld\n", bytes / frame_bytes, bytes, took, p50, p99,
           worst / 1e6, lost);
    return 0;
}
