/**
 * The load generator as a program, so that its work is on no core of the server's process. Arguments and output are
 * those of the C generator that the project's trials used, plus the wire:
 *
 *     node dist/bench/load/main.js PORT OP DATA|@FILE CONNECTIONS DEPTH SECONDS [WARMUP_SECONDS] [frames|resp]
 *     rps=… p50us=… p99=… n=…
 *
 * Exit status 1 with one line on stderr where a reply is wrong or missing, 2 where the arguments are.
 */
import { readFileSync } from 'node:fs';
import { generateLoad } from './generate-load.js';
import type { Wire, Work } from './work.js';

const [port, op, data, connections, depth, seconds, warmupSeconds = '1', wire = 'frames'] = process.argv.slice(2);

if (seconds === undefined) {
  process.stderr.write('usage: load PORT OP DATA|@FILE CONNECTIONS DEPTH SECONDS [WARMUP_SECONDS] [frames|resp]\n');
  process.exit(2);
}

try {
  const measured = await generateLoad(
    Number(port),
    wire as Wire,
    {
      op: op as Work['op'],
      data: data!.startsWith('@') ? readFileSync(data!.slice(1), 'utf8') : data!,
      connections: Number(connections),
      depth: Number(depth),
    },
    { seconds: Number(seconds), warmupSeconds: Number(warmupSeconds) },
  );
  const { ratePerSecond, p50Us, p99Us, replies } = measured;
  process.stdout.write(`rps=${ratePerSecond} p50us=${p50Us} p99=${p99Us} n=${replies}\n`);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
