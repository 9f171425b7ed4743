import { writeFileSync } from 'node:fs';
import { pino } from 'pino';
import * as assert from 'uvu/assert';
import { allOperations, operationMask } from '../../../src/engine/layout.js';
import { ConfigError } from '../../../src/errors.js';
import { Access, type AuthMode } from '../../../src/server/access/access.js';
import type { Identity } from '../../../src/server/access/identity.js';
import { newToken } from '../../../src/server/access/token.js';
import { suite, type TestContext } from '../../support/suite.js';
import { until } from '../../support/until.js';
import { type Limits, tokenFile } from './support.js';

const test = suite('who may come in');

function openAccess(t: TestContext, limits: Limits, mode: AuthMode = 'required') {
  const file = tokenFile(t, limits);
  const lines: string[] = [];
  const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) });
  const access = new Access({ mode, tokensFile: file.path, workers: 4, log });
  access.open();
  t.after(() => access.close());
  const revoked: Identity[] = [];
  access.onRevoked((identity) => revoked.push(identity));
  const who = (name: string) => access.authenticate(file.tokens[name]!, '10.0.0.1').identity;
  return { access, file, lines, revoked, who };
}

test('a token is found by what it is, and nothing else is', (t) => {
  const { access, file, who } = openAccess(t, { one: {}, other: {} });
  assert.is(who('one')!.name, 'one');
  assert.is(who('other')!.name, 'other');
  const { one } = file.tokens;
  for (const wrong of ['', newToken(), `${one} `, one!.slice(0, -1), one!.toLowerCase(), 'x'.repeat(100_000)]) {
    assert.is(access.authenticate(wrong, `10.0.0.${wrong.length % 200}`).identity, undefined, wrong.slice(0, 50));
  }
  assert.match(one!, /^trama_[\w-]{43}$/);
});

test('a change of the file is taken up: who is new may come, who is gone is revoked, and others keep their identity', async (t) => {
  const { file, revoked, who } = openAccess(t, { stays: { requestsPerSecond: 5 }, goes: {} });
  const [stays, goes] = [who('stays')!, who('goes')!];
  file.write({ stays: { requestsPerSecond: 5, maxRequests: 3 }, comes: {} });
  await until('the new one is known', () => who('comes') !== undefined);
  assert.equal(revoked, [goes]);
  assert.ok(goes.isRevoked);
  assert.is(who('goes'), undefined);
  assert.is(who('stays'), stays);
  assert.is(stays.entry.maxRequests, 3);
});

test('who gets another token under the same name has lost the rights of the first', (t) => {
  const { access, file, revoked, who } = openAccess(t, { one: {} });
  const before = who('one')!;
  const old = file.tokens.one!;
  (file.tokens as Record<string, string>).one = newToken();
  file.write({ one: {} });
  access.reload();
  assert.equal(revoked, [before]);
  assert.is(access.authenticate(old, undefined).identity, undefined);
  assert.is.not(who('one'), before);
});

test('a file that is wrong or gone is told in one line, and the tokens before stay in force', (t) => {
  const { access, file, lines, revoked, who } = openAccess(t, { one: {} });
  writeFileSync(file.path, '{"version":1,"identities":[{"name":"one","alow":["sum"]}]}');
  access.reload();
  assert.match(lines.at(-1)!, /"level":50.*identities\[0\] has .*alow.*the old ones stay in force/);
  writeFileSync(file.path, Buffer.alloc(5_000_000, 0x20));
  access.reload();
  assert.match(lines.at(-1)!, /is longer than 4194304 bytes.*the old ones stay in force/);
  assert.is(who('one')!.name, 'one');
  assert.equal(revoked, []);
});

test('a start with a wrong file is refused in one sentence; one that is not there is none', (t) => {
  const file = tokenFile(t, {});
  writeFileSync(file.path, 'not JSON');
  const log = pino({ level: 'silent' });
  const options = { mode: 'required', workers: 1, log } as const;
  try {
    new Access({ ...options, tokensFile: file.path }).open();
    assert.unreachable();
  } catch (error) {
    assert.instance(error, ConfigError);
    assert.match((error as Error).message, /^the file of tokens ".*tokens\.json" is not JSON$/);
  }
  const empty = new Access({ ...options, tokensFile: `${file.path}.none` });
  empty.open();
  empty.close();
  // Nobody looks at the file where nobody is asked.
  new Access({ ...options, mode: 'off', tokensFile: file.path }).open();
});

test('an identity expires: at a token, and while it is connected', async (t) => {
  const { revoked, who } = openAccess(t, {
    over: { expires: '2020-01-01' },
    soon: { expires: new Date(Date.now() + 1500).toISOString() },
  });
  assert.is(who('over'), undefined);
  const soon = who('soon')!;
  await until('it has expired', () => revoked.includes(soon));
  assert.is(who('soon'), undefined);
});

test('a name in a certificate is an identity, with the limits of its entry if there is one', (t) => {
  const { access } = openAccess(t, { web: { allow: ['echo'] } });
  const web = access.arrives('web')!;
  assert.is(access.inlineMask(web, 0), operationMask(['echo', '$ping']));
  const visitor = access.arrives('somebody')!;
  assert.is(access.inlineMask(visitor, 0), allOperations);
  access.connected(visitor, 1);
  assert.is(access.arrives('somebody'), visitor);
  access.connected(visitor, -1);
  assert.is.not(access.arrives('somebody'), visitor);
});

test('a name in a certificate whose time is over is nobody, and may do no more than that', (t) => {
  const limits = { web: { expires: '2020-01-01' }, anonymous: { allow: ['echo'] } };
  const required = openAccess(t, limits).access;
  assert.is(required.arrives('web'), undefined);
  assert.is(required.admit(undefined, 'echo')!.code, 'UNAUTHENTICATED');
  const optional = openAccess(t, limits, 'optional').access;
  const late = optional.arrives('web');
  assert.is(late, optional.arrives());
  assert.is(optional.isFree(late), false);
  assert.is(optional.admit(late, 'sum')!.code, 'FORBIDDEN');
});

test('who does not say who he is may do nothing, what the anonymous may, or all, as --auth has it', (t) => {
  const limits = { anonymous: { allow: ['echo'] } };
  const required = openAccess(t, limits).access;
  assert.is(required.arrives(), undefined);
  assert.is(required.inlineMask(undefined, 0), 0);
  assert.is(required.admit(undefined, 'echo')!.code, 'UNAUTHENTICATED');

  const optional = openAccess(t, limits, 'optional').access;
  const anonymous = optional.arrives()!;
  assert.is(optional.inlineMask(anonymous, 0), operationMask(['echo', '$ping']));
  assert.is(optional.admit(anonymous, 'sum')!.code, 'FORBIDDEN');
  assert.is(optional.admit(anonymous, 'echo'), undefined);
  assert.is(openAccess(t, {}, 'optional').access.arrives()!.isFree, true);

  const off = openAccess(t, limits, 'off').access;
  assert.is(off.inlineMask(off.arrives(), 0), allOperations);
  assert.is(off.admit(undefined, 'sum'), undefined);
});

test('wrong tokens are counted, and cost their address more and more', (t) => {
  const { access } = openAccess(t, { one: {} });
  const delays = Array.from({ length: 5 }, () => {
    const answer = access.authenticate(newToken(), '10.9.9.9');
    access.answered('10.9.9.9');
    return answer.identity === undefined && answer.delayMs;
  });
  assert.equal(delays, [25, 50, 100, 200, 400]);
  for (let count = 0; count < 100; count++) access.authenticate(newToken(), '10.9.9.9');
  assert.is(access.authenticate(newToken(), '10.9.9.9').identity, undefined);
  const { ok, wrong, cut } = access.figures().authentications;
  assert.equal([ok, wrong + cut], [0, 106]);
  assert.ok(cut > 50);
});

test.run();
