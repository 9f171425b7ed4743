/** Restarts in order behind the real balancers. `npm run rolling` does as many as one likes. */
import * as assert from 'uvu/assert';
import { balancers, needsOf } from '../support/deployed-balancer.js';
import { openLoadedFleet, restart } from '../support/loaded-fleet.js';
import { suite } from '../support/suite.js';

const test = suite('rolling restarts', { timeoutMs: 150_000 });

const restartsOfEach = 3;

for (const balancer of balancers) {
  test.needs(
    needsOf(balancer),
    `${balancer}: no call fails and none runs twice while each server restarts in order`,
    async (t) => {
      const loaded = await openLoadedFleet(t, { balancer });
      for (let round = 0; round < restartsOfEach; round++) {
        for (const index of loaded.fleet.servers.keys()) assert.is(await restart(loaded, index, 'SIGTERM'), 0);
      }
      const { failed, doubled, missing, reconnects } = await loaded.load.end();
      assert.equal({ failed, doubled, missing }, { failed: { idempotent: {}, other: {} }, doubled: 0, missing: 0 });
      assert.is(reconnects, 0);
    },
  );
}

test.run();
