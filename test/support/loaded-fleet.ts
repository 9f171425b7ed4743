/** A fleet under steady load, as the tests of restarts and `npm run rolling` want it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ConnectOptions } from '../../src/client/index.js';
import { type Fleet, type FleetOptions, openFleet } from './fleet.js';
import { SteadyLoad } from './steady-load.js';
import type { TestContext } from './suite.js';
import { until } from './until.js';

const markOps = fileURLToPath(new URL('./fixtures/mark-ops.js', import.meta.url));
const connections = 8;

export interface LoadedFleetOptions extends Pick<FleetOptions, 'balancer' | 'way' | 'adapt' | 'first'> {
  readonly client?: ConnectOptions;
  /** See `LoadOptions`. */
  readonly hurriedMs?: number;
  /** Puts something between the clients and the balancer; answers its port. */
  readonly between?: (port: number) => Promise<number>;
}

export interface LoadedFleet {
  readonly fleet: Fleet;
  readonly load: SteadyLoad;
}

export async function openLoadedFleet(
  t: Pick<TestContext, 'after'>,
  { client = {}, hurriedMs, between = async (port) => port, ...options }: LoadedFleetOptions,
): Promise<LoadedFleet> {
  const folder = mkdtempSync(join(tmpdir(), 'trama-marks-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const marksFile = join(folder, 'marks');
  writeFileSync(marksFile, '');
  const args = ['--ops', markOps];
  const fleet = await openFleet(t, { ...options, args, env: { MARKS_FILE: marksFile } });
  const port = await between(fleet.port);
  const asked = { port, connections, marksFile, hurriedMs, client: { ...fleet.client, ...client } };
  const load = await SteadyLoad.begin(asked);
  t.after(() => load.end());
  await untilCalls(load, 100);
  return { fleet, load };
}

/** Waits until so many more calls have their outcome. */
export async function untilCalls(load: SteadyLoad, more: number): Promise<void> {
  const { calls } = load;
  await until(`${more} calls come through`, () => load.calls >= calls + more, { timeoutMs: 60_000 });
}

/** Restarts one server, and goes on when the balancer sends it connections again and the load has moved on. */
export async function restart({ fleet, load }: LoadedFleet, index: number, signal: NodeJS.Signals) {
  const status = await fleet.restart(index, signal);
  await fleet.settled();
  await untilCalls(load, 100);
  return status;
}
