import * as assert from 'uvu/assert';
import type { OperationInfo } from '../../src/ops/operation-info.js';
import { KeptAnswers } from '../../src/sidecar/kept-answers.js';
import { suite } from '../support/suite.js';

const test = suite('answers that are kept as bytes');

const operation = (name: string): OperationInfo => ({
  name,
  description: 'Does.',
  streaming: false,
  idempotent: true,
  concurrency: 1,
});

const answer = (text: string, status = 200) => ({ status, headers: {}, body: Buffer.from(text) });

test('an answer is made once while the operations stay', async () => {
  const operations = [operation('a')];
  // A server gives another list each time, of the same operations.
  const kept = new KeptAnswers(() => [...operations]);
  let made = 0;
  const get = async () => (await kept.get('x', () => answer(String(++made)))).body.toString();
  assert.equal([await get(), await get()], ['1', '1']);
});

test('a reload lets all answers go, also where the operations are named as before', async () => {
  let operations = [operation('a')];
  const kept = new KeptAnswers(() => operations);
  let made = 0;
  const get = async () => (await kept.get('x', () => answer(String(++made)))).body.toString();
  await get();
  operations = [operation('a')];
  assert.is(await get(), '2');
  operations = [];
  assert.is(await get(), '3');
});

test('an answer that was made of the old operations is given and not kept', async () => {
  let operations = [operation('a')];
  const kept = new KeptAnswers(() => operations);
  let finish = () => {};
  const slow = kept.get('x', () => new Promise((resolve) => (finish = () => resolve(answer('old')))));
  operations = [operation('b')];
  assert.is((await kept.get('y', () => answer('new'))).body.toString(), 'new');
  finish();
  assert.is((await slow).body.toString(), 'old');
  assert.is((await kept.get('x', () => answer('new'))).body.toString(), 'new');
});

test('a failure is not kept, nor more answers than there can be paths', async () => {
  const kept = new KeptAnswers(() => []);
  assert.is((await kept.get('x', () => answer('no', 404))).status, 404);
  assert.is((await kept.get('x', () => answer('yes'))).status, 200);
  let made = 0;
  for (let round = 0; round < 2; round++) {
    for (let index = 0; index < 200; index++) {
      await kept.get(`p${index}`, () => {
        made++;
        return answer('yes');
      });
    }
  }
  assert.ok(made > 300, `${made} were made, so more than a hundred are kept`);
});

test.run();
