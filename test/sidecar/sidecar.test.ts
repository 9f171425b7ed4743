import { spawnSync } from 'node:child_process';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { packageVersion } from '../../src/cli/version.js';
import { type RunningServer, startServer } from '../support/server.js';
import { suite } from '../support/suite.js';
import { until } from '../support/until.js';
import { openWire, request } from '../support/wire.js';
import { ask, call, samples } from './support.js';

const test = suite('health, metrics and pages over HTTP');

const slowOpsPath = fileURLToPath(new URL('./fixtures/slow-ops.js', import.meta.url));

let server: RunningServer;
let stop = async () => {};

test.before(async () => {
  const cleanUps: (() => unknown)[] = [];
  server = await startServer({ after: (cleanUp) => void cleanUps.push(cleanUp) }, ['--ops', slowOpsPath]);
  stop = async () => {
    for (const cleanUp of cleanUps) await cleanUp();
  };
  await until('the pool is warm', async () => (await ask(server, '/readyz')).status === 200);
});
test.after(() => stop());

const scrape = async () => (await ask(server, '/metrics')).text;

test('the probes say in JSON that the server lives and may get traffic', async () => {
  const livez = await ask(server, '/livez');
  const readyz = await ask(server, '/readyz');
  assert.equal([livez.status, livez.json()], [200, { live: true, version: packageVersion() }]);
  assert.equal([readyz.status, readyz.json()], [200, { ready: true }]);
});

test('the versions of what runs are a metric', async () => {
  const { versions, platform, arch } = process;
  const labels = `version="${packageVersion()}",node="${versions.node}",platform="${platform}",arch="${arch}"`;
  assert.is(samples(await scrape()).get(`trama_build_info{${labels}}`), 1);
});

test('frames are counted by operation, outcome and lane, and timed by lane', async (t) => {
  const before = samples(await scrape());
  const wire = await openWire(t, server.port);
  await wire.send(request('1', 'echo', '1'), request('2', 'echo', '2'), request('3', 'sum', '"x"'));
  await wire.send(request('4', 'no-such', '1'), request('5', 'nap', '1'));
  await wire.take(5);
  const after = samples(await scrape());
  const grown = (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0);
  assert.is(grown('trama_frames_total{op="echo",outcome="ok",lane="inline"}'), 2);
  assert.is(grown('trama_frames_total{op="sum",outcome="BAD_DATA",lane="inline"}'), 1);
  assert.is(grown('trama_frames_total{op="unknown",outcome="UNKNOWN_OP",lane="inline"}'), 1);
  assert.is(grown('trama_frames_total{op="nap",outcome="ok",lane="pool"}'), 1);
  assert.is(grown('trama_request_duration_seconds_count{lane="inline"}'), 4);
  assert.is(grown('trama_request_duration_seconds_bucket{lane="pool",le="+Inf"}'), 1);
  assert.ok(grown('trama_received_bytes_total') > 100);
  assert.ok(grown('trama_sent_bytes_total') > 100);
  assert.is(grown('trama_accepted_connections_total'), 1);
  assert.is(after.get('trama_open_connections'), 1);
});

test('the buckets of a histogram never shrink towards the larger bounds', async () => {
  const all = [...samples(await scrape())];
  for (const lane of ['inline', 'pool']) {
    const buckets = all.filter(
      ([name]) => name.startsWith('trama_request_duration_seconds_bucket') && name.includes(`lane="${lane}"`),
    );
    assert.ok(buckets.length > 5, lane);
    const values = buckets.map(([, value]) => value);
    assert.equal(
      values,
      [...values].sort((a, b) => a - b),
    );
  }
});

test('the process, its event loop and its threads are there', async () => {
  const all = samples(await scrape());
  for (const name of [
    'process_resident_memory_bytes',
    'process_cpu_seconds_total',
    'nodejs_eventloop_lag_p99_seconds',
  ]) {
    assert.ok(all.has(name), name);
  }
  const workers = [...all].filter(([name]) => name.startsWith('trama_workers{'));
  assert.ok(workers.reduce((sum, [, value]) => sum + value, 0) >= 1, 'no thread is counted');
  if (process.platform === 'linux') assert.ok(all.get('process_open_fds')! > 5);
});

test.needs('promtool', 'promtool finds nothing to object to in the metrics', async () => {
  const answer = await ask(server, '/metrics');
  assert.match(answer.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  const check = spawnSync('promtool', ['check', 'metrics'], { input: answer.text, encoding: 'utf8' });
  assert.equal([check.status, check.stdout, check.stderr], [0, '', '']);
});

test('/v1/ops says what $ops says', async (t) => {
  const wire = await openWire(t, server.port);
  await wire.send(request('1', '$ops'));
  assert.equal((await ask(server, '/v1/ops')).json(), (await wire.reply()).result);
});

test('the OpenAPI document describes the routes and has a path for each operation', async () => {
  const { status, text } = await ask(server, '/openapi.json');
  assert.is(status, 200);
  const { openapi, paths } = JSON.parse(text) as { openapi: string; paths: Record<string, object> };
  assert.is(openapi, '3.1.0');
  for (const path of ['/livez', '/readyz', '/metrics', '/v1/ops', '/v1/call/{op}', '/v1/call/sum', '/v1/call/nap']) {
    assert.ok(path in paths, path);
  }
});

test('the page that shows the document loads nothing from elsewhere', async () => {
  const page = await ask(server, '/docs');
  assert.is(page.status, 200);
  assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'self'/);
  const links = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link!);
  assert.ok(links.length >= 4);
  for (const link of links) {
    assert.ok(link.startsWith('/docs/'), link);
    assert.is((await ask(server, link)).status, 200, link);
  }
  assert.is((await ask(server, '/docs/json')).text, (await ask(server, '/openapi.json')).text);
});

test('the front page leads to all of it, and no answer may be framed or sniffed', async () => {
  const page = await ask(server, '/');
  const links = [...page.text.matchAll(/href="([^"]+)"/g)].map(([, link]) => link!);
  assert.ok(links.includes('/docs') && links.includes('/openapi.json'));
  for (const link of ['/', ...links, '/nothing-here']) {
    const { status, headers } = await ask(server, link);
    assert.is(status, link === '/nothing-here' ? 404 : 200, link);
    assert.is(headers.get('x-content-type-options'), 'nosniff', link);
    assert.is(headers.get('x-frame-options'), 'DENY', link);
  }
});

test('what does not exist, and what is no HTTP, gets one sentence of JSON', async () => {
  const answers = [await ask(server, '/nothing'), await ask(server, '/v1/call/echo'), await call(server, '%zz', '1')];
  assert.equal(
    answers.map(({ status }) => status),
    [404, 405, 400],
  );
  const garbage = await new Promise<string>((resolve, reject) => {
    let text = '';
    const socket = connect({ port: server.httpPort, host: '127.0.0.1' }, () => socket.write('NOT HTTP\r\n\r\n'));
    socket.on('data', (chunk) => (text += chunk)).on('error', reject);
    socket.on('close', () => resolve(text));
  });
  assert.match(garbage, /^HTTP\/1\.1 400 /);
  const bodies = [...answers.map(({ text }) => text), garbage.slice(garbage.indexOf('\r\n\r\n') + 4)];
  for (const body of bodies) {
    const { ok, error, code } = JSON.parse(body) as Record<string, unknown>;
    assert.equal([ok, code], [false, 'BAD_REQUEST']);
    assert.ok(typeof error === 'string' && !error.includes('\n'), body);
  }
});

test.run();
