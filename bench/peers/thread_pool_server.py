"""The same protocol with Python's standard library: a thread for each connection's reads and a pool for the work.
Prints `listening PORT`."""

import json
import os
import socketserver
import struct
import threading
from concurrent.futures import ThreadPoolExecutor

OPERATIONS = {
    "echo": lambda data: data,
    "upper": lambda data: data.upper(),
    "sum": lambda data: float(sum(data)),
}
pool = ThreadPoolExecutor(max_workers=min(32, (os.cpu_count() or 1) + 4))


def answer(body):
    request_id = None
    try:
        request = json.loads(body)
        request_id = request["id"]
        reply = {"id": request_id, "ok": True, "result": OPERATIONS[request["op"]](request.get("data"))}
    except Exception as error:
        reply = {"id": request_id, "ok": False, "error": str(error)}
    encoded = json.dumps(reply).encode()
    return struct.pack(">I", len(encoded)) + encoded


class Connection(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True
    rbufsize = 64 * 1024

    def handle(self):
        lock = threading.Lock()

        def work(body):
            frame = answer(body)
            try:
                with lock:
                    self.request.sendall(frame)
            except OSError:
                pass  # The client is gone.

        while len(header := self.rfile.read(4)) == 4:
            (length,) = struct.unpack(">I", header)
            body = self.rfile.read(length)
            if len(body) < length:
                return
            pool.submit(work, body)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 512


with Server(("127.0.0.1", 0), Connection) as server:
    print("listening", server.server_address[1], flush=True)
    server.serve_forever()
