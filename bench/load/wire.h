/*
 * What the generators share: time, failure, and the bytes of a connection, over TCP or over TLS. Compiled with -DWITH_TLS
 * -lssl -lcrypto they can do both.
 */
#ifndef WIRE_H
#define WIRE_H
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#ifdef WITH_TLS
#include <openssl/ssl.h>
#endif

struct wire {
  int socket;
#ifdef WITH_TLS
  SSL *tls; /* NULL: plain */
#endif
};

static void fail(int status, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  exit(status);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec * 1e-9;
}

static struct sockaddr_in address_of(const char *host, const char *port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(port))};
  if (inet_pton(AF_INET, host, &address.sin_addr) != 1) fail(2, "%s is no IPv4 address", host);
  return address;
}

static void send_at_once(int socket) {
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

#ifdef WITH_TLS
/* Gives -1 with EAGAIN where the caller has to wait for the socket, as recv and send do. */
static ssize_t tls_result(SSL *tls, int result) {
  if (result > 0) return result;
  const int error = SSL_get_error(tls, result);
  if (error == SSL_ERROR_ZERO_RETURN) return 0;
  errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? EAGAIN : EPROTO;
  return -1;
}

/* The certificate is not looked at: what is measured is the server. */
static void begin_tls(struct wire *wire) {
  static SSL_CTX *context;
  if (context == NULL) {
    context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  }
  wire->tls = SSL_new(context);
  SSL_set_fd(wire->tls, wire->socket);
  if (SSL_connect(wire->tls) != 1) fail(1, "the TLS handshake failed");
}
#endif

/* Connects and waits until that is done; the socket then never blocks. */
static void open_wire(struct wire *wire, const struct sockaddr_in *address, int is_tls) {
  wire->socket = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(wire->socket, (const struct sockaddr *)address, sizeof *address)) fail(1, "connect: %s", strerror(errno));
  send_at_once(wire->socket);
#ifdef WITH_TLS
  wire->tls = NULL;
  if (is_tls) begin_tls(wire);
#else
  if (is_tls) fail(2, "this program was compiled without TLS");
#endif
}

static void never_block(const struct wire *wire) {
  fcntl(wire->socket, F_SETFL, O_NONBLOCK);
}

static ssize_t read_wire(struct wire *wire, void *into, size_t room) {
#ifdef WITH_TLS
  if (wire->tls != NULL) return tls_result(wire->tls, SSL_read(wire->tls, into, room));
#endif
  return recv(wire->socket, into, room, 0);
}

static ssize_t write_wire(struct wire *wire, const void *bytes, size_t length) {
#ifdef WITH_TLS
  if (wire->tls != NULL) return tls_result(wire->tls, SSL_write(wire->tls, bytes, length));
#endif
  return send(wire->socket, bytes, length, MSG_NOSIGNAL);
}

/* Writes the parts, or some of their bytes. */
static ssize_t write_parts(struct wire *wire, struct iovec *parts, size_t count) {
#ifdef WITH_TLS
  if (wire->tls != NULL) return write_wire(wire, parts[0].iov_base, parts[0].iov_len);
#endif
  const struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};
  return sendmsg(wire->socket, &message, MSG_NOSIGNAL);
}

#endif
