/* A layer of faults between a process and the kernel, for LD_PRELOAD; tests only.
 *
 * It sees every change of a file below FAULTS_ROOT, whoever makes it (the interpreter, SQLite), and
 * can end the process before or after it, refuse it, shorten it, or let the disk be full. Commands
 * come, and counts go, through a shared page (FAULTS_CONTROL; layout in faults.py), so they can be
 * given while the process lives and read when it is dead. With FAULTS_LOG every change is written
 * down with its data, from which powercut.py makes what a disk may hold after a power cut.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* Kinds of files, kinds of changes; a point is kind * OPS + op. The names are in faults.py. */
enum { WAL, DB, LINE, ARCHIVE, DIRECTORY, OTHER, OUTSIDE };
enum { CREATE, WRITE, COMMIT, SYNC, TRUNCATE, RENAME, UNLINK, OPS, SYNC_REFUSED };
enum { POINTS = 5 * OPS };

struct control {
  int64_t clock_offset_ns;
  int64_t room;        /* bytes the files may still grow by; negative: no limit */
  uint64_t fail_mask;  /* points that are refused */
  uint64_t short_mask; /* points whose writes are shortened */
  int32_t fail_errno;
  int32_t fail_left; /* so many refusals; negative: without end */
  int32_t short_left;
  int32_t kill_point;
  int32_t kill_after; /* 0 before the change, 1 after it */
  int32_t kill_left;  /* at the n-th time */
  int32_t hides_room; /* statvfs does not tell that the disk is full, as with a quota */
  int32_t unused;
  int32_t counts[POINTS];
};

static volatile struct control *page;
static char root[4096];
static size_t root_length;
static int log_fd = -1;
static pthread_mutex_t in_order = PTHREAD_MUTEX_INITIALIZER;

#define REAL(result, name, ...)                                  \
  static result (*real_##name)(__VA_ARGS__);                     \
  if (!real_##name) real_##name = dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void begin(void) {
  const char *control = getenv("FAULTS_CONTROL"), *under = getenv("FAULTS_ROOT");
  const char *log = getenv("FAULTS_LOG");
  if (!control || !under) return;
  int fd = syscall(SYS_openat, AT_FDCWD, control, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void *mapped = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  syscall(SYS_close, fd);
  if (mapped == MAP_FAILED) return;
  root_length = strlen(under);
  if (root_length >= sizeof root) return;
  memcpy(root, under, root_length + 1);
  if (log) {
    fd = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    log_fd = fcntl(fd, F_DUPFD_CLOEXEC, 800);
    syscall(SYS_close, fd);
  }
  page = mapped;
}

/* Which file */

static int ends(const char *text, const char *with) {
  size_t length = strlen(text), tail = strlen(with);
  return length >= tail && !strcmp(text + length - tail, with);
}

static int kind_of(const char *path) {
  if (strncmp(path, root, root_length) || path[root_length] != '/') return OUTSIDE;
  const char *name = strrchr(path, '/') + 1;
  if (ends(name, "-wal")) return WAL;
  if (ends(name, ".db") || ends(name, ".db.new")) return DB;
  if (ends(name, ".part") || ends(name, ".gz") || ends(name, ".zst")) return ARCHIVE;
  if (strstr(name, ".ndjson")) return LINE;
  return OTHER;
}

static int kind_of_fd(int fd, struct stat *info, char *path) {
  char link[32];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = syscall(SYS_readlink, link, path, 4095);
  if (length < 0) return OUTSIDE;
  path[length] = 0;
  if (fstat(fd, info)) return OUTSIDE;
  if (S_ISDIR(info->st_mode))
    return strncmp(path, root, root_length) ? OUTSIDE : DIRECTORY;
  return S_ISREG(info->st_mode) ? kind_of(path) : OUTSIDE;
}

/* What to do about it */

static void hit(int point, int after) {
  if (point < 0 || point >= POINTS) return;
  if (!after) __atomic_add_fetch(&page->counts[point], 1, __ATOMIC_SEQ_CST);
  if (page->kill_point == point && page->kill_after == after && page->kill_left > 0 &&
      __atomic_sub_fetch(&page->kill_left, 1, __ATOMIC_SEQ_CST) == 0)
    for (;;) {
      kill(getpid(), SIGKILL);
      pause();
    }
}

static int refused(int point) {
  if (point >= POINTS || !(page->fail_mask >> point & 1) || page->fail_left == 0) return 0;
  if (page->fail_left > 0) page->fail_left -= 1;
  errno = page->fail_errno;
  return 1;
}

/* How much of a write goes through; 0 with errno: none of it. */
static size_t allowed(int point, size_t count, off_t offset, off_t size) {
  if (refused(point)) return 0;
  if (point < POINTS && count > 1 && (page->short_mask >> point & 1) && page->short_left > 0) {
    page->short_left -= 1;
    count = count / 2;
  }
  if (page->room >= 0) {
    off_t growth = offset + (off_t)count - size;
    if (growth > page->room) {
      off_t fits = (off_t)count - (growth - page->room);
      if (fits <= 0) {
        errno = ENOSPC;
        return 0;
      }
      count = fits;
      growth = page->room;
    }
    if (growth > 0) page->room -= growth;
  }
  return count;
}

struct entry {
  uint32_t op, first, second, unused;
  uint64_t inode;
  int64_t offset;
};

static void note(int op, uint64_t inode, int64_t offset, const void *first, size_t first_bytes,
                 const void *second, size_t second_bytes) {
  struct entry entry = {op, first_bytes, second_bytes, 0, inode, offset};
  struct iovec parts[3] = {{&entry, sizeof entry},
                           {(void *)first, first_bytes},
                           {(void *)second, second_bytes}};
  syscall(SYS_writev, log_fd, parts, 3);
}

#define ORDERED if (log_fd >= 0) pthread_mutex_lock(&in_order)
#define DONE if (log_fd >= 0) pthread_mutex_unlock(&in_order)

/* Writes. A frame of the WAL that ends a transaction says so in its header: sqlite.org/walformat,
 * bytes 4 to 7 hold the size of the database, which is 0 in all others. */
static int write_op(int kind, const void *data, size_t count) {
  if (kind == WAL && count == 24 && memcmp((const char *)data + 4, "\0\0\0\0", 4)) return COMMIT;
  return WRITE;
}

#define CHANGE_DATA(call, at)                                                       \
  struct stat info;                                                                 \
  char path[4096];                                                                  \
  int kind = page ? kind_of_fd(fd, &info, path) : OUTSIDE;                          \
  if (kind == OUTSIDE || kind == DIRECTORY) return call(count);                     \
  int point = kind * OPS + write_op(kind, data, count);                             \
  hit(point, 0);                                                                    \
  ORDERED;                                                                          \
  off_t offset = at;                                                                \
  size_t fits = allowed(point, count, offset, info.st_size);                        \
  ssize_t done = count && !fits ? -1 : call(fits);                                  \
  if (done > 0 && log_fd >= 0) note(WRITE, info.st_ino, offset, data, done, NULL, 0); \
  int error = errno;                                                                \
  DONE;                                                                             \
  if (done >= 0) hit(point, 1);                                                     \
  errno = error;                                                                    \
  return done

ssize_t write(int fd, const void *data, size_t count) {
  REAL(ssize_t, write, int, const void *, size_t);
#define CALL(n) real_write(fd, data, n)
  CHANGE_DATA(CALL, fcntl(fd, F_GETFL) & O_APPEND ? info.st_size : lseek(fd, 0, SEEK_CUR));
#undef CALL
}

ssize_t pwrite(int fd, const void *data, size_t count, off_t where) {
  REAL(ssize_t, pwrite, int, const void *, size_t, off_t);
#define CALL(n) real_pwrite(fd, data, n, where)
  CHANGE_DATA(CALL, where);
#undef CALL
}

ssize_t pwrite64(int fd, const void *data, size_t count, off_t where) {
  return pwrite(fd, data, count, where);
}

#define SYNC_WITH(name)                                                             \
  struct stat info;                                                                 \
  char path[4096];                                                                  \
  REAL(int, name, int);                                                             \
  int kind = page ? kind_of_fd(fd, &info, path) : OUTSIDE;                          \
  if (kind == OUTSIDE) return real_##name(fd);                                      \
  int point = kind * OPS + SYNC;                                                    \
  hit(point, 0);                                                                    \
  ORDERED;                                                                          \
  int result = refused(point) ? -1 : real_##name(fd);                               \
  int error = errno;                                                                \
  if (log_fd >= 0)                                                                  \
    note(result ? SYNC_REFUSED : SYNC, info.st_ino, kind == DIRECTORY, path, strlen(path), NULL, 0);                                                                \
  DONE;                                                                             \
  if (!result) hit(point, 1);                                                       \
  errno = error;                                                                    \
  return result

int fsync(int fd) { SYNC_WITH(fsync); }

int fdatasync(int fd) { SYNC_WITH(fdatasync); }

int ftruncate(int fd, off_t size) {
  struct stat info;
  char path[4096];
  REAL(int, ftruncate, int, off_t);
  int kind = page ? kind_of_fd(fd, &info, path) : OUTSIDE;
  if (kind == OUTSIDE || kind == DIRECTORY) return real_ftruncate(fd, size);
  int point = kind * OPS + TRUNCATE;
  hit(point, 0);
  ORDERED;
  int result = refused(point) ? -1 : real_ftruncate(fd, size);
  if (!result && log_fd >= 0) note(TRUNCATE, info.st_ino, size, NULL, 0, NULL, 0);
  int error = errno;
  DONE;
  if (!result) hit(point, 1);
  errno = error;
  return result;
}

int ftruncate64(int fd, off_t size) { return ftruncate(fd, size); }

/* Names */

int rename(const char *from, const char *to) {
  REAL(int, rename, const char *, const char *);
  int kind = page ? kind_of(from) : OUTSIDE;
  if (kind == OUTSIDE) return real_rename(from, to);
  int point = kind * OPS + RENAME;
  hit(point, 0);
  ORDERED;
  int result = refused(point) ? -1 : real_rename(from, to);
  if (!result && log_fd >= 0) note(RENAME, 0, 0, from, strlen(from), to, strlen(to));
  int error = errno;
  DONE;
  if (!result) hit(point, 1);
  errno = error;
  return result;
}

int unlink(const char *name) {
  REAL(int, unlink, const char *);
  int kind = page ? kind_of(name) : OUTSIDE;
  if (kind == OUTSIDE) return real_unlink(name);
  int point = kind * OPS + UNLINK;
  hit(point, 0);
  ORDERED;
  int result = refused(point) ? -1 : real_unlink(name);
  if (!result && log_fd >= 0) note(UNLINK, 0, 0, name, strlen(name), NULL, 0);
  int error = errno;
  DONE;
  if (!result) hit(point, 1);
  errno = error;
  return result;
}

static int opened(const char *path, int flags, mode_t mode) {
  REAL(int, open, const char *, int, ...);
  int kind = page && flags & O_CREAT ? kind_of(path) : OUTSIDE;
  struct stat info;
  if (kind == OUTSIDE || (!stat(path, &info) && !(flags & O_TRUNC)))
    return real_open(path, flags, mode);
  int point = kind * OPS + CREATE;
  hit(point, 0);
  ORDERED;
  int fd = -1;
  if (page->room == 0)
    errno = ENOSPC;
  else if (!refused(point))
    fd = real_open(path, flags, mode);
  if (fd >= 0 && log_fd >= 0 && !fstat(fd, &info)) {
    note(CREATE, info.st_ino, 0, path, strlen(path), NULL, 0);
    if (flags & O_TRUNC) note(TRUNCATE, info.st_ino, 0, NULL, 0, NULL, 0);
  }
  int error = errno;
  DONE;
  if (fd >= 0) hit(point, 1);
  errno = error;
  return fd;
}

#define MODE(flags, last)                                \
  mode_t mode = 0;                                       \
  if (flags & O_CREAT) {                                 \
    va_list list;                                        \
    va_start(list, last);                                \
    mode = va_arg(list, mode_t);                         \
    va_end(list);                                        \
  }

int open(const char *path, int flags, ...) {
  MODE(flags, flags)
  return opened(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  MODE(flags, flags)
  return opened(path, flags, mode);
}

/* Room and time */

int fstatvfs(int fd, struct statvfs *volume) {
  REAL(int, fstatvfs, int, struct statvfs *);
  int result = real_fstatvfs(fd, volume);
  if (!result && page && page->room >= 0 && !page->hides_room)
    volume->f_bfree = volume->f_bavail = page->room / (volume->f_frsize ? volume->f_frsize : 1);
  return result;
}

int fstatvfs64(int fd, struct statvfs64 *volume) { return fstatvfs(fd, (struct statvfs *)volume); }

int clock_gettime(clockid_t clock, struct timespec *now) {
  REAL(int, clock_gettime, clockid_t, struct timespec *);
  int result = real_clock_gettime(clock, now);
  if (!result && page && page->clock_offset_ns &&
      (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    int64_t ns = now->tv_sec * 1000000000LL + now->tv_nsec + page->clock_offset_ns;
    now->tv_sec = ns / 1000000000LL;
    now->tv_nsec = ns % 1000000000LL;
  }
  return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  struct timespec exact;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &exact);
  now->tv_sec = exact.tv_sec;
  now->tv_usec = exact.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *out) {
  struct timespec exact;
  clock_gettime(CLOCK_REALTIME, &exact);
  if (out) *out = exact.tv_sec;
  return exact.tv_sec;
}
