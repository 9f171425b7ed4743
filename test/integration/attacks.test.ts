/**
 * Honest clients beside attackers, against the real server: small requests over TCP, large ones, users' operations and
 * calls over HTTP. None of their requests is lost, and the server's memory is bounded, and back afterwards. How long they
 * wait is the benchmark's to measure: `npm run bench -- --only attacks`.
 */
import * as assert from 'uvu/assert';
import { measureAttack } from '../../bench/attacks/attack-bench.js';
import { attackCases, type Bounds } from '../../bench/attacks/attacks.js';
import { outcomesOf } from '../../bench/attacks/outcomes.js';
import { serverMain } from '../../bench/paths.js';
import { suite } from '../support/suite.js';

const test = suite('the server under attack', { timeoutMs: 90_000 });

const plan = { serverMain, settleMs: 200, calmMs: 300, attackMs: 1500, afterMs: 300, isWhole: false };

/** What holds at any speed. */
const untimed = ({ okShareMin = {}, gainedBytesMax = 0, keptBytesMax = 0 }: Bounds): Bounds => ({
  okShareMin,
  gainedBytesMax,
  keptBytesMax,
});

for (const attackCase of attackCases.filter(({ bounds }) => bounds.p99GainMax !== undefined)) {
  test(`honest clients lose nothing beside: ${attackCase.name}`, async () => {
    const figures = await measureAttack(plan, attackCase);
    const missed = outcomesOf(untimed(attackCase.bounds), figures).filter(({ reached }) => !reached);
    assert.equal(missed, [], JSON.stringify(figures));
    for (const [kind, { ok }] of Object.entries({ ...figures.during })) assert.ok(ok > 0, kind);
    const counts = Object.values(figures.attackerCounted);
    assert.ok(
      counts.some((count) => count > 0),
      'the attacker did nothing',
    );
    assert.type(figures.exit.status, 'number', 'it had to be killed');
  });
}

test.run();
