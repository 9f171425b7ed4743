import { once } from 'node:events';
import * as assert from 'uvu/assert';
import { tempFile } from '../cli/run-cli.js';
import { openPeer, serverFor } from '../client/support.js';
import { suite } from '../support/suite.js';
import { script } from './python.js';

const test = suite('examples/client.py, streams');
const server = serverFor(test);

test.needs(
  'python3',
  'data of any size is streamed in constant memory, also in small and in empty chunks',
  async () => {
    const lines = `
    block = b"1," * (1 << 19)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    def chunks():
        yield b"["
        for _ in range(48):
            yield block
        yield b"0]"
    print(trama.call_stream("sum", chunks(), 48 * len(block) + 3))
    print(trama.call_stream("sum", chunks()))
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) < 24 * 1024)
    text = b"[" + b"1," * 20000 + b"0]"
    small = [text[n // 2:n // 2 + n % 2] for n in range(2 * len(text))]
    print(trama.call_stream("sum", small, len(text)), trama.call_stream("sum", small))`;
    const sum = `${48 * 2 ** 19}.0`;
    assert.equal(await script(server().port, lines, 'import resource'), [sum, sum, 'True', '20000.0 20000.0']);
  },
);

test.needs('python3', 'a file tells its own length, and what is no plain file is read to its end first', async (t) => {
  const path = tempFile(t, 'numbers.json', `xx[${'0.5,'.repeat(300_000)}1]`);
  const lines = `
    path = ${JSON.stringify(path)}
    with open(path, "rb") as file:
        file.seek(2)
        print(trama.call_stream("sum", file))
        # It would be read beyond, were it asked for its size alone.
        print(file.read() == b"")
    with gzip.open(path + ".gz", "wb") as packed, open(path, "rb") as file:
        packed.write(file.read()[2:])
    with gzip.open(path + ".gz", "rb") as packed:
        print(trama.call_stream("sum", packed))
    with subprocess.Popen(["tail", "-c", "+3", path], stdout=subprocess.PIPE) as process:
        print(trama.call_stream("sum", process.stdout))
    print(trama.call_stream("sum", io.BytesIO(b"[1,2]")), trama.call_stream("sum", b"[1,2]"))
    print(trama.call_raw_stream("echo", [b'{"n":1.', b"50}"]).split('"result":')[1])`;
  const sum = '150001.0';
  assert.equal(await script(server().port, lines, 'import gzip, io, subprocess'), [
    sum,
    'True',
    sum,
    sum,
    '3.0 3.0',
    '{"n":1.50}}',
  ]);
});

test.needs('python3', 'an error that the server sees early stops the sending, and the client stays open', async () => {
  const lines = `
    taken = 0
    def chunks():
        global taken
        yield b'["text",'
        while taken < 3500:
            taken += 1
            yield b" " * (1 << 20)
    try:
        trama.call_stream("sum", chunks(), 4000 << 20)
    except TramaError as error:
        print(error.code, "index 0" in str(error), taken < 3500)
    print(trama.call("echo", "open"))`;
  assert.equal(await script(server().port, lines), ['BAD_DATA True True', 'open']);
});

test.needs('python3', 'a source that fails, or is not as long as it was said, costs nothing but its call', async () => {
  const lines = `
    def failing():
        yield b"[1"
        raise RuntimeError("the disk is gone")
    for chunks, length in [([b"[1]"], 4), ([b"[1]"], 2), (failing(), 100), (failing(), None), (["[1]"], 3)]:
        try:
            trama.call_stream("sum", chunks, length)
        except Exception as error:
            print(type(error).__name__, error)
    print(trama.call("echo", "open"))`;
  assert.equal(await script(server().port, lines), [
    'ValueError byte_length is 4, and chunks ended after 3',
    'ValueError byte_length is 2, and chunks had more',
    'RuntimeError the disk is gone',
    'RuntimeError the disk is gone',
    "TypeError chunks must give bytes objects, not str: open the file with mode 'rb'",
    'open',
  ]);
});

test.needs('python3', 'more than a frame takes is refused in words, at the byte that is too much', async () => {
  const lines = `
    taken = 0
    def chunks():
        global taken
        while True:
            taken += 1
            yield b"[" + b" " * 999
    for length in [None, 100_000]:
        try:
            trama.call_stream("sum", chunks(), length)
        except ValueError as error:
            print(taken, error)`;
  // A frame of 4 GiB would take the test too long.
  const small = 'import client; client.FRAME_BYTES_MAX = 10_000';
  assert.equal(await script(server().port, lines, small), [
    '11 the data does not fit into a frame, which takes 10000 bytes in all',
    '11 data of 100000 bytes does not fit into a frame, which takes 10000 in all',
  ]);
});

test.needs('python3', 'a server that takes nothing is given up, and so is a stream that is late', async (t) => {
  const stuck = await openPeer(t, () => {}, { onConnection: ({ socket }) => socket.pause() });
  const lines = `
    pass
with Client("127.0.0.1", int(sys.argv[1]), idle_timeout=0.1) as trama:
    def chunks():
        while True: yield b" " * (1 << 20)
    for timeout in [None, 0.01]:
        try:
            trama.call_stream("sum", chunks(), 4000 << 20, timeout=timeout)
        except TimeoutError as error:
            print(error)`;
  const [idle, late] = await script(stuck.port, lines);
  assert.match(idle!, /^127\.0\.0\.1:\d+ has taken nothing for 0\.1 s$/);
  assert.match(late!, /^127\.0\.0\.1:\d+ has taken nothing for 0\.1 s$|^no reply from .* within 0\.01 s \(as given\)$/);
});

test.needs('python3', 'the time of a stream counts what its source takes', async (t) => {
  const taking = await openPeer(t, () => {});
  const lines = `
    def chunks():
        while True:
            time.sleep(0.05)
            yield b" " * (1 << 17)
    for byte_length in [4000 << 20, None]:
        try:
            trama.call_stream("sum", chunks(), byte_length, timeout=0.1)
        except TimeoutError as error:
            print(error)`;
  const [sent, read] = await script(taking.port, lines, 'import time');
  assert.match(sent!, /^no reply from 127\.0\.0\.1:\d+ within 0\.1 s \(as given\)$/);
  assert.is(read, 'the data was not read within 0.1 s (as given)');
});

test.needs('python3', 'a call that is given up resets its connection, so that the server stops the work', async (t) => {
  const ends: Promise<unknown>[] = [];
  const peer = await openPeer(t, () => {}, {
    onConnection: ({ socket }) => {
      socket.removeAllListeners('error');
      ends.push(once(socket, 'error').then(([error]) => (error as NodeJS.ErrnoException).code));
    },
  });
  const lines = `
    for call in [lambda: trama.call("echo", 1, timeout=0.01), lambda: trama.call_stream("sum", [b"[1]"], timeout=0.01)]:
        try:
            call()
        except TimeoutError:
            print("late")`;
  assert.equal(await script(peer.port, lines), ['late', 'late']);
  assert.equal(await Promise.all(ends), ['ECONNRESET', 'ECONNRESET']);
});

test.run();
