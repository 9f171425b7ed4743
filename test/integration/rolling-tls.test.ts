/** A restart in order where TLS is on the way: all who hand bytes on have to hand on the end of each side, too. */
import * as assert from 'uvu/assert';
import { balancers, needsOf } from '../support/deployed-balancer.js';
import { openLoadedFleet, restart } from '../support/loaded-fleet.js';
import { suite } from '../support/suite.js';

const test = suite('rolling restarts over TLS', { timeoutMs: 60_000 });

for (const balancer of balancers) {
  for (const way of ['tls-ended', 'tls-passed-through', 'mutual-tls'] as const) {
    test.needs(
      needsOf(balancer, way),
      `${balancer}, ${way}: no call fails and none runs twice while a server restarts in order`,
      async (t) => {
        const loaded = await openLoadedFleet(t, { balancer, way });
        assert.is(await restart(loaded, 0, 'SIGTERM'), 0);
        const { failed, doubled, missing, reconnects } = await loaded.load.end();
        assert.equal({ failed, doubled, missing }, { failed: { idempotent: {}, other: {} }, doubled: 0, missing: 0 });
        assert.is(reconnects, 0);
      },
    );
  }
}

test.run();
