/**
 * `npm run rolling -- --restarts 100 --balancer nginx`: restarts three servers behind a balancer in turn, under steady load, and
 * counts what became of the calls. Prints one JSON object; exit status 1 where a call failed that should not have.
 */
import { Command, InvalidArgumentError, Option } from 'commander';
import { type Balancer, balancers, type Way, ways } from '../support/deployed-balancer.js';
import { openLoadedFleet, restart } from '../support/loaded-fleet.js';

interface Options {
  readonly restarts: number;
  readonly balancer: Balancer;
  readonly way: Way;
  readonly signal: 'SIGTERM' | 'SIGKILL';
}

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('It must be a whole number above 0.');
  return value;
}

const options = new Command('rolling')
  .description('Restarts servers behind a balancer under load, and counts calls that failed or ran twice.')
  .option('--restarts <n>', 'restarts, of the three servers in turn', count, 100)
  .addOption(new Option('--balancer <name>', 'what stands before them').choices(balancers).default('haproxy'))
  .addOption(
    new Option('--way <name>', 'how bytes come to the servers: the files in deploy/').choices(ways).default('plain'),
  )
  .addOption(new Option('--signal <name>', 'what ends a server').choices(['SIGTERM', 'SIGKILL']).default('SIGTERM'))
  .parse()
  .opts<Options>();

const cleanUps: (() => unknown)[] = [];
let isClean = false;
try {
  const { restarts, balancer, way, signal } = options;
  const loaded = await openLoadedFleet({ after: (cleanUp) => void cleanUps.push(cleanUp) }, { balancer, way });
  const statuses: Record<string, number> = {};
  for (let done = 0; done < restarts; done++) {
    const status = await restart(loaded, done % loaded.fleet.servers.length, signal);
    statuses[status] = (statuses[status] ?? 0) + 1;
    process.stderr.write(`\r${done + 1} of ${restarts} restarts, ${loaded.load.calls} calls `);
  }
  const report = await loaded.load.end();
  process.stdout.write(`${JSON.stringify({ balancer, way, signal, restarts, statuses, ...report })}\n`);
  // A call that is not idempotent may be lost where its server is killed.
  const failures = Object.keys({ ...report.failed.idempotent, ...(signal === 'SIGTERM' && report.failed.other) });
  isClean = failures.length + report.doubled + report.missing === 0;
} finally {
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
}
process.exitCode = isClean ? 0 : 1;
