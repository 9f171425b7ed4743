import { dirname } from 'node:path';
import * as assert from 'uvu/assert';
import { runProgram } from '../cli/run-cli.js';
import { openPeer, serverFor, slowOpsPath } from '../client/support.js';
import { tokenFile } from '../server/access/support.js';
import { openServer } from '../server/support.js';
import { suite } from '../support/suite.js';
import { clientPath, pythonFlags, script } from './python.js';

const test = suite('examples/client.py');
const server = serverFor(test, ['--ops', slowOpsPath, '--workers', '1']);

test.needs('python3', 'calls give Python values, and large integers keep their digits', async () => {
  const lines = `
    print(trama.call("sum", [0.1, 0.2]))
    print(trama.call("upper", "straße"))
    print(trama.call("echo", {"n": 12345678901234567890, "none": None}, timeout=5))
    print(trama.call("echo"))
    print(trama.call_raw("echo", "1.50"))`;
  const [sum, upper, echo, nothing, raw] = await script(server().port, lines);
  assert.equal([sum, upper, nothing], ['0.3', 'STRASSE', 'None']);
  assert.is(echo, "{'n': 12345678901234567890, 'none': None}");
  assert.match(raw!, /"ok":true,"result":1\.50\}$/);
});

test.needs('python3', 'a close while a connection is made ends that connection too', async () => {
  const lines = `
    made = []
    class Late(client.Connection):
        def __init__(self, *address):
            super().__init__(*address)
            made.append(self)
            trama.close()
    client.Connection = Late
    try:
        trama.call_stream("sum", [b"[1]"], 3)
    except ConnectionError as error:
        print(error)
    print(len(made), made[0]._socket.fileno(), trama._connections)`;
  assert.equal(await script(server().port, lines, 'import client'), ['the client was closed', '1 -1 []']);
});

test.needs('python3', 'an error reply is a TramaError with its code, which may go to another process', async () => {
  const lines = `
    try:
        trama.call("sum", [1, "two"])
    except TramaError as error:
        print(error.code, error.retryable, error.retry_after, "index 1" in str(error))
        copy = pickle.loads(pickle.dumps(error))
        print(copy.code, str(copy) == str(error))
    print(trama.call("echo", "still connected"))`;
  assert.equal(await script(server().port, lines, 'import pickle'), [
    'BAD_DATA False None True',
    'BAD_DATA True',
    'still connected',
  ]);
});

test.needs('python3', 'a call that is late is a TimeoutError which names the limit, whoever noticed', async (t) => {
  const lines = `
    for limit in [{"timeout": 0.05}, {}]:
        try:
            trama.call("wait", 3600000, **limit)
        except TimeoutError as error:
            print(type(error).__name__, error)`;
  // The real limit by default would keep the test waiting.
  const short = 'import client; client.TIMEOUT_SECONDS = 0.1; client.Client.call.__defaults__ = (None, 0.1)';
  const [given, byDefault] = await script(server().port, lines, short);
  assert.match(given!, /^DeadlineExceeded .*; the call had 0\.05 s \(as given\)$/);
  assert.match(
    byDefault!,
    /^DeadlineExceeded .*; the call had 0\.1 s \(by default; timeout=… sets another, and None none\)$/,
  );
  const silent = await openPeer(t, () => {});
  const [late] = await script(silent.port, lines, short);
  assert.match(late!, /^TimeoutError no reply from 127\.0\.0\.1:\d+ within 0\.05 s \(as given\)$/);
});

test.needs('python3', 'without a word on it a call has thirty seconds, which the server is told', async (t) => {
  const peer = await openPeer(t, ({ id, timeoutMs }, { send }) => send({ id, ok: true, result: timeoutMs ?? null }));
  const lines = `
    print(29000 < trama.call("echo") <= 30000, trama.call("echo", timeout=5) <= 5000, trama.call("echo", timeout=None))`;
  assert.equal(await script(peer.port, lines), ['True True None']);
});

test.needs('python3', 'many calls share a round trip, and one that fails does not spoil the others', async () => {
  const lines = `
    results = trama.call_many([("wait", 50)] + [("echo", n) for n in range(1000)] + [("nope", 1)])
    print(results[0], results[1:1001] == list(range(1000)), results[1001].code)
    large = "x" * 1000000
    print(all(result == large for result in trama.call_many([("echo", large)] * 30)))`;
  assert.equal(await script(server().port, lines), ['waited True UNKNOWN_OP', 'True']);
});

test.needs('python3', 'data that is not JSON is refused before it is sent', async () => {
  const lines = `
    for data in [float("nan"), {1}, Decimal("inf")]:
        try:
            trama.call("echo", data)
        except (TypeError, ValueError) as error:
            print(type(error).__name__, error)
    print(trama.call("echo", 1))`;
  const [nan, set, decimal, after] = await script(server().port, lines, 'from decimal import Decimal');
  assert.match(nan!, /^ValueError Out of range float values/);
  assert.is(set, 'TypeError JSON cannot say what a set is');
  assert.is(decimal, 'ValueError JSON has no number for Infinity');
  assert.is(after, '1');
});

test.needs('python3', 'decimals keep their digits both ways, and arrays are lists', async () => {
  const lines = `
    print(trama.call("sum", [Decimal("0.1"), Decimal("1e-400"), Decimal("0.20")]))
    data = {"price": Decimal("12345678901234567890.10"), "text": "0.1", "array": array.array("d", [0.5])}
    print(trama.call("echo", data)["price"])
    with Client("127.0.0.1", int(sys.argv[1]), parse_float=Decimal) as exact:
        print(exact.call("echo", data) == dict(data, array=[0.5]))`;
  const imports = 'import array\nfrom decimal import Decimal';
  assert.equal(await script(server().port, lines, imports), ['0.3', '1.2345678901234567e+19', 'True']);
});

test.needs('python3', 'a peer that breaks off or sends something else ends the call, in words', async (t) => {
  const lines = `
    for _ in range(2):
        try:
            trama.call("echo", 1, timeout=10)
        except OSError as error:
            print(type(error).__name__, error)`;
  const twice = async (port: number, pattern: RegExp) => {
    const printed = await script(port, lines);
    assert.is(printed.length, 2);
    // The second call has a new connection.
    for (const line of printed) assert.match(line, pattern);
  };
  const ends = await openPeer(t, (_, { socket }) => socket.end('\0\0\0\x20{"id":'));
  await twice(ends.port, /^ConnectionError 127\.0\.0\.1:\d+ closed the connection before the reply was whole$/);
  const web = await openPeer(t, (_, { socket }) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'));
  await twice(
    web.port,
    /^ConnectionError .* answers in HTTP: the framed protocol is on another port, 5000 by default$/,
  );
  const other = await openPeer(t, (_, { send }) => send({ id: 'other', ok: true, result: 1 }));
  await twice(other.port, /^ConnectionError the server sent a reply to 'other', which nobody asked for$/);
  const strange = await openPeer(t, (_, { send }) => send('[1]'));
  await twice(strange.port, /^ConnectionError .* sent what is no reply of trama's: b'\[1\]'$/);
  const huge = await openPeer(t, (_, { socket }) => socket.write('\x7f\xff\xff\xff'));
  await twice(huge.port, /^ConnectionError .* announces a reply of \d+ bytes; at most \d+ are taken$/);
});

test.needs(
  'python3',
  'a server that is not there is named, with the class of error that Python has for it',
  async (t) => {
    const peer = await openPeer(t, () => {});
    await peer.stop();
    const lines = `
    pass`;
    const imports = `
try:
    Client("127.0.0.1", int(sys.argv[1]))
except ConnectionRefusedError as error:
    print(error)
try:
    Client("no-such-host.invalid", 5000)
except ConnectionError as error:
    print(error)`;
    const [refused, unknown] = await script(
      server().port,
      lines,
      imports.replace('int(sys.argv[1])', String(peer.port)),
    );
    assert.is(refused, `cannot connect to 127.0.0.1:${peer.port}: Connection refused`);
    assert.match(unknown!, /^cannot connect to no-such-host\.invalid:5000: ./);
  },
);

test.needs(
  'python3',
  'a connection that the server ended between two calls is made anew, and a closed client says so',
  async (t) => {
    const peer = await openPeer(t, ({ id, data }, { send, socket }) => {
      send({ id, ok: true, result: data });
      socket.end();
    });
    const lines = `
    for n in range(3):
        print(trama.call("echo", n))
        # Until the end of the connection is there.
        select.select([trama._main._socket], [], [])
    trama.close()
    trama.close()
    try:
        trama.call("echo", 1)
    except ConnectionError as error:
        print(error)`;
    assert.equal(await script(peer.port, lines, 'import select'), ['0', '1', '2', 'the client was closed']);
    assert.is(peer.connections.length, 3);
  },
);

test.needs(
  'python3',
  'arguments that are wrong are refused before anything is sent, and the client stays open',
  async () => {
    const lines = `
    for arguments in [("echo", {1}), (5, 1), ("echo", float("inf"))]:
        try:
            trama.call(*arguments)
        except (TypeError, ValueError) as error:
            print(type(error).__name__)
    for timeout in [float("inf"), float("nan"), 1e10, -1, 1e-320, "5"]:
        try:
            trama.call("echo", 1, timeout=timeout)
        except (TypeError, ValueError) as error:
            print(type(error).__name__)
    for arguments in [("sum", "[1]"), ("sum", [b"[1]"], -1), ("sum", [b"[1]"], 1 << 32), (5, [b"[1]"], 3), ("sum", io.StringIO("[1]"))]:
        try:
            trama.call_stream(*arguments)
        except (TypeError, ValueError) as error:
            print(type(error).__name__)
    print(trama.call("echo", "\\ud800") == "\\ud800", trama.call("echo", "open"))`;
    const [v, t] = ['ValueError', 'TypeError'];
    const printed = await script(server().port, lines, 'import io');
    assert.equal(printed, [t, t, v, v, v, v, v, v, t, t, v, v, t, t, 'True open']);
  },
);

test.needs('python3', 'threads share a client: each gets its own results, and streams go on beside calls', async () => {
  const lines = `
    results = {}
    def work(n):
        if n % 4 == 0:
            results[n] = trama.call_stream("sum", [b"[", b"%d" % n, b"]"])
        else:
            results[n] = [trama.call("echo", [n, k])[0] for k in range(50)]
    threads = [threading.Thread(target=work, args=(n,)) for n in range(12)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    print(all(results[n] == (float(n) if n % 4 == 0 else [n] * 50) for n in range(12)))`;
  assert.equal(await script(server().port, lines, 'import threading'), ['True']);
});

test.needs('python3', 'close() ends the call of another thread', async (t) => {
  const peer = await openPeer(t, () => {});
  const lines = `
    def work():
        try:
            trama.call("echo", 1, timeout=None)
        except ConnectionError as error:
            print(error)
    thread = threading.Thread(target=work)
    thread.start()
    while not trama._lock.locked(): pass
    trama.close()
    thread.join()`;
  assert.equal(await script(peer.port, lines, 'import threading'), ['the client was closed']);
});

test.needs(
  'python3',
  'a silent server is asked whether it is there, and given up where it does not answer',
  async (t) => {
    const silent = await openPeer(t, () => {});
    const lines = `
    pass
with Client("127.0.0.1", int(sys.argv[1]), idle_timeout=0.05) as trama:
    for call in [lambda: trama.call("echo", 1, timeout=None), lambda: trama.call_stream("sum", [b"[1]"])]:
        try:
            call()
        except TimeoutError as error:
            print(error)`;
    const printed = await script(silent.port, lines);
    assert.is(printed.length, 2);
    for (const line of printed) {
      assert.match(line, /^127\.0\.0\.1:\d+ has been silent for 0\.05 s, also when asked with \$ping$/);
    }
    assert.equal(
      silent.requests.map(({ op }) => op),
      ['echo', '$ping', 'sum', '$ping'],
    );
  },
);

test.needs('python3', 'a server that computes for long, and answers $ping, is waited for', async (t) => {
  let asked = '';
  const busy = await openPeer(t, ({ id, op }, { send }) => {
    if (op !== '$ping') asked = id;
    else {
      send({ id, ok: true, result: { pong: true } });
      if (busy.requests.length === 3) send({ id: asked, ok: true, result: 'at last' });
    }
  });
  const lines = `
    pass
with Client("127.0.0.1", int(sys.argv[1]), idle_timeout=3) as trama:
    print(trama.call("think", timeout=None))`;
  assert.equal(await script(busy.port, lines), ['at last']);
});

test.needs('python3', 'a token is sent before all else, streams included; a wrong one is a TramaError', async (t) => {
  const file = tokenFile(t, { app: {} });
  const { port } = await openServer(t, { auth: 'required', tokensFile: file.path });
  const program = `
import io, sys
from client import Client, TramaError
port, token = int(sys.argv[1]), sys.argv[2]
with Client("127.0.0.1", port, token=lambda: token) as trama:
    print(trama.call("sum", [1, 2]), trama.call_stream("sum", io.BytesIO(b"[1,2]")))
try:
    Client("127.0.0.1", port, token="trama_wrong")
except TramaError as error:
    print(error.code)
try:
    with Client("127.0.0.1", port) as trama:
        trama.call("sum", [1])
except TramaError as error:
    print(error.code)`;
  const args = [...pythonFlags, '-c', program, `${port}`, file.tokens.app!];
  const run = await runProgram('python3', args, '', { PYTHONPATH: dirname(clientPath) });
  assert.equal([run.stderr, run.stdout], ['', '3.0 3.0\nUNAUTHENTICATED\nUNAUTHENTICATED\n']);
  const byVariable = [...pythonFlags, clientPath, '127.0.0.1', `${port}`, 'sum', '[4]'];
  const shell = await runProgram('python3', byVariable, '', { TRAMA_TOKEN: file.tokens.app! });
  assert.match(shell.stdout, /"result": ?4\.0/);
});

test.run();
