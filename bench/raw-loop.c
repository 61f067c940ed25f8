/*
 * What the disk gives a program that does nothing else: the same bytes, written and flushed in a loop.
 *
 *   raw-loop prepared FILE GROUP_BYTES GROUPS   pwrite + fdatasync over blocks that exist and are zero
 *   raw-loop growing FILE GROUP_BYTES GROUPS    the same behind the end of a new file
 *   raw-loop read FILE PIECE_BYTES ROUNDS       pread of the whole file, from front to end
 *
 * Prints one JSON object. Touches only FILE; bench/raw.ts compiles and runs it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A prepared file is written round and round: no longer than this, so that preparing stays short. */
#define PREPARED_BYTES_MAX (256L << 20)
#define ZERO_BYTES (1L << 20)

static double now_seconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void write_whole(int file, const char *bytes, long length, long at) {
  while (length > 0) {
    ssize_t taken = pwrite(file, bytes, (size_t)length, at);
    if (taken <= 0) fail("pwrite");
    bytes += taken;
    at += taken;
    length -= taken;
  }
}

/* Zeros up to file_bytes, unless an earlier run wrote there already. */
static void prepare(int file, long file_bytes) {
  struct stat status;
  if (fstat(file, &status) != 0) fail("fstat");
  if (status.st_size >= file_bytes) return;
  char *zero = calloc(1, ZERO_BYTES);
  if (zero == NULL) fail("calloc");
  for (long at = status.st_size; at < file_bytes; at += ZERO_BYTES) {
    long left = file_bytes - at;
    write_whole(file, zero, left < ZERO_BYTES ? left : ZERO_BYTES, at);
  }
  free(zero);
  if (fsync(file) != 0) fail("fsync");
}

static double write_groups(int file, long group_bytes, long groups, int grows) {
  long wanted = group_bytes * groups;
  long room = wanted < PREPARED_BYTES_MAX ? wanted : PREPARED_BYTES_MAX;
  if (room < group_bytes) room = group_bytes;
  if (!grows) prepare(file, room);
  char *bytes = malloc((size_t)group_bytes);
  if (bytes == NULL) fail("malloc");
  for (long i = 0; i < group_bytes; i++) bytes[i] = (char)(i * 31 + 7);
  long at = 0;
  double started = now_seconds();
  for (long group = 0; group < groups; group++) {
    if (!grows && at + group_bytes > room) at = 0;
    write_whole(file, bytes, group_bytes, at);
    if (fdatasync(file) != 0) fail("fdatasync");
    at += group_bytes;
  }
  double seconds = now_seconds() - started;
  free(bytes);
  return seconds;
}

static double read_rounds(int file, long piece_bytes, long rounds) {
  char *bytes = malloc((size_t)piece_bytes);
  if (bytes == NULL) fail("malloc");
  double started = now_seconds();
  for (long round = 0; round < rounds; round++) {
    ssize_t taken = 1;
    for (long at = 0; taken > 0; at += taken) {
      taken = pread(file, bytes, (size_t)piece_bytes, at);
      if (taken < 0) fail("pread");
    }
  }
  double seconds = now_seconds() - started;
  free(bytes);
  return seconds;
}

int main(int count, char **arguments) {
  if (count != 5) {
    fprintf(stderr, "usage: raw-loop prepared|growing|read FILE BYTES COUNT\n");
    return 2;
  }
  const char *mode = arguments[1];
  long bytes = atol(arguments[3]);
  long rounds = atol(arguments[4]);
  if (bytes <= 0 || rounds <= 0) {
    fprintf(stderr, "raw-loop: BYTES and COUNT must be at least 1\n");
    return 2;
  }
  int reads = strcmp(mode, "read") == 0;
  int grows = strcmp(mode, "growing") == 0;
  int flags = reads ? O_RDONLY : O_RDWR | O_CREAT | (grows ? O_TRUNC : 0);
  int file = open(arguments[2], flags, 0644);
  if (file < 0) fail(arguments[2]);
  double seconds = reads ? read_rounds(file, bytes, rounds) : write_groups(file, bytes, rounds, grows);
  close(file);
  printf("{\"seconds\":%.9f}\n", seconds);
  return 0;
}
