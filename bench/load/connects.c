/*
 * How many connections a second a server takes: one thread with epoll that keeps PARALLEL connections under way. Each
 * sends one small `echo`, reads its reply and is reset, so that no port stays taken.
 *
 *     connects HOST PORT PARALLEL SECONDS
 *     cps=… n=…
 *
 * Exit status 1 with one line on stderr where a connection fails or a reply is wrong, 2 where the arguments are.
 */
#include "wire.h"
#include <stdint.h>
#include <sys/epoll.h>

enum { HEADER_BYTES = 4, EVENTS_MAX = 256, REPLY_BYTES_MAX = 400 };

static const char body[] = "{\"id\": \"00000001\", \"op\": \"echo\", \"data\": \"hola\"}";

struct connection {
  int socket, has_sent;
  size_t in_bytes;
  char in[REPLY_BYTES_MAX];
};

static void begin(struct connection *connection, int events, const struct sockaddr_in *address) {
  const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
  connection->socket = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (connection->socket < 0) fail(1, "socket: %s", strerror(errno));
  send_at_once(connection->socket);
  setsockopt(connection->socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  connection->has_sent = 0;
  connection->in_bytes = 0;
  if (connect(connection->socket, (const struct sockaddr *)address, sizeof *address) && errno != EINPROGRESS) {
    fail(1, "connect: %s", strerror(errno));
  }
  struct epoll_event event = {.events = EPOLLOUT, .data.ptr = connection};
  epoll_ctl(events, EPOLL_CTL_ADD, connection->socket, &event);
}

static void send_request(struct connection *connection, int events) {
  int error = 0;
  socklen_t length = sizeof error;
  getsockopt(connection->socket, SOL_SOCKET, SO_ERROR, &error, &length);
  if (error != 0) fail(1, "connect: %s", strerror(error));
  char request[HEADER_BYTES + sizeof body - 1];
  const uint32_t header = htonl(sizeof body - 1);
  memcpy(request, &header, HEADER_BYTES);
  memcpy(request + HEADER_BYTES, body, sizeof body - 1);
  if (send(connection->socket, request, sizeof request, MSG_NOSIGNAL) != sizeof request) {
    fail(1, "send: %s", strerror(errno));
  }
  connection->has_sent = 1;
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
  epoll_ctl(events, EPOLL_CTL_MOD, connection->socket, &event);
}

/* True: the reply is whole, and right. */
static int receive(struct connection *connection) {
  const size_t room = REPLY_BYTES_MAX - connection->in_bytes;
  const ssize_t received = recv(connection->socket, connection->in + connection->in_bytes, room, 0);
  if (received < 0 && errno == EAGAIN) return 0;
  if (received < 0) fail(1, "recv: %s", strerror(errno));
  if (received == 0) fail(1, "the peer closed the connection");
  connection->in_bytes += received;
  if (connection->in_bytes < HEADER_BYTES) return 0;
  uint32_t header;
  memcpy(&header, connection->in, HEADER_BYTES);
  const size_t length = ntohl(header), come = connection->in_bytes - HEADER_BYTES;
  if (length <= REPLY_BYTES_MAX - HEADER_BYTES && come < length) return 0;
  const char *reply = connection->in + HEADER_BYTES;
  if (come != length || memmem(reply, come, "true", 4) == NULL || memmem(reply, come, "\"hola\"}", 7) == NULL) {
    fail(1, "the peer's reply is wrong: %.*s", (int)come, reply);
  }
  return 1;
}

int main(int count, char **arguments) {
  if (count != 5) fail(2, "usage: connects HOST PORT PARALLEL SECONDS");
  const struct sockaddr_in address = address_of(arguments[1], arguments[2]);
  const int parallel = atoi(arguments[3]);
  const double seconds = atof(arguments[4]);
  if (parallel < 1 || seconds <= 0) fail(2, "PARALLEL and SECONDS are above 0");
  struct connection *connections = calloc(parallel, sizeof *connections);
  const int events = epoll_create1(0);
  for (int index = 0; index < parallel; index++) begin(&connections[index], events, &address);
  const double began_at = now();
  unsigned long answered = 0;
  struct epoll_event ready[EVENTS_MAX];
  double time = began_at;
  /* A rate of nothing is none: a short run on a busy machine waits for one reply. */
  while (time < began_at + seconds || answered == 0) {
    const int ready_count = epoll_wait(events, ready, EVENTS_MAX, 100);
    for (int index = 0; index < ready_count; index++) {
      struct connection *connection = ready[index].data.ptr;
      if (!connection->has_sent) {
        send_request(connection, events);
      } else if (receive(connection)) {
        answered++;
        close(connection->socket);
        begin(connection, events, &address);
      }
    }
    time = now();
  }
  printf("cps=%.0f n=%lu\n", answered / (time - began_at), answered);
}
