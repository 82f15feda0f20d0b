/* The floor of bench/fanout.py: one send() per event and stream, nothing else. Obeys the same lines
 * on stdin as bench/fanout_server.py; serves SSE only, drops what a full socket refuses.
 *
 * usage: fanout_floor SIZE
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define STREAMS 65536

static int fds[STREAMS], streams;
static long long sent;
static int size;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static double cpu(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_utime.tv_sec + u.ru_stime.tv_sec + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static long rss_kib(void) {
    long all = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (fscanf(f, "%ld %ld", &all, &resident) != 2) resident = 0;
    fclose(f);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static void publish(double rate, double seconds) {
    static char frame[65536];
    double start = now(), t;
    long long count = 0;
    while ((t = now() - start) < seconds) {
        if (rate > 0 && count >= t * rate) {
            double due = count / rate - t; /* late by a scheduler's tick is fine, spinning is not */
            usleep(due > 0.01 ? 10000 : (useconds_t)(due * 1e6) + 1);
            continue;
        }
        struct timespec at;
        clock_gettime(CLOCK_MONOTONIC, &at);
        int used = sprintf(frame, "data: {\"specversion\":\"1.0\",\"id\":\"%lld\",\"t\":%lld,\"data\":\"",
                           count, at.tv_sec * 1000000000LL + at.tv_nsec);
        memset(frame + used, 'x', size);
        int length = size;
        length += sprintf(frame + length, "\"}\nid: %lld\n\n", count);
        for (int i = 0; i < streams; i++)
            if (send(fds[i], frame, length, MSG_DONTWAIT | MSG_NOSIGNAL) == length) sent++;
        count++;
    }
}

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    size = atoi(argv[1]);
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    int server = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = {.sin_family = AF_INET};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof at;
    if (bind(server, (struct sockaddr *)&at, length) || listen(server, 1024)) return 1;
    getsockname(server, (struct sockaddr *)&at, &length);
    printf("{\"port\": %d}\n", ntohs(at.sin_port));
    fflush(stdout);
    char line[256];
    struct pollfd wait[2] = {{.fd = 0, .events = POLLIN}, {.fd = server, .events = POLLIN}};
    while (poll(wait, 2, -1) >= 0) {
        if (wait[1].revents & POLLIN && streams < STREAMS) {
            static const char reply[] =
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nretry: 2000\n\n";
            char head[4096];
            int fd = accept(server, NULL, NULL), on = 1;
            if (recv(fd, head, sizeof head, 0) <= 0) continue;
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            send(fd, reply, sizeof reply - 1, MSG_NOSIGNAL);
            fds[streams++] = fd;
            continue;
        }
        if (!(wait[0].revents & (POLLIN | POLLHUP))) continue;
        ssize_t got = read(0, line, sizeof line - 1);
        if (got <= 0) return 0;
        line[got] = 0;
        double rate, seconds;
        if (line[0] == 'q') return 0;
        if (line[0] == 'i') printf("{\"rss_kib\": %ld}\n", rss_kib());
        if (sscanf(line, "go %lf %lf", &rate, &seconds) == 2) {
            publish(rate, 0.5);
            double before = cpu(), began = now();
            sent = 0;
            publish(rate, seconds);
            printf("{\"sent\": %lld, \"cpu_s\": %.4f, \"wall_s\": %.4f, \"rss_kib\": %ld}\n", sent,
                   cpu() - before, now() - began, rss_kib());
        }
        fflush(stdout);
    }
    return 0;
}
