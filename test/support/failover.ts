/** What tests of servers and networks that end without a word have in common. */
import * as assert from 'uvu/assert';
import { untilCalls } from './loaded-fleet.js';
import type { LoadReport, SteadyLoad } from './steady-load.js';
import { until } from './until.js';

/** Clients that do not wait as long as they would by default. */
export const hasty = { pingIntervalMs: 500, connectTimeoutMs: 1000, reconnect: { delayMaxMs: 200, attemptsMax: 200 } };

/** HAProxy that does not take as long to find out that a server is dead. */
export const hastily = (config: string) =>
  config.replace('timeout check 2s', 'timeout check 500ms').replace('fall 3', 'fall 2');

/** Idempotent calls go elsewhere, others say that their reply was lost, and none runs twice. */
export function assertOrderly({ failed, doubled, missing }: LoadReport): void {
  assert.equal({ failed: failed.idempotent, doubled, missing }, { failed: {}, doubled: 0, missing: 0 });
  assert.equal(
    Object.keys(failed.other).filter((code) => code !== 'CONNECTION_LOST'),
    [],
  );
}

/** Waits until clients have left a server that does not answer, and no call waits for it any more. */
export async function untilElsewhere(load: SteadyLoad): Promise<void> {
  const isElsewhere = () => load.reconnects > 0 && load.connected === 8 && load.waitingLongestMs() < 500;
  await until('all clients are elsewhere', isElsewhere, { timeoutMs: 60_000 });
  await untilCalls(load, 500);
}
