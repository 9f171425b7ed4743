/*
 * The load generator in C, which needs less of a core than the one in JavaScript: one thread with epoll that keeps DEPTH
 * requests in flight on each connection, checks every reply's id and outcome, and measures from the request's handing
 * over to the reply's reading. Of `echo`, all replies are as long as the first of their connection, and that one is
 * compared byte by byte.
 *
 * Small requests are copied one after the other and go in one write. Large ones are sent from the one copy that there is,
 * and large replies are not kept: so the rate of large frames is the server's and the kernel's.
 *
 *     loadgen [--tls] [--token=TOKEN] HOST PORT OP DATA|@FILE CONNECTIONS DEPTH SECONDS [WARMUP_SECONDS]
 *     rps=… p50us=… p99=… n=…
 *
 * Exit status 1 with one line on stderr where a reply is wrong or missing, 2 where the arguments are.
 */
#include "wire.h"
#include <stdint.h>
#include <sys/epoll.h>

enum {
  HEADER_BYTES = 4,
  ID_DIGITS = 8,
  EVENTS_MAX = 256,
  IN_BYTES = 1 << 20,
  HEAD_BYTES_MAX = 400, /* of a reply, in which its id and outcome are */
  LARGE_BYTES = 16 * 1024, /* requests and replies from here on are not copied */
  READ_BYTES = 256 * 1024, /* of a large reply at once: what stays in the processor's cache */
  FINE_BUCKETS = 10000, /* of 1 µs; then as many of 100 µs */
  BUCKETS = 20000,
  COARSE_US = 100
};

struct connection {
  struct wire wire;
  char *in, *out;
  size_t in_bytes, out_start, out_end;
  /* Large requests: the slots that wait to be sent, in order, and how much of the first has gone. */
  int *sending;
  int sending_start, sending_end;
  size_t sent_bytes;
  /* A large reply that is being read: its slot, the bytes that are to come, and where its data continues. */
  int large_slot;
  size_t large_left;
  const char *expected;
  /* The length of all replies to `echo`, after the first. */
  size_t reply_bytes;
  /* Of each slot: when its request was handed over, and whether it has no reply yet. */
  double *sent_at;
  char *busy;
  int *free_slots;
  int free_count;
};

static char *request;
static size_t request_bytes, id_offset, data_bytes;
static const char *data; /* within the request */
static int depth, is_echo, is_large, is_tls;
static const char *token;
static uint64_t histogram[BUCKETS], replies;

static void record(double us) {
  const double bucket = us < FINE_BUCKETS ? us : FINE_BUCKETS + (us - FINE_BUCKETS) / COARSE_US;
  histogram[bucket < BUCKETS ? (int)bucket : BUCKETS - 1]++;
  replies++;
}

/* The lower edge of the bucket that the share lies in, in microseconds. */
static double percentile(double share) {
  uint64_t seen = 0;
  for (int bucket = 0; bucket < BUCKETS; bucket++) {
    seen += histogram[bucket];
    if (seen >= share * replies) return bucket < FINE_BUCKETS ? bucket : FINE_BUCKETS + (bucket - FINE_BUCKETS) * 100.0;
  }
  return 0;
}

static char *read_file(const char *path, size_t *length) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) fail(2, "%s cannot be read", path);
  fseek(file, 0, SEEK_END);
  *length = ftell(file);
  rewind(file);
  char *bytes = malloc(*length);
  if (fread(bytes, 1, *length, file) != *length) fail(2, "%s cannot be read", path);
  fclose(file);
  return bytes;
}

static void build_request(const char *op, const char *argument) {
  data_bytes = strlen(argument);
  const char *bytes = argument[0] == '@' ? read_file(argument + 1, &data_bytes) : argument;
  request = malloc(data_bytes + strlen(op) + 100);
  char *to = request + HEADER_BYTES;
  to += sprintf(to, "{\"id\": \"");
  id_offset = to - request;
  to += sprintf(to, "00000000\", \"op\": \"%s\", \"data\": ", op);
  data = to;
  memcpy(to, bytes, data_bytes);
  to += data_bytes;
  *to++ = '}';
  request_bytes = to - request;
  const uint32_t header = htonl(request_bytes - HEADER_BYTES);
  memcpy(request, &header, HEADER_BYTES);
  is_echo = strcmp(op, "echo") == 0;
  is_large = request_bytes >= LARGE_BYTES;
}

/* Says who this is, and waits until the server knows. */
static void authenticate(struct wire *wire, const char *token) {
  char frame[1024];
  const int length = snprintf(frame + HEADER_BYTES, sizeof frame - HEADER_BYTES,
                              "{\"id\":\"auth\",\"op\":\"$auth\",\"data\":{\"token\":\"%s\"}}", token);
  const uint32_t header = htonl(length);
  memcpy(frame, &header, HEADER_BYTES);
  if (write_wire(wire, frame, HEADER_BYTES + length) != HEADER_BYTES + length) fail(1, "send: %s", strerror(errno));
  size_t come = 0, whole = HEADER_BYTES;
  while (come < whole) {
    const ssize_t received = read_wire(wire, frame + come, whole - come);
    if (received <= 0) fail(1, "the peer closed the connection at the token");
    come += received;
    uint32_t reply;
    memcpy(&reply, frame, HEADER_BYTES);
    if (come == HEADER_BYTES) whole = HEADER_BYTES + ntohl(reply);
    if (whole > sizeof frame) fail(1, "the reply to the token is too long");
  }
  if (memmem(frame, whole, "true", 4) == NULL) fail(1, "the peer does not know the token");
}

static void open_connection(struct connection *connection, const struct sockaddr_in *address) {
  open_wire(&connection->wire, address, is_tls);
  if (token != NULL) authenticate(&connection->wire, token);
  never_block(&connection->wire);
  connection->in = malloc(IN_BYTES);
  connection->out = malloc(is_large ? 1 : request_bytes * depth);
  connection->sending = malloc(depth * sizeof *connection->sending);
  connection->sent_at = calloc(depth, sizeof *connection->sent_at);
  connection->busy = calloc(depth, 1);
  connection->free_slots = malloc(depth * sizeof *connection->free_slots);
  for (int slot = 0; slot < depth; slot++) connection->free_slots[slot] = slot;
  connection->free_count = depth;
}

static void write_id(char *to, int slot) {
  for (int digit = ID_DIGITS - 1; digit >= 0; digit--, slot >>= 4) to[digit] = "0123456789abcdef"[slot & 15];
}

static int take_free_slot(struct connection *connection, double time) {
  const int slot = connection->free_slots[--connection->free_count];
  connection->sent_at[slot] = time;
  connection->busy[slot] = 1;
  return slot;
}

/* Sends what is left, or where nothing is, a request for each free slot. */
static void send_small(struct connection *connection) {
  if (connection->out_start == connection->out_end) {
    connection->out_start = connection->out_end = 0;
    const double time = now();
    while (connection->free_count > 0) {
      const int slot = take_free_slot(connection, time);
      char *to = connection->out + connection->out_end;
      memcpy(to, request, request_bytes);
      write_id(to + id_offset, slot);
      connection->out_end += request_bytes;
    }
  }
  while (connection->out_start < connection->out_end) {
    const size_t left = connection->out_end - connection->out_start;
    const ssize_t sent = write_wire(&connection->wire, connection->out + connection->out_start, left);
    if (sent < 0 && errno == EAGAIN) return;
    if (sent < 0) fail(1, "send: %s", strerror(errno));
    connection->out_start += sent;
  }
}

/* The same for large requests, one after the other: before the id, the id, and after it. */
static void send_large(struct connection *connection) {
  for (;;) {
    if (connection->sending_start == connection->sending_end) {
      connection->sending_start = connection->sending_end = 0;
      const double time = now();
      while (connection->free_count > 0) {
        connection->sending[connection->sending_end++] = take_free_slot(connection, time);
      }
      if (connection->sending_end == 0) return;
    }
    char id[ID_DIGITS];
    write_id(id, connection->sending[connection->sending_start]);
    const size_t id_end = id_offset + ID_DIGITS;
    struct iovec parts[] = {{request, id_offset}, {id, ID_DIGITS}, {request + id_end, request_bytes - id_end}};
    size_t skip = connection->sent_bytes;
    int first = 0;
    while (skip >= parts[first].iov_len) skip -= parts[first++].iov_len;
    parts[first].iov_base = (char *)parts[first].iov_base + skip;
    parts[first].iov_len -= skip;
    const ssize_t sent = write_parts(&connection->wire, parts + first, 3 - first);
    if (sent < 0 && errno == EAGAIN) return;
    if (sent < 0) fail(1, "send: %s", strerror(errno));
    connection->sent_bytes += sent;
    if (connection->sent_bytes < request_bytes) continue;
    connection->sent_bytes = 0;
    connection->sending_start++;
  }
}

static void send_requests(struct connection *connection) {
  if (is_large) send_large(connection);
  else send_small(connection);
}

static int slot_of(const char *head, size_t length) {
  const char *at = memmem(head, length, "\"id\"", 4);
  if (at == NULL) return -1;
  at += 4;
  while (at < head + length && (*at == ' ' || *at == ':' || *at == '"')) at++;
  if (at + ID_DIGITS > head + length) return -1;
  char id[ID_DIGITS + 1] = {0};
  memcpy(id, at, ID_DIGITS);
  char *end;
  const long slot = strtol(id, &end, 16);
  return end == id + ID_DIGITS && slot < depth ? (int)slot : -1;
}

/* Reads the beginning of a reply, HEAD_BYTES_MAX or all of it, and gives the slot that it answers. */
static int check_head(struct connection *connection, const char *body, size_t head, size_t length) {
  const int shown = head < 200 ? (int)head : 200;
  const int slot = slot_of(body, head);
  if (slot < 0) fail(1, "a reply with an id that was never sent: %.*s", shown, body);
  if (memmem(body, head, "\"ok\": true", 10) == NULL && memmem(body, head, "\"ok\":true", 9) == NULL) {
    fail(1, "the peer answered with an error: %.*s", shown, body);
  }
  if (!connection->busy[slot]) fail(1, "a doubled reply: %.*s", shown, body);
  if (is_echo && connection->reply_bytes != 0 && length != connection->reply_bytes) {
    fail(1, "a reply of %zu bytes after one of %zu: %.*s", length, connection->reply_bytes, shown, body);
  }
  return slot;
}

/* Where the data of a reply begins. */
static const char *result_of(const char *body, size_t head) {
  const char *at = memmem(body, head, "\"result\":", 9);
  if (at == NULL) fail(1, "a reply whose result is not in its first %d bytes", HEAD_BYTES_MAX);
  at += 9;
  return *at == ' ' ? at + 1 : at;
}

static void answered(struct connection *connection, int slot, size_t length, double time) {
  connection->busy[slot] = 0;
  connection->free_slots[connection->free_count++] = slot;
  if (is_echo) connection->reply_bytes = length;
  record((time - connection->sent_at[slot]) * 1e6);
}

static void take_reply(struct connection *connection, const char *body, size_t length, double time) {
  const size_t head = length < HEAD_BYTES_MAX ? length : HEAD_BYTES_MAX;
  const int slot = check_head(connection, body, head, length);
  if (is_echo && connection->reply_bytes == 0) {
    const char *result = result_of(body, head);
    if (result + data_bytes + 1 != body + length || memcmp(result, data, data_bytes) != 0) {
      fail(1, "the peer's result is wrong: %.200s", body);
    }
  }
  answered(connection, slot, length, time);
}

/* Takes bytes of a large reply, and gives how many were not of it. */
static size_t take_large(struct connection *connection, const char *bytes, size_t length, double time) {
  const size_t taken = length < connection->large_left ? length : connection->large_left;
  connection->large_left -= taken;
  if (connection->expected != NULL) {
    /* The last byte is the reply's own brace. */
    const size_t of_data = connection->large_left == 0 ? taken - 1 : taken;
    if (memcmp(bytes, connection->expected, of_data) != 0) fail(1, "the peer's result is wrong");
    connection->expected += of_data;
  }
  if (connection->large_left > 0) return 0;
  if (bytes[taken - 1] != '}') fail(1, "a reply that does not end where its length says");
  answered(connection, connection->large_slot, connection->reply_bytes, time);
  return length - taken;
}

/* Reads the head of a large reply that is not whole, and takes what has come of it. */
static void begin_large(struct connection *connection, const char *body, size_t length, size_t come, double time) {
  connection->large_slot = check_head(connection, body, HEAD_BYTES_MAX, length);
  connection->large_left = length;
  connection->expected = NULL;
  size_t passed = 0;
  if (is_echo && connection->reply_bytes == 0) {
    const char *result = result_of(body, HEAD_BYTES_MAX);
    passed = result - body;
    if (passed + data_bytes + 1 != length) fail(1, "the peer's result is wrong: %.200s", body);
    connection->expected = data;
    connection->large_left -= passed;
    connection->reply_bytes = length;
  }
  take_large(connection, body + passed, come - passed, time);
}

static void take_replies(struct connection *connection) {
  const double time = now();
  size_t at = 0;
  if (connection->large_left > 0) {
    at = connection->in_bytes - take_large(connection, connection->in, connection->in_bytes, time);
  }
  while (connection->in_bytes - at >= HEADER_BYTES) {
    uint32_t header;
    memcpy(&header, connection->in + at, HEADER_BYTES);
    const size_t length = ntohl(header), come = connection->in_bytes - at - HEADER_BYTES;
    const char *body = connection->in + at + HEADER_BYTES;
    if (come < length) {
      if (length < LARGE_BYTES || come < HEAD_BYTES_MAX) break;
      begin_large(connection, body, length, come, time);
      at = connection->in_bytes;
      break;
    }
    take_reply(connection, body, length, time);
    at += HEADER_BYTES + length;
  }
  if (at == 0) return;
  memmove(connection->in, connection->in + at, connection->in_bytes - at);
  connection->in_bytes -= at;
}

/* Reads until nothing is left, as edge-triggered events ask for. */
static void receive(struct connection *connection) {
  for (;;) {
    const size_t room = is_large ? READ_BYTES : IN_BYTES - connection->in_bytes;
    const ssize_t received = read_wire(&connection->wire, connection->in + connection->in_bytes, room);
    if (received < 0 && errno == EAGAIN) return;
    if (received < 0) fail(1, "recv: %s", strerror(errno));
    if (received == 0) fail(1, "the peer closed the connection");
    connection->in_bytes += received;
    take_replies(connection);
    /* What the replies have freed goes out before more is read, so that the server always has work. */
    if (is_large) send_large(connection);
  }
}

/* Keeps every connection busy for the time, and gives the seconds that were measured. */
static double run(struct connection *connections, int count, double warmup, double seconds) {
  const int events = epoll_create1(0);
  for (int index = 0; index < count; index++) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = &connections[index]};
    epoll_ctl(events, EPOLL_CTL_ADD, connections[index].wire.socket, &event);
    send_requests(&connections[index]);
  }
  const double begin_at = now() + warmup;
  double began_at = 0;
  struct epoll_event ready[EVENTS_MAX];
  for (;;) {
    const int ready_count = epoll_wait(events, ready, EVENTS_MAX, 100);
    const double time = now();
    if (began_at == 0 && time >= begin_at) {
      memset(histogram, 0, sizeof histogram);
      replies = 0;
      began_at = time;
    }
    /* A rate of nothing is none: a short run on a busy machine waits for one reply. */
    if (began_at != 0 && time >= began_at + seconds && replies > 0) return time - began_at;
    for (int index = 0; index < ready_count; index++) {
      if (ready[index].events & EPOLLIN) receive(ready[index].data.ptr);
      send_requests(ready[index].data.ptr);
    }
  }
}

int main(int count, char **arguments) {
  for (; count > 1 && arguments[1][0] == '-'; count--, arguments++) {
    if (strcmp(arguments[1], "--tls") == 0) is_tls = 1;
    else if (strncmp(arguments[1], "--token=", 8) == 0) token = arguments[1] + 8;
    else fail(2, "there is no option %s", arguments[1]);
  }
  if (count < 8) {
    fail(2, "usage: loadgen [--tls] [--token=TOKEN] HOST PORT OP DATA|@FILE CONNECTIONS DEPTH SECONDS [WARMUP_SECONDS]");
  }
  const int connection_count = atoi(arguments[5]);
  depth = atoi(arguments[6]);
  const double seconds = atof(arguments[7]);
  const double warmup = count > 8 ? atof(arguments[8]) : 1;
  if (connection_count < 1 || depth < 1 || seconds <= 0) fail(2, "CONNECTIONS, DEPTH and SECONDS are above 0");
  build_request(arguments[3], arguments[4]);
  const struct sockaddr_in address = address_of(arguments[1], arguments[2]);
  struct connection *connections = calloc(connection_count, sizeof *connections);
  for (int index = 0; index < connection_count; index++) open_connection(&connections[index], &address);
  const double measured = run(connections, connection_count, warmup, seconds);
  printf("rps=%.0f p50us=%.0f p99=%.0f n=%lu\n", replies / measured, percentile(0.5), percentile(0.99), replies);
}
