#!/usr/bin/env python3
"""A trama client in Python's standard library: one file, to be run, imported or copied.

From a shell:

    python3 client.py 127.0.0.1 5000 sum '[1,2,3,4]'

From a program:

    from client import Client, TramaError

    with Client("127.0.0.1", 5000) as trama:
        trama.call("sum", [1, 2, 3, 4])                        # 10.0
        trama.call("echo", {"any": "JSON"}, timeout=2.5)
        trama.call_many([("upper", "straße"), ("sum", [0.1, 0.2])])   # one round trip, results in order

How it works: a frame is the length of a JSON object as four bytes, big-endian, and then the object. A request is
{"id", "op", "data"}; its reply has the same "id" and either "ok": true and a "result", or "ok": false with an "error"
for people and a "code" for programs. Replies may come in another order than their requests.

A Client is for one thread at a time.
"""

import argparse
import json
import socket
import struct
import sys
import threading
import time
import uuid

# Requests whose replies call_many lets be under way at once: a server bounds what it holds for one connection.
IN_FLIGHT_MAX = 256

# After its timeout a call waits this much longer for the server's own word on it.
REPLY_GRACE_SECONDS = 0.5

# A longer reply is refused: its length is the server's word, and memory is ours.
REPLY_BYTES_MAX = 1 << 30

# What a server of HTTP begins with, read as the length of a frame.
HTTP_AS_LENGTH = int.from_bytes(b"HTTP", "big")


class TramaError(Exception):
    """The server answered with an error.

    code is stable and for programs, such as "BAD_DATA"; str(error) is for people. retryable tells whether the very
    same call may succeed later: after retry_after seconds, where the server names them.
    """

    def __init__(self, reply):
        super().__init__(reply.get("error", "the server gave no reason"))
        self.code = reply.get("code")
        self.retryable = self.code in ("OVERLOADED", "SHUTTING_DOWN")
        retry_after_ms = reply.get("retryAfterMs")
        self.retry_after = None if retry_after_ms is None else retry_after_ms / 1000


class Client:
    """One connection. connect_timeout is in seconds.

    A call raises OSError (ConnectionError, TimeoutError) where the connection fails or is too slow; the client is then
    closed, since half a reply may be left on the connection. Whether the work was done is not known in that case.
    """

    def __init__(self, host="127.0.0.1", port=5000, connect_timeout=5.0):
        self._socket = socket.create_connection((host, port), timeout=connect_timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._stream = self._socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        try:
            # Wakes up whoever still sends.
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # The other side was faster.
        self._stream.close()
        self._socket.close()

    def call(self, op, data=None, timeout=None):
        """Returns the result of one operation. timeout is in seconds. Raises TramaError for an error reply."""
        reply = json.loads(self.call_raw(op, to_json(data), timeout))
        if not reply["ok"]:
            raise TramaError(reply)
        return reply["result"]

    def call_raw(self, op, data_json, timeout=None):
        """Takes data as JSON text and returns the reply as JSON text, an error reply too: no digit is touched."""
        (reply,) = self._exchange([(op, data_json)], timeout)
        return reply

    def call_many(self, calls, timeout=None):
        """Runs (op, data) pairs at once and returns their results in the same order.

        Where an operation fails, its place holds a TramaError, which is not raised: the others' results count too.
        timeout, in seconds, is for all of them together.
        """
        texts = self._exchange([(op, to_json(data)) for op, data in calls], timeout)
        replies = [json.loads(text) for text in texts]
        return [reply["result"] if reply["ok"] else TramaError(reply) for reply in replies]

    def _exchange(self, calls, timeout):
        """Sends (op, JSON text) pairs and returns their replies' texts in the same order."""
        deadline = None if timeout is None else time.monotonic() + timeout
        ids = [str(uuid.uuid4()) for _ in calls]
        replies = {}
        try:
            for start in range(0, len(calls), IN_FLIGHT_MAX):
                batch = list(zip(ids, calls))[start : start + IN_FLIGHT_MAX]
                self._exchange_batch(batch, replies, deadline)
        except BaseException:
            self.close()
            raise
        return [replies[each] for each in ids]

    def _exchange_batch(self, batch, replies, deadline):
        timeout_ms = None if deadline is None else max(1, int((deadline - time.monotonic()) * 1000))
        frames = b"".join(encode(request_id, op, data, timeout_ms) for request_id, (op, data) in batch)
        self._limit_wait(deadline)
        # While many are sent, replies must be read: a server stops reading from a client that reads nothing itself.
        sender = None
        if len(batch) == 1:
            self._send(frames)
        else:
            sender = threading.Thread(target=self._send, args=(frames,), daemon=True)
            sender.start()
        missing = {request_id for request_id, _ in batch}
        while missing:
            self._limit_wait(deadline)
            text = self._read_frame()
            reply = json.loads(text)
            request_id = reply.get("id")
            if request_id is None:
                # The server could not read a request, and so not its id either.
                if len(missing) > 1:
                    raise TramaError(reply)
                (request_id,) = missing
            if request_id not in missing:
                raise ConnectionError(f"the server sent a reply to {request_id}, which nobody asked for")
            missing.remove(request_id)
            replies[request_id] = text
        if sender is not None:
            sender.join()

    def _send(self, frames):
        try:
            self._socket.sendall(frames)
        except OSError:
            # The reader of the replies sees the end of the connection too, and tells.
            pass

    def _limit_wait(self, deadline):
        """No wait for the socket goes much beyond the deadline."""
        if deadline is None:
            self._socket.settimeout(None)
        else:
            self._socket.settimeout(max(0.001, deadline + REPLY_GRACE_SECONDS - time.monotonic()))

    def _read_frame(self):
        (length,) = struct.unpack(">I", self._read_exactly(4))
        if length == HTTP_AS_LENGTH:
            raise ConnectionError(
                "the server answers in HTTP: the framed protocol is on another port, 5000 by default"
            )
        if length > REPLY_BYTES_MAX:
            raise ConnectionError(f"the server announces a reply of {length} bytes")
        return self._read_exactly(length).decode("utf-8")

    def _read_exactly(self, count):
        data = self._stream.read(count)
        if len(data) < count:
            raise ConnectionError("the server closed the connection before the reply was whole")
        return data


def to_json(data):
    """Raises ValueError for what JSON cannot say, such as NaN."""
    return json.dumps(data, ensure_ascii=False, allow_nan=False)


def encode(request_id, op, data_json, timeout_ms=None):
    """Returns a request's frame. data_json is put in as it is, so that its numbers keep their digits."""
    budget = "" if timeout_ms is None else f',"timeoutMs":{timeout_ms}'
    text = f'{{"id":{json.dumps(request_id)},"op":{json.dumps(op)}{budget},"data":{data_json}}}'
    body = text.encode("utf-8")
    return struct.pack(">I", len(body)) + body


def port_number(text):
    if not (text.isdecimal() and 1 <= int(text) <= 65535):
        raise argparse.ArgumentTypeError(f'"{text}" is not an integer from 1 to 65535')
    return int(text)


def trouble(message):
    print(f"client.py: {message}", file=sys.stderr)
    return 2


def main():
    parser = argparse.ArgumentParser(description="Sends one request to a trama server and prints the reply.")
    parser.add_argument("host")
    parser.add_argument("port", type=port_number)
    parser.add_argument("op")
    parser.add_argument("data", nargs="?", default="null", help="JSON")
    parser.add_argument("--timeout", type=float, help="in seconds")
    arguments = parser.parse_args()
    try:
        json.loads(arguments.data)
    except ValueError as error:
        return trouble(f"DATA is not JSON ({error}). Put JSON in single quotes, as in '\"text\"' or '[1,2]'.")
    try:
        client = Client(arguments.host, arguments.port)
    except OSError as error:
        return trouble(f"cannot connect to {arguments.host}:{arguments.port}: {error.strerror or error}")
    try:
        with client:
            reply = json.loads(client.call_raw(arguments.op, arguments.data, arguments.timeout))
    except (OSError, ValueError) as error:
        return trouble(error)
    print(json.dumps(reply, indent=2, ensure_ascii=False))
    return 0 if reply["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
