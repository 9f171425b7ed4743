/**
 * The sender of large frames as a program, so that its work is on no thread of the server's or the bench's process.
 *
 *     node dist/bench/bulk/main.js PORT SHAPE BODY_BYTES CONNECTIONS once|again
 *
 * `again`: each connection sends frame after frame, and ends with the one under way when stdin ends. Prints `streaming`
 * when the first numbers of every connection have gone, and at last `{"frames":…,"bodyBytes":…,"seconds":…}`: from the
 * first byte to the last reply. Exit status 1 with one line on stderr where a reply is wrong or missing.
 */
import { shapeNamed } from '../number-shapes.js';
import { FrameSender } from './frame-sender.js';
import { largeFrame } from './large-frame.js';
import type { Sent } from './run-sender.js';

const [port, shapeName, bodyBytes, connections, times] = process.argv.slice(2);

if (times === undefined) {
  process.stderr.write('usage: bulk PORT SHAPE BODY_BYTES CONNECTIONS once|again\n');
  process.exit(2);
}

let isStopped = times === 'once';
if (!isStopped) {
  process.stdin.resume().on('end', () => {
    isStopped = true;
  });
}

const frame = largeFrame(shapeNamed(shapeName!), Number(bodyBytes));
const senders = Array.from({ length: Number(connections) }, () => new FrameSender(Number(port), frame));
let streaming = 0;
let frames = 0;

async function sendAll(sender: FrameSender): Promise<void> {
  let isFirst = true;
  do {
    await sender.send(() => {
      if (isFirst && ++streaming === senders.length) process.stdout.write('streaming\n');
      isFirst = false;
    });
    frames++;
  } while (!isStopped);
}

try {
  const startedAtMs = performance.now();
  await Promise.all(senders.map(sendAll));
  const seconds = (performance.now() - startedAtMs) / 1000;
  process.stdout.write(`${JSON.stringify({ frames, bodyBytes: frames * frame.bodyBytes, seconds } satisfies Sent)}\n`);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
for (const sender of senders) sender.close();
process.stdin.destroy();
