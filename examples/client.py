#!/usr/bin/env python3
"""A trama client in Python's standard library (3.8 or newer): one file, to be imported or copied.

From a program:

    from client import Client, TramaError

    with Client("127.0.0.1", 5000) as trama:
        trama.call("sum", [1, 2, 3, 4])                               # 10.0
        trama.call("sum", [Decimal("0.1"), Decimal("0.2")])           # 0.3: digits are sent as they are
        trama.call("echo", {"any": "JSON"}, timeout=2.5)
        trama.call_many([("upper", "straße"), ("sum", [0.1, 0.2])])   # one round trip, results in order
        with open("numbers.json", "rb") as file:                      # of any size, in constant memory
            trama.call_stream("sum", file)

client_csv.py and client_ndjson.py beside it take numbers out of files. client_program.py is for the shell:

    python3 client.py 127.0.0.1 5000 sum '[1,2,3,4]'

How it works: a frame is the length of a JSON object as four bytes, big-endian, and then the object. A request is
{"id", "op", "data"}; its reply has the same "id" and either "ok": true and a "result", or "ok": false with an "error"
for people and a "code" for programs. Replies may come in another order than their requests.
"""

from __future__ import annotations

import collections
import contextlib
import io
import json
import math
import os
import re
import selectors
import socket
import ssl
import stat
import struct
import sys
import tempfile
import threading
import time
import uuid
from decimal import Decimal
from typing import Any, Callable, Deque, Dict, Iterable, Iterator, List, NamedTuple, Optional, Set, Tuple, Union

# The time that a call may take, where it is not given another.
TIMEOUT_SECONDS = 30.0

# A server from which nothing comes for so long, not even an answer to $ping, or which takes nothing, is given up.
IDLE_TIMEOUT_SECONDS = 60.0

# After its time a call waits this much longer for the server's own word on it.
REPLY_GRACE_SECONDS = 0.5

# The longest time that a call may have, about 31 years, and the shortest. A much smaller one would be 0 for the server.
TIMEOUT_SECONDS_MAX = 1e9
TIMEOUT_SECONDS_MIN = 1e-6

# The system's functions take no longer wait than 24 days. A longer one is made of several.
WAIT_SECONDS_MAX = 3600.0

# Requests whose replies call_many lets be under way at once: a server bounds what it holds for one connection.
IN_FLIGHT_MAX = 256

# A longer reply is refused: its length is what the server says, and the memory is ours.
REPLY_BYTES_MAX = 1 << 30

# How often a call is sent again that servers which drain have refused.
REFUSED_TRIES_MAX = 16

# Where a server drains and no other can be had, the next attempt to find one comes no earlier.
MOVE_PAUSE_SECONDS = 0.5

# All that the length before a frame can say.
FRAME_BYTES_MAX = (1 << 32) - 1

# Bytes that are read from a file and given to the kernel at once.
SEND_BYTES = 1 << 20

# Bytes that are taken from the kernel at once. For much more, Python would ask the system for memory at each read.
RECEIVE_BYTES = 1 << 16

# Small chunks of a stream are joined up to this size.
JOINED_BYTES = 1 << 16

# Data of unknown length is kept in memory up to this size, and beyond it in a temporary file.
SPOOL_MEMORY_BYTES = 1 << 23

# What a server of HTTP begins with, read as the length of a frame.
HTTP_AS_LENGTH = int.from_bytes(b"HTTP", "big")

# The members of a reply come in this order. An id is as we wrote it: these have no escapes.
REPLY_HEAD = re.compile(rb'\s*\{"id":(?:"([^"]*)"|null),"ok":(true|false),')

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE

# What a socket that does not wait raises where it would have to, with TLS and without.
WOULD_BLOCK = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)

# Chunks of bytes: an iterable, or a file that is open for reading in binary mode.
Chunks = Union[Iterable[bytes], io.BufferedIOBase, io.RawIOBase]


class TramaError(Exception):
    """The server answered with an error.

    code is stable and for programs, such as "BAD_DATA"; str(error) is for people. retryable tells whether the very
    same call may succeed later: after retry_after seconds, where the server names them.
    """

    def __init__(self, message: str, code: Optional[str] = None, retry_after: Optional[float] = None) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after = retry_after
        self.retryable = code in ("OVERLOADED", "SHUTTING_DOWN")

    def __reduce__(self) -> Tuple[Any, ...]:
        """An error can go to another process."""
        return type(self), (str(self), self.code, self.retry_after)


class DeadlineExceeded(TramaError, TimeoutError):
    """The server answered that the time of the call had run out. `except TimeoutError` takes this, and a silent server."""


class TimeLimit:
    """The time that a call has from now on: seconds, or None for no limit. Raises TypeError or ValueError."""

    def __init__(self, seconds: Optional[float]) -> None:
        check_seconds("timeout", seconds)
        self._seconds = seconds
        self._ends_at = None if seconds is None else time.monotonic() + seconds

    def left(self, grace: float = 0.0) -> float:
        """Seconds until the end, not below 0; infinite where there is no limit."""
        return float("inf") if self._ends_at is None else max(0.0, self._ends_at + grace - time.monotonic())

    def milliseconds(self) -> Optional[int]:
        """What is left, as a request says it."""
        return None if self._ends_at is None else max(1, math.ceil(self.left() * 1000))

    def __str__(self) -> str:
        which = "by default; timeout=… sets another, and None none" if self._seconds == TIMEOUT_SECONDS else "as given"
        return f"{self._seconds:g} s ({which})"


class Reply(NamedTuple):
    """A reply as it came. id is None where the server could not read the request's own."""

    id: Optional[str]
    ok: bool
    body: bytes


class Connection:
    """Frames in both directions over one socket, without a thread: what comes is also read while much is sent.

    A server stops reading from a client that reads nothing itself, and may answer before it has the whole request.
    """

    def __init__(
        self,
        host: str,
        port: int,
        connect_timeout: Optional[float],
        idle_timeout: Optional[float],
        tls: Optional[ssl.SSLContext] = None,
    ) -> None:
        self._peer = f"{host}:{port}"
        self._idle_seconds = float("inf") if idle_timeout is None else idle_timeout
        self._buffer = bytearray()
        self._replies: Deque[Reply] = collections.deque()
        self._ended: Optional[str] = None
        # The server drains: what is new should go elsewhere. It says so where ask_draining has asked.
        self.is_leaving = False
        self._socket = connect(host, port, connect_timeout, tls)
        # Not epoll: that takes a file descriptor, and poll is as quick for one socket.
        self._selector = getattr(selectors, "PollSelector", selectors.SelectSelector)()
        self._events = READ
        self._selector.register(self._socket, READ)

    def send(self, blocks: Iterable[bytes], limit: TimeLimit, until_reply: bool = False) -> None:
        """Sends the blocks. Returns early where the server has ended the connection, or, if wanted, when a reply is there."""
        for block in blocks:
            # The source of the blocks may be slow.
            self._check(limit)
            rest = memoryview(block)
            while len(rest) > 0:
                try:
                    rest = rest[self._socket.send(rest) :]
                except WOULD_BLOCK:
                    ready = self._wait(READ | WRITE, limit, self._idle_seconds)
                    if ready == 0:
                        raise TimeoutError(f"{self._peer} has taken nothing for {self._idle_seconds:g} s") from None
                    if ready & READ:
                        self._read()
                except OSError as error:
                    # It may have answered before: that is still to be read.
                    self._ended = f"lost the connection to {self._peer}: {error.strerror}"
                if self._ended is not None:
                    return
            if until_reply:
                self._read()
                if self._replies:
                    return

    def ask_draining(self, limit: TimeLimit) -> None:
        """Asks to be told when the server begins to drain: see is_leaving."""
        self.send([frame("$draining", None, '"$draining"', b"null")], limit)

    def receive(self, limit: TimeLimit) -> Reply:
        """The next reply. A server that computes for long is asked with $ping whether it is still there."""
        asked = False
        while not self._replies:
            if self._ended is not None and not self._read():
                raise ConnectionError(self._ended)
            if self._wait(READ, limit, self._idle_seconds / 2) != 0:
                asked = not self._read() and asked
            elif asked:
                raise TimeoutError(f"{self._peer} has been silent for {self._idle_seconds:g} s, also when asked with $ping")
            else:
                self.send([frame("ping", None, '"$ping"', b"null")], limit)
                asked = True
        return self._replies.popleft()

    def is_fresh(self) -> bool:
        """Tells whether a request can be sent: the server has not ended the connection since the last one."""
        while self._ended is None and not self._replies and self._read():
            pass
        return self._ended is None and not self._replies and not self._buffer

    def wake(self) -> None:
        """Ends the connection from another thread: who waits for it sees its end."""
        with contextlib.suppress(OSError):
            # Not the method of a TLS socket: that would go on without TLS.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def close(self, reset: bool = False) -> None:
        """A reset tells the server to give up what it still does for us. An ordinary end would mean: no more requests."""
        if reset:
            with contextlib.suppress(OSError):
                linger = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._selector.close()
        self._socket.close()

    def _wait(self, events: int, limit: TimeLimit, patience: float) -> int:
        """Waits for any of the events and returns those that are there; 0 after so many seconds without one."""
        if events != self._events:
            self._selector.modify(self._socket, events)
            self._events = events
        gives_up_at = time.monotonic() + patience
        while True:
            time_left = self._check(limit)
            patience_left = max(0.0, gives_up_at - time.monotonic())
            ready = self._selector.select(min(time_left, patience_left, WAIT_SECONDS_MAX))
            if ready or patience_left == 0:
                return ready[0][1] if ready else 0

    def _check(self, limit: TimeLimit) -> float:
        """Returns the seconds that are left for the server's own word on it. Raises TimeoutError where none are."""
        time_left = limit.left(REPLY_GRACE_SECONDS)
        if time_left == 0:
            raise TimeoutError(f"no reply from {self._peer} within {limit}")
        return time_left

    def _read(self) -> bool:
        """Takes what the kernel has, without waiting. Returns whether that was anything."""
        try:
            data = self._socket.recv(RECEIVE_BYTES)
        except WOULD_BLOCK:
            return False
        except OSError as error:
            self._ended = self._ended or f"lost the connection to {self._peer}: {error.strerror}"
            return False
        if not data:
            self._ended = self._ended or f"{self._peer} closed the connection before the reply was whole"
            return False
        self._buffer += data
        self._take_frames()
        return True

    def _take_frames(self) -> None:
        while len(self._buffer) >= 4:
            (length,) = struct.unpack_from(">I", self._buffer)
            if length == HTTP_AS_LENGTH:
                raise ConnectionError(f"{self._peer} answers in HTTP: the framed protocol is on another port, 5000 by default")
            if length > REPLY_BYTES_MAX:
                raise ConnectionError(f"{self._peer} announces a reply of {length} bytes; at most {REPLY_BYTES_MAX} are taken")
            if len(self._buffer) < 4 + length:
                return
            with memoryview(self._buffer) as view:
                body = bytes(view[4 : 4 + length])
            del self._buffer[: 4 + length]
            head = REPLY_HEAD.match(body)
            if head is None:
                raise ConnectionError(f"{self._peer} sent what is no reply of trama's: {body[:40]!r}")
            request_id = None if head.group(1) is None else head.group(1).decode("utf-8", "replace")
            reply = Reply(request_id, head.group(2) == b"true", body)
            if request_id == "$draining":
                self._take_notice(reply)
            elif request_id != "ping":
                self._replies.append(reply)

    def _take_notice(self, reply: Reply) -> None:
        """Takes the reply to $draining. An older server, which does not know it, is as good."""
        if reply.ok:
            self.is_leaving = json.loads(reply.body).get("result") == {"draining": True}
            if not self.is_leaving:
                # The last thing that it says.
                self._ended = self._ended or f"{self._peer} ends the connection"
            return
        error = error_of(reply)
        # It was the first request on the connection: what comes after it has no reply.
        if error.code == "UNAUTHENTICATED":
            raise error
        self.is_leaving = error.code == "SHUTTING_DOWN"


class Client:
    """Calls over one connection, and each stream over a connection of its own. Times are in seconds.

    A call raises OSError (ConnectionError, TimeoutError) where the connection fails or the time runs out. Whether the
    work was done is not known in that case. The connection is then given up, and the next call makes a new one; so it
    does where the server was started anew in between. Arguments are checked before anything is sent: TypeError,
    ValueError.

    A call has 30 seconds; timeout=… gives it another time, None no limit. A server from which nothing comes for
    idle_timeout, not even an answer to $ping, or which takes nothing, is given up whatever the limit is.

    A server that is about to end says so. The calls after that go to another one, over a new connection to the same address,
    where one can be had, and to the old one else. What the server refuses for that reason did not run, and is sent again.

    Threads may share a client: their calls wait for each other, their streams do not. close() ends the calls of other
    threads. Ctrl-C ends a call, and the server is told to give up its work.

    parse_float is what json.loads takes: Client(parse_float=Decimal) keeps the digits of results.

    token says who this is, or is a function that gives it for each connection. One that the server does not take is a
    TramaError with the code "UNAUTHENTICATED".

    tls=True encrypts and checks the server's certificate against the authorities that Python knows, or those of the PEM
    file cafile; the certificate must be for host. tls may be an ssl.SSLContext, with a certificate of one's own for one.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 5000,
        connect_timeout: Optional[float] = 5.0,
        idle_timeout: Optional[float] = IDLE_TIMEOUT_SECONDS,
        parse_float: Optional[Callable[[str], Any]] = None,
        token: Union[None, str, Callable[[], str]] = None,
        tls: Union[bool, ssl.SSLContext] = False,
        cafile: Optional[str] = None,
    ) -> None:
        check_seconds("connect_timeout", connect_timeout)
        check_seconds("idle_timeout", idle_timeout)
        self._address = (host, port)
        self._connect_timeout = connect_timeout
        self._settings = (idle_timeout, tls_context(tls, cafile))
        self._parse_float = parse_float
        self._token = token
        self._lock = threading.Lock()
        self._closed = False
        self._connections: List[Connection] = []
        self._moves_again_at = 0.0
        self._main: Optional[Connection] = self._connect(self._connect_timeout, asks_draining=True)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connections. Calls that other threads have under way fail with ConnectionError."""
        self._closed = True
        for connection in list(self._connections):
            connection.wake()
        # Whoever has a call under way closes its connection itself: its number must not become another file's meanwhile.
        if self._lock.acquire(blocking=False):
            try:
                self._drop_main()
            finally:
                self._lock.release()

    def call(self, op: str, data: Any = None, timeout: Optional[float] = TIMEOUT_SECONDS) -> Any:
        """Returns the result of one operation. data is what json.dumps takes; a Decimal keeps its digits, and what has
        a tolist(), such as an array of NumPy, is sent as that list. Raises TramaError for an error reply."""
        limit = TimeLimit(timeout)
        (reply,) = self._exchange([(op, to_json(data))], limit)
        return self._result(reply, limit)

    def call_raw(self, op: str, data_json: str, timeout: Optional[float] = TIMEOUT_SECONDS) -> str:
        """Takes data as JSON text and returns the reply as JSON text, an error reply too: no digit is touched."""
        (reply,) = self._exchange([(op, data_json)], TimeLimit(timeout))
        return reply.body.decode("utf-8")

    def call_many(self, calls: Iterable[Tuple[str, Any]], timeout: Optional[float] = TIMEOUT_SECONDS) -> List[Any]:
        """Runs (op, data) pairs at once and returns their results in the same order.

        Where an operation fails, its place holds a TramaError, which is not raised: the others' results count too.
        timeout is for all of them together.
        """
        limit = TimeLimit(timeout)
        replies = self._exchange([(op, to_json(data)) for op, data in calls], limit)
        return [self._result(reply, limit) if reply.ok else error_of(reply, limit) for reply in replies]

    def call_stream(
        self, op: str, chunks: Chunks, byte_length: Optional[int] = None, timeout: Optional[float] = None
    ) -> Any:
        """Calls an operation with data of up to 4 GiB, in constant memory, and returns its result.

        chunks has one JSON value: a file in binary mode, or an iterable of bytes objects. Where byte_length is not
        given and chunks is not a plain file, the data goes into a temporary file first (see tempfile.gettempdir()),
        since a frame begins with its length. The value is checked by the server. A fault that it sees early stops the
        sending. Without a timeout there is no limit but idle_timeout, which does not count the source's own time.
        """
        limit = TimeLimit(timeout)
        return self._result(self._stream(op, chunks, byte_length, limit), limit)

    def call_raw_stream(
        self, op: str, chunks: Chunks, byte_length: Optional[int] = None, timeout: Optional[float] = None
    ) -> str:
        """Like call_stream, and returns the reply as JSON text, an error reply too."""
        return self._stream(op, chunks, byte_length, TimeLimit(timeout)).body.decode("utf-8")

    def _result(self, reply: Reply, limit: TimeLimit) -> Any:
        if not reply.ok:
            raise error_of(reply, limit)
        return json.loads(reply.body, parse_float=self._parse_float)["result"]

    def _stream(self, op: str, chunks: Chunks, byte_length: Optional[int], limit: TimeLimit) -> Reply:
        request_id = str(uuid.uuid4())
        op_json, _ = encode_call(op, "")
        with measured(chunks, byte_length, limit) as (source, data_bytes):
            head = frame_head(request_id, limit.milliseconds(), op_json, data_bytes)
            connection = self._connect(self._connect_timeout)
            reply = None
            try:
                connection.send(joined(source, head, data_bytes), limit, until_reply=True)
                reply = connection.receive(limit)
                check_id(reply, {request_id})
                return reply
            except OSError as error:
                raise self._told(error)
            finally:
                self._connections.remove(connection)
                connection.close(reset=reply is None)

    def _exchange(self, calls: List[Tuple[str, str]], limit: TimeLimit) -> List[Reply]:
        """Sends (op, JSON text) pairs and returns their replies in the same order."""
        # Everything that can be wrong with an argument shows here, before the socket is touched.
        bodies = [encode_call(op, data_json) for op, data_json in calls]
        ids = [str(uuid.uuid4()) for _ in calls]
        replies: Dict[str, Reply] = {}
        waiting = collections.deque(zip(ids, bodies))
        tries_left = REFUSED_TRIES_MAX
        while waiting:
            batch = dict(waiting.popleft() for _ in range(min(len(waiting), IN_FLIGHT_MAX)))
            with self._turn(limit) as connection:
                timeout_ms = limit.milliseconds()
                connection.send([b"".join(frame(each, timeout_ms, *body) for each, body in batch.items())], limit)
                missing = set(batch)
                while missing:
                    reply = connection.receive(limit)
                    request_id = check_id(reply, missing)
                    missing.remove(request_id)
                    replies[request_id] = reply
                refused = [each for each in batch if is_refused(replies[each])]
                if refused and tries_left > 0 and self._move(limit):
                    tries_left -= 1
                    waiting.extendleft((each, batch[each]) for each in reversed(refused))
        return [replies[each] for each in ids]

    @contextlib.contextmanager
    def _turn(self, limit: TimeLimit) -> Iterator[Connection]:
        """Gives this thread the connection for one exchange. What ends that early ends the connection too: half a
        request or half a reply may be on it."""
        if not self._lock.acquire(timeout=min(limit.left(), threading.TIMEOUT_MAX)):
            raise TimeoutError(f"other threads' calls have taken all of {limit}")
        try:
            # The server may have ended it since the last call. Nothing has been sent, so a new one is as good.
            if self._main is not None and not self._main.is_fresh():
                self._drop_main()
            if self._main is not None and self._main.is_leaving and time.monotonic() >= self._moves_again_at:
                # The attempt may have taken long.
                if not self._move(limit) and not self._main.is_fresh():
                    self._drop_main()
            if self._main is None:
                self._main = self._connect(self._connect_timeout, asks_draining=True)
            yield self._main
        except OSError as error:
            self._drop_main(reset=True)
            raise self._told(error)
        except BaseException:
            self._drop_main(reset=True)
            raise
        finally:
            if self._closed:
                self._drop_main()
            self._lock.release()

    def _move(self, limit: TimeLimit) -> bool:
        """Leaves a server that drains: goes on over another connection, once a server has answered on it. False where that
        cannot be had. Called in a turn, with no call under way."""
        seconds = min(limit.left(), self._connect_timeout or float("inf"))
        if seconds < TIMEOUT_SECONDS_MIN:
            return False
        try:
            connection = self._connect(None if math.isinf(seconds) else seconds, asks_draining=True, proves=True)
        except (OSError, TramaError):
            self._moves_again_at = time.monotonic() + MOVE_PAUSE_SECONDS
            if self._closed:
                raise
            return False
        # Its last reply has come: an ordinary end is what the server waits for.
        self._drop_main()
        self._main = connection
        return True

    def _connect(self, timeout: Optional[float], asks_draining: bool = False, proves: bool = False) -> Connection:
        if self._closed:
            raise ConnectionError("the client was closed")
        limit = TimeLimit(timeout)
        connection = Connection(*self._address, timeout, *self._settings)
        self._connections.append(connection)
        # A close that ran meanwhile has not seen this connection.
        if self._closed:
            self._connections.remove(connection)
            connection.close()
            raise ConnectionError("the client was closed")
        try:
            self._authenticate(connection)
            if asks_draining:
                connection.ask_draining(limit)
            if proves:
                self._prove(connection, limit)
        except BaseException:
            if connection in self._connections:
                self._connections.remove(connection)
            connection.close(reset=True)
            raise
        return connection

    def _authenticate(self, connection: Connection) -> None:
        """Says who this is, before anything else is sent."""
        if self._token is None:
            return
        token = self._token() if callable(self._token) else self._token
        limit = TimeLimit(self._connect_timeout)
        connection.send([frame("auth", None, '"$auth"', json.dumps({"token": token}).encode())], limit)
        reply = connection.receive(limit)
        if not reply.ok:
            raise error_of(reply)

    def _prove(self, connection: Connection, limit: TimeLimit) -> None:
        """Waits for a reply: that a balancer has taken the connection shows nothing. Raises where no server is there to stay."""
        connection.send([frame("proof", None, '"$ping"', b"null")], limit)
        reply = connection.receive(limit)
        if not reply.ok:
            raise error_of(reply)
        if connection.is_leaving:
            raise ConnectionError("the server that answered drains too")

    def _drop_main(self, reset: bool = False) -> None:
        connection, self._main = self._main, None
        if connection is not None:
            self._connections.remove(connection)
            connection.close(reset)

    def _told(self, error: OSError) -> OSError:
        return ConnectionError("the client was closed") if self._closed else error


def tls_context(tls: Union[bool, ssl.SSLContext], cafile: Optional[str]) -> Optional[ssl.SSLContext]:
    """The settings of TLS, or None for none. Raises TypeError, and OSError for a cafile that cannot be read."""
    if isinstance(tls, ssl.SSLContext):
        if cafile is not None:
            raise TypeError("cafile goes with tls=True; a context has its authorities already")
        return tls
    if not isinstance(tls, bool):
        raise TypeError(f"tls must be a bool or an ssl.SSLContext, not {type(tls).__name__}")
    return ssl.create_default_context(cafile=cafile) if tls or cafile is not None else None


def connect(host: str, port: int, timeout: Optional[float], tls: Optional[ssl.SSLContext] = None) -> socket.socket:
    """Raises TimeoutError or ConnectionError with a sentence that names the address."""
    try:
        connected = socket.create_connection((host, port), timeout=timeout)
    except socket.timeout:
        raise TimeoutError(f"cannot connect to {host}:{port} within {timeout:g} s") from None
    except OSError as error:
        kind = type(error) if isinstance(error, ConnectionError) else ConnectionError
        raise kind(f"cannot connect to {host}:{port}: {error.strerror or error}") from error
    try:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            connected = secured(connected, tls, host, port)
        connected.setblocking(False)
        return connected
    except BaseException:
        connected.close()
        raise


def secured(connected: socket.socket, tls: ssl.SSLContext, host: str, port: int) -> socket.socket:
    """Raises TimeoutError or ConnectionError with a sentence that names the address."""
    try:
        # The plain socket has no descriptor any more from then on, also where this fails.
        return tls.wrap_socket(connected, server_hostname=host)
    except socket.timeout:
        raise TimeoutError(f"{host}:{port} did not finish the TLS handshake in time; is it a port with TLS?") from None
    except OSError as error:
        reason = getattr(error, "verify_message", "") or getattr(error, "reason", "") or error.strerror or error
        raise ConnectionError(f"cannot speak TLS with {host}:{port}: {reason}") from error


def check_id(reply: Reply, missing: Set[str]) -> str:
    """The id of the request that a reply is for. Raises where that is none of those that miss one."""
    if reply.id in missing:
        return reply.id
    if reply.id is not None:
        raise ConnectionError(f"the server sent a reply to {reply.id!r}, which nobody asked for")
    # The server could not read a request, and so not its id either.
    if len(missing) > 1:
        raise error_of(reply)
    (request_id,) = missing
    return request_id


def is_refused(reply: Reply) -> bool:
    """Did the request not run, since the server drains?"""
    return not reply.ok and b'"SHUTTING_DOWN"' in reply.body and error_of(reply).code == "SHUTTING_DOWN"


def error_of(reply: Reply, limit: Optional[TimeLimit] = None) -> TramaError:
    """The error that an error reply stands for."""
    members = json.loads(reply.body)
    message, code, retry_after_ms = members.get("error"), members.get("code"), members.get("retryAfterMs")
    # The server may have a limit of its own, too. Its clock may be a little faster than ours.
    if code == "DEADLINE_EXCEEDED" and limit is not None and limit.left() < 0.01:
        message = f"{message}; the call had {limit}"
    kind = DeadlineExceeded if code == "DEADLINE_EXCEEDED" else TramaError
    return kind(message, code, None if retry_after_ms is None else retry_after_ms / 1000)


def to_json(data: Any) -> str:
    """Raises ValueError or TypeError for what JSON cannot say, such as NaN or a set.

    A lone surrogate has no UTF-8 and is written as its escape.
    """
    mark = ""

    def default(value: Any) -> Any:
        nonlocal mark
        if isinstance(value, Decimal):
            if not value.is_finite():
                raise ValueError(f"JSON has no number for {value}")
            # json writes no digits of others': they become a string first, with a mark that nobody can guess.
            mark = mark or uuid.uuid4().hex
            return f"{mark}{value}"
        if hasattr(value, "tolist"):
            return value.tolist()
        raise TypeError(f"JSON cannot say what a {type(value).__name__} is")

    text = json.dumps(data, ensure_ascii=False, allow_nan=False, default=default)
    if mark:
        text = re.sub(f'"{mark}([^"]*)"', r"\1", text)
    try:
        text.encode("utf-8")
        return text
    except UnicodeEncodeError:
        # Outside of strings JSON is ASCII.
        return re.sub("[\ud800-\udfff]", lambda match: f"\\u{ord(match.group()):04x}", text)


def check_seconds(name: str, value: Optional[float]) -> None:
    """Raises TypeError or ValueError for what is neither None nor a time."""
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number of seconds or None, not {type(value).__name__}")
    if not TIMEOUT_SECONDS_MIN <= value <= TIMEOUT_SECONDS_MAX:
        raise ValueError(f"{name} must be from {TIMEOUT_SECONDS_MIN} to {TIMEOUT_SECONDS_MAX} seconds, not {value}")


def encode_call(op: str, data_json: str) -> Tuple[str, bytes]:
    """Returns op as JSON and data_json in UTF-8. data_json is put in as it is, so that its numbers keep their digits."""
    for name, value in (("op", op), ("data_json", data_json)):
        if not isinstance(value, str):
            raise TypeError(f"{name} must be a str, not {type(value).__name__}")
    data = data_json.encode("utf-8")
    if len(data) + 6 * len(op) + 256 > FRAME_BYTES_MAX:
        raise ValueError(f"data of {len(data)} bytes does not fit into a frame")
    return json.dumps(op), data


def frame(request_id: str, timeout_ms: Optional[int], op_json: str, data: bytes) -> bytes:
    """Returns a request's frame."""
    return b"".join((frame_head(request_id, timeout_ms, op_json, len(data)), data, b"}"))


def frame_head(request_id: str, timeout_ms: Optional[int], op_json: str, data_bytes: int) -> bytes:
    """Returns what comes before the data: the frame's length and the other members."""
    budget = "" if timeout_ms is None else f',"timeoutMs":{timeout_ms}'
    head = f'{{"id":"{request_id}","op":{op_json}{budget},"data":'.encode("utf-8")
    length = len(head) + data_bytes + 1
    if length > FRAME_BYTES_MAX:
        raise ValueError(f"data of {data_bytes} bytes does not fit into a frame, which takes {FRAME_BYTES_MAX} in all")
    return struct.pack(">I", length) + head


@contextlib.contextmanager
def measured(chunks: Chunks, byte_length: Optional[int], limit: TimeLimit) -> Iterator[Tuple[Iterable[bytes], int]]:
    """Gives the chunks and how many bytes they have. Where that is not known they go into a temporary file first."""
    if byte_length is None:
        byte_length = bytes_left(chunks)
    elif isinstance(byte_length, bool) or not isinstance(byte_length, int) or byte_length < 0:
        raise ValueError(f"byte_length must be a whole number of bytes, not {byte_length!r}")
    if byte_length is not None:
        yield pieces(chunks), byte_length
        return
    with tempfile.SpooledTemporaryFile(SPOOL_MEMORY_BYTES) as spool:
        byte_length = 0
        for piece in pieces(chunks):
            byte_length += len(piece)
            if byte_length > FRAME_BYTES_MAX:
                raise ValueError(f"the data does not fit into a frame, which takes {FRAME_BYTES_MAX} bytes in all")
            if limit.left() == 0:
                raise TimeoutError(f"the data was not read within {limit}")
            spool.write(piece)
        spool.seek(0)
        yield pieces(spool), byte_length


def bytes_left(chunks: Chunks) -> Optional[int]:
    """How many bytes a source still has, where that shows without reading it."""
    if isinstance(chunks, (bytes, bytearray)):
        return len(chunks)
    if isinstance(chunks, io.BytesIO):
        return max(0, len(chunks.getbuffer()) - chunks.tell())
    # Others, such as a GzipFile, may have a file below them which is of another length.
    if isinstance(chunks, (io.BufferedReader, io.FileIO)) and stat.S_ISREG(os.fstat(chunks.fileno()).st_mode):
        return max(0, os.fstat(chunks.fileno()).st_size - chunks.tell())
    return None


def pieces(chunks: Any) -> Iterator[bytes]:
    """Gives the bytes of a file, of an iterable of bytes objects, or of one such object."""
    if isinstance(chunks, (bytes, bytearray)):
        chunks = [chunks]
    elif isinstance(chunks, str):
        raise TypeError("chunks must give bytes objects: encode the text")
    elif hasattr(chunks, "read"):
        # read1 gives what a pipe has. In a read of more, which waits in C, Ctrl-C may go unnoticed.
        read = getattr(chunks, "read1", chunks.read)
        chunks = iter(lambda: read(SEND_BYTES), b"")
    for chunk in chunks:
        if not isinstance(chunk, (bytes, bytearray)):
            hint = ": open the file with mode 'rb'" if isinstance(chunk, str) else ""
            raise TypeError(f"chunks must give bytes objects, not {type(chunk).__name__}{hint}")
        yield chunk


def joined(source: Iterable[bytes], head: bytes, data_bytes: int) -> Iterator[bytes]:
    """Gives a whole frame, in blocks that are worth a call to the kernel. Raises where the source is of another length."""
    block = bytearray(head)
    rest = data_bytes
    for chunk in source:
        rest -= len(chunk)
        if rest < 0:
            raise ValueError(f"byte_length is {data_bytes}, and chunks had more")
        if len(block) + len(chunk) <= JOINED_BYTES:
            block += chunk
            continue
        yield block
        block = bytearray()
        if len(chunk) < JOINED_BYTES:
            block += chunk
        else:
            yield chunk
    if rest > 0:
        raise ValueError(f"byte_length is {data_bytes}, and chunks ended after {data_bytes - rest}")
    yield block + b"}"


if __name__ == "__main__":
    from client_program import run

    sys.exit(run())
