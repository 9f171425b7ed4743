/**
 * No secret leaves the server but to who has it: planted tokens, their digests and payloads are looked for in all that it
 * writes and says, at the most talkative log level, over TCP and HTTP, whatever goes wrong.
 */
import { readFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { digestOf, newToken } from '../../src/server/access/token.js';
import { runCli, runProgram, tempFile } from '../cli/run-cli.js';
import { tokenFile } from '../server/access/support.js';
import { mainPath, startServer } from '../support/server.js';
import { suite } from '../support/suite.js';
import { until } from '../support/until.js';
import { frame, openWire, request } from '../support/wire.js';

const test = suite('no secret is told', { timeoutMs: 60_000 });

const payload = 'planted-payload-7f3a';

test('in the log, the metrics, errors, and what the command line shows', async (t) => {
  const file = tokenFile(t, { app: { allow: ['sum'] }, slow: { requestsPerSecond: 0.01 } });
  const right = [file.tokens.app!, file.tokens.slow!];
  const wrong = Array.from({ length: 6 }, newToken);
  const secrets = [...right, ...wrong];
  const planted = [...secrets, ...secrets.map(digestOf), payload];
  const args = ['--host', '127.0.0.1', '--auth', 'required', '--tokens', file.path, '--log-level', 'trace'];
  const server = await startServer(t, args);
  /** What was said to those who have no part in it. */
  const said: string[] = [];

  for (const token of wrong.slice(0, 3)) {
    const wire = await openWire(t, server.port);
    await wire.send(request('1', '$auth', JSON.stringify({ token, payload })));
    said.push(...(await wire.closed()).map(String));
  }
  for (const token of right) {
    const wire = await openWire(t, server.port);
    await wire.send(request('1', '$auth', JSON.stringify({ token })));
    const data = JSON.stringify(payload);
    await wire.send(
      request('2', 'echo', JSON.stringify({ [payload]: 1 })),
      request('3', 'sum', data),
      request('4', 'sum', `[1,${data}]`),
      request('5', '$auth', data),
      frame(`{"id":"6","op":"sum","data":${data}`),
      request('7', 'sum', `[${'1,'.repeat(600_000)}${data}]`),
      request('8', '$cancel', data),
      request('9', '$auth', JSON.stringify({ token: `${token}${wrong[3]}` })),
    );
    // The first reply but one is an echo where that is allowed.
    said.push(...(await wire.closed()).map(String).filter((reply) => !reply.includes('"ok":true')));
  }
  const http = `http://127.0.0.1:${server.httpPort}`;
  for (const token of [...right, wrong[4]!]) {
    for (const [path, body] of [
      ['/v1/call/echo', `${JSON.stringify(payload)}x`],
      ['/v1/call/sum', JSON.stringify([1, payload])],
      ['/v1/nothing', payload],
      ['/v1/call/$auth', JSON.stringify({ token })],
      ['/v1/reload', payload],
    ] as const) {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
      const response = await fetch(`${http}${path}`, { method: 'POST', headers, body });
      said.push(JSON.stringify([...response.headers]), await response.text());
    }
  }
  for (const authorization of [
    `Basic ${wrong[5]}`,
    `bearer ${wrong[5]} ${wrong[5]}`,
    wrong[5]!,
    `Bearer ${wrong[5]}\u00e9`,
  ]) {
    const response = await fetch(`${http}/v1/ops`, { headers: { authorization } });
    assert.is(response.status, 401);
    said.push(await response.text());
  }
  said.push(await (await fetch(`${http}/metrics`)).text());

  const at = ['127.0.0.1', `${server.port}`];
  const byVariable = { TRAMA_TOKEN: wrong[5]! };
  const failed = await runProgram(process.execPath, [mainPath, 'call', ...at, 'sum', '[1]'], '', byVariable);
  said.push(failed.stdout, failed.stderr);
  const withFile = await runCli([
    'call',
    ...at,
    'sum',
    '[1]',
    '--token-file',
    tempFile(t, 'token', `${wrong[5]}\n${payload}`),
  ]);
  assert.is(withFile.status, 2);
  said.push(withFile.stdout, withFile.stderr);
  said.push((await runCli(['serve', ...args, '--print-config'])).stdout);
  const listed = await runCli(['token', 'list', '--tokens', file.path]);
  said.push(listed.stdout, listed.stderr);

  // A file with what looks like secrets in it that is no file of tokens.
  const broken = readFileSync(file.path, 'utf8').replace('"name"', `"${payload.slice(0, 4)}" "name"`);
  const start = await runCli(['serve', '--auth', 'required', '--tokens', tempFile(t, 'tokens.json', broken)]);
  assert.is(start.status, 2);
  said.push(start.stdout, start.stderr);

  await server.stop();
  await until('the log is whole', () => server.log.some((line) => line.includes('"stopped')));
  said.push(...server.log, server.stderr());
  assert.ok(said.length > 60, `${said.length}`);
  for (const secret of planted) {
    const told = said.find((text) => text.includes(secret));
    assert.is(told, undefined, `${secret} is in: ${told?.slice(0, 500)}`);
  }
});

test.run();
