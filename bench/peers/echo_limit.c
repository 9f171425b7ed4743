/*
 * What loopback and the kernel allow: one thread with epoll that cuts frames out of a stream and answers each with its
 * `data`, unchecked. It knows only requests that are spaced as Python's json.dumps spaces them, `id` with eight bytes
 * first and `data` last; a connection that sends anything else is closed.
 *
 *     echo_limit          prints `listening PORT`, a free port of 127.0.0.1, and serves until it is killed
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS_MAX = 256, HEADER_BYTES = 4, ID_BYTES = 8, BUFFER_BYTES = 1 << 20, SEND_FROM_BYTES = 64 * 1024 };

static const uint32_t body_bytes_max = 64u << 20;
static const char id_member[] = "\"id\": \"";
static const char data_member[] = "\"data\": ";
static const char reply_start[] = "{\"id\": \"";
static const char reply_middle[] = "\", \"ok\": true, \"result\": ";

/* Bytes [start, end) of a block that grows. */
struct buffer {
  char *bytes;
  size_t start, end, capacity;
};

struct connection {
  int socket;
  struct buffer in, out;
};

static void reserve(struct buffer *buffer, size_t room) {
  if (buffer->start > 0) {
    memmove(buffer->bytes, buffer->bytes + buffer->start, buffer->end - buffer->start);
    buffer->end -= buffer->start;
    buffer->start = 0;
  }
  if (buffer->capacity - buffer->end >= room) return;
  while (buffer->capacity - buffer->end < room) buffer->capacity *= 2;
  buffer->bytes = realloc(buffer->bytes, buffer->capacity);
  if (buffer->bytes == NULL) exit(1);
}

static void append(struct buffer *buffer, const void *bytes, size_t length) {
  memcpy(buffer->bytes + buffer->end, bytes, length);
  buffer->end += length;
}

/* Writes the reply to one body. False: it is not a request of the kind that is known. */
static int answer(struct buffer *out, const char *body, size_t length) {
  const char *id = memmem(body, length, id_member, sizeof id_member - 1);
  const char *data = memmem(body, length, data_member, sizeof data_member - 1);
  if (id == NULL || data == NULL) return 0;
  id += sizeof id_member - 1;
  data += sizeof data_member - 1;
  const char *end = body + length - 1; /* before the closing brace */
  if (data > end || id + ID_BYTES > end) return 0;
  const size_t data_bytes = end - data;
  const size_t reply_bytes = sizeof reply_start - 1 + ID_BYTES + sizeof reply_middle - 1 + data_bytes + 1;
  if (out->capacity - out->end < HEADER_BYTES + reply_bytes) reserve(out, HEADER_BYTES + reply_bytes);
  const uint32_t header = htonl(reply_bytes);
  append(out, &header, HEADER_BYTES);
  append(out, reply_start, sizeof reply_start - 1);
  append(out, id, ID_BYTES);
  append(out, reply_middle, sizeof reply_middle - 1);
  append(out, data, data_bytes);
  append(out, "}", 1);
  return 1;
}

/* Answers the whole frames that have come. */
static int answer_all(struct connection *connection) {
  struct buffer *in = &connection->in;
  while (in->end - in->start >= HEADER_BYTES) {
    uint32_t header;
    memcpy(&header, in->bytes + in->start, HEADER_BYTES);
    const size_t length = ntohl(header);
    if (length > body_bytes_max) return 0;
    if (in->end - in->start < HEADER_BYTES + length) {
      reserve(in, HEADER_BYTES + length);
      return 1;
    }
    if (!answer(&connection->out, in->bytes + in->start + HEADER_BYTES, length)) return 0;
    in->start += HEADER_BYTES + length;
  }
  return 1;
}

static int flush(struct connection *connection) {
  struct buffer *out = &connection->out;
  while (out->start < out->end) {
    const ssize_t sent = send(connection->socket, out->bytes + out->start, out->end - out->start, MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN;
    out->start += sent;
  }
  out->start = out->end = 0;
  return 1;
}

/* Reads until nothing is left, as edge-triggered events ask for. False: the connection is over. */
static int serve(struct connection *connection) {
  struct buffer *in = &connection->in;
  for (;;) {
    if (in->end == in->capacity || in->start > 0) reserve(in, 1);
    const ssize_t received = recv(connection->socket, in->bytes + in->end, in->capacity - in->end, 0);
    if (received == 0) return 0;
    if (received < 0) {
      if (errno != EAGAIN) return 0;
      return flush(connection);
    }
    in->end += received;
    if (!answer_all(connection)) return 0;
    if (connection->out.end - connection->out.start > SEND_FROM_BYTES && !flush(connection)) return 0;
  }
}

static void open_connection(int listener, int events) {
  const int on = 1;
  const int socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
  if (socket < 0) return;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  struct connection *connection = calloc(1, sizeof *connection);
  connection->socket = socket;
  connection->in.capacity = connection->out.capacity = BUFFER_BYTES;
  connection->in.bytes = malloc(BUFFER_BYTES);
  connection->out.bytes = malloc(BUFFER_BYTES);
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = connection};
  epoll_ctl(events, EPOLL_CTL_ADD, socket, &event);
}

static void close_connection(struct connection *connection) {
  close(connection->socket);
  free(connection->in.bytes);
  free(connection->out.bytes);
  free(connection);
}

static int listen_on_loopback(void) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  if (bind(listener, (struct sockaddr *)&address, length) || listen(listener, 1024) ||
      getsockname(listener, (struct sockaddr *)&address, &length)) {
    perror("listen");
    exit(1);
  }
  printf("listening %d\n", ntohs(address.sin_port));
  fflush(stdout);
  return listener;
}

int main(void) {
  const int listener = listen_on_loopback();
  const int events = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(events, EPOLL_CTL_ADD, listener, &event);
  struct epoll_event ready[EVENTS_MAX];
  for (;;) {
    const int count = epoll_wait(events, ready, EVENTS_MAX, -1);
    for (int index = 0; index < count; index++) {
      struct connection *connection = ready[index].data.ptr;
      if (connection == NULL) open_connection(listener, events);
      else if (!serve(connection)) close_connection(connection);
    }
  }
}
