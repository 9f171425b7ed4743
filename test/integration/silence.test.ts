/** Servers that are there and say nothing, behind the real balancers: one that stands still, and one behind a network that is cut. */
import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { networkNeed, openCutNetwork } from '../support/cut-network.js';
import { balancers, needsOf } from '../support/deployed-balancer.js';
import { assertOrderly, hastily, hasty, untilElsewhere } from '../support/failover.js';
import { openLoadedFleet, untilCalls } from '../support/loaded-fleet.js';
import { suite } from '../support/suite.js';

const test = suite('silence', { timeoutMs: 100_000 });

/** So long a server stands still. Its clients must not wait for it to go on. */
const stillMs = 20_000;
const hurriedMs = 2000;

for (const balancer of balancers) {
  test.needs(
    needsOf(balancer),
    `${balancer}: with all as shipped, no call waits beyond its limit while a server stands still for 20 s`,
    async (t) => {
      const { fleet, load } = await openLoadedFleet(t, { balancer, hurriedMs });
      const { process: still } = fleet.servers[0]!;
      still.kill('SIGSTOP');
      t.after(() => still.kill('SIGCONT'));
      await sleep(stillMs);
      still.kill('SIGCONT');
      await untilCalls(load, 500);
      const report = await load.end();
      assertOrderly(report);
      // nginx may send a client back to the silent server, so only those behind HAProxy are certain not to wait for it.
      if (balancer === 'haproxy') assert.ok(report.longestMs < stillMs);
      const { ok, DEADLINE_EXCEEDED: late, ...others } = report.hurried.outcomes;
      assert.equal([ok! > 0, late! > 0, others], [true, true, {}]);
      // Their limit has ended them: their connections were given up later.
      assert.ok(report.hurried.longestMs < 3 * hurriedMs);
    },
  );

  test.needs(
    [...needsOf(balancer), networkNeed],
    `${balancer}: a server whose network is cut without a word holds up nobody for long, and is used again afterwards`,
    async (t) => {
      const network = await openCutNetwork(t);
      const first = { host: network.host, start: network.startServer };
      const { fleet, load } = await openLoadedFleet(t, { balancer, client: hasty, adapt: hastily, first });
      await network.cut();
      await untilElsewhere(load);
      await network.mend();
      await fleet.settled();
      await untilCalls(load, 500);
      const report = await load.end();
      assertOrderly(report);
      assert.ok(report.failed.other.CONNECTION_LOST! > 0);
    },
  );
}

test.run();
