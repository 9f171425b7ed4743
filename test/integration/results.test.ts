/** Results of users' operations, as they come back by every way: TCP, HTTP, and a call from inside the process. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { connect } from '../../src/client/index.js';
import { startServer as startInProcess } from '../../src/index.js';
import { ask, call } from '../sidecar/support.js';
import { startServer } from '../support/server.js';
import { suite, type TestContext } from '../support/suite.js';
import { until } from '../support/until.js';

const test = suite('results of operations', { timeoutMs: 60_000 });

const library = new URL('../../src/index.js', import.meta.url).href;
const limit = ['--max-frame-bytes', '64KiB'];

function moduleOf(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'trama-results-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'ops.mjs');
  const journal = join(folder, 'journal');
  writeFileSync(
    file,
    `import { appendFileSync } from 'node:fs';
     import { defineOperation } from '${library}';
     export const bytes = defineOperation({
       description: 'Returns bytes.',
       input: { type: 'string', contentEncoding: 'base64' },
       output: { type: 'string', contentEncoding: 'base64' },
       run: (text) => Buffer.from(text, 'base64').reverse(),
     });
     export const map = defineOperation({ description: 'x', run: () => ({ items: [new Map()] }) });
     export const large = defineOperation({ description: 'x', run: (n) => 'x'.repeat(n - 2) });
     export const kept = defineOperation({
       description: 'x', setup: () => 1, teardown: () => appendFileSync('${journal}', 'torn down\\n'), run: () => 1,
     });`,
  );
  return { file, journal: () => readFileSync(journal, 'utf8') };
}

const isAMap =
  'operation `map` returned what JSON cannot say: result.items[0] is a Map; Object.fromEntries(it) is an object that can be sent';
const tooLarge = 'operation `large` returned 65537 bytes, and 65536 are allowed (--max-frame-bytes)';

/** Asks for each result by one way. `send` answers with the result, or with the code and the sentence. */
async function holds(send: (op: string, data: string) => Promise<unknown>): Promise<void> {
  assert.is(await send('bytes', '"AQID"'), 'AwIB');
  assert.equal(await send('map', 'null'), ['INTERNAL', isAMap]);
  assert.equal(await send('large', '65537'), ['INTERNAL', tooLarge]);
  assert.is(((await send('large', '65536')) as string).length, 65_534, 'one that just fits is whole');
}

const outcomeOf = (body: { ok: boolean; result?: unknown; code?: string; error?: string }) =>
  body.ok ? body.result : [body.code, body.error];

test('bytes, places of what JSON cannot say, and sizes are the same by TCP and by HTTP', async (t) => {
  const { file } = moduleOf(t);
  const server = await startServer(t, ['--ops', file, '--workers', '1', ...limit]);
  const client = await connect({ host: '127.0.0.1', port: server.port });
  t.after(() => client.close());
  await holds((op, data) =>
    client.call(op, JSON.parse(data)).catch(({ code, message }: { code: string; message: string }) => [code, message]),
  );
  await holds(async (op, data) => outcomeOf((await call(server, op, data)).json() as never));
});

test('they are the same by a call from inside the process', async (t) => {
  const { file } = moduleOf(t);
  const server = await startInProcess({
    host: '127.0.0.1',
    port: 0,
    workers: 1,
    operationModules: [file],
    maxFrameBytes: 65_536,
  });
  t.after(() => server.close());
  async function* pieces(text: string) {
    yield new TextEncoder().encode(text);
  }
  await holds(async (op, data) =>
    outcomeOf(JSON.parse(new TextDecoder().decode(await server.view.call(op, pieces(data))))),
  );
});

test('the schema of bytes is shown by $ops, by /v1/ops and in the OpenAPI document', async (t) => {
  const { file } = moduleOf(t);
  const server = await startServer(t, ['--ops', file, '--workers', '1']);
  await until('it is ready', async () => (await ask(server, '/readyz')).status === 200);
  const client = await connect({ host: '127.0.0.1', port: server.port });
  t.after(() => client.close());
  const ofBytes = { type: 'string', contentEncoding: 'base64' };
  type Shown = { name: string; output?: unknown }[];
  const byTcp = (await client.call('$ops')) as Shown;
  const byHttp = (await ask(server, '/v1/ops')).json() as Shown | { operations: Shown };
  for (const shown of [byTcp, Array.isArray(byHttp) ? byHttp : byHttp.operations]) {
    assert.equal(shown.find(({ name }) => name === 'bytes')?.output, ofBytes);
  }
  const { components } = (await ask(server, '/openapi.json')).json() as { components: { schemas: object } };
  assert.equal((components.schemas as Record<string, unknown>)['bytes.output'], ofBytes);
});

test('a server that is told to end tears its threads down', async (t) => {
  const { file, journal } = moduleOf(t);
  const server = await startServer(t, ['--ops', file, '--workers', '1']);
  await until('all threads are warm', async () => (await ask(server, '/readyz')).status === 200);
  assert.is(await server.stop(), 0);
  assert.is(journal(), 'torn down\ntorn down\n');
});

test.run();
