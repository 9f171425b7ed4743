/** Servers and connections that end without a word, behind the real balancers. */
import * as assert from 'uvu/assert';
import { balancers, needsOf } from '../support/deployed-balancer.js';
import { assertOrderly, hastily, hasty, untilElsewhere } from '../support/failover.js';
import { openLoadedFleet, restart, untilCalls } from '../support/loaded-fleet.js';
import { suite } from '../support/suite.js';
import { openSwallowingProxy, type SwallowingProxy } from '../support/swallowing-proxy.js';
import { until } from '../support/until.js';

const test = suite('failover', { timeoutMs: 100_000 });

for (const balancer of balancers) {
  test.needs(
    needsOf(balancer),
    `${balancer}: of calls on a server that is killed, idempotent ones go to another`,
    async (t) => {
      const loaded = await openLoadedFleet(t, { balancer });
      for (const index of loaded.fleet.servers.keys()) assert.is(await restart(loaded, index, 'SIGKILL'), 'SIGKILL');
      const report = await loaded.load.end();
      assertOrderly(report);
      assert.ok(report.reconnects > 0);
    },
  );

  test.needs(needsOf(balancer), `${balancer}: a server that is stopped holds up nobody for long`, async (t) => {
    const { fleet, load } = await openLoadedFleet(t, { balancer, client: hasty, adapt: hastily });
    const [server] = fleet.servers;
    server!.process.kill('SIGSTOP');
    t.after(() => server!.process.kill('SIGCONT'));
    await untilElsewhere(load);
    server!.process.kill('SIGCONT');
    await untilCalls(load, 500);
    assertOrderly(await load.end());
  });
}

test.needs('haproxy', 'a network that is cut without a word holds up nobody for long', async (t) => {
  let network: SwallowingProxy | undefined;
  const between = async (port: number) => {
    network = await openSwallowingProxy(t, port);
    return network.port;
  };
  const { load } = await openLoadedFleet(t, { balancer: 'haproxy', client: hasty, between });
  assert.is(network!.cut(), 8);
  await until('all clients are connected anew', () => load.reconnects >= 8 && load.connected === 8, {
    timeoutMs: 60_000,
  });
  await untilCalls(load, 500);
  const report = await load.end();
  assertOrderly(report);
  assert.ok(report.failed.other.CONNECTION_LOST! > 0);
});

test.run();
