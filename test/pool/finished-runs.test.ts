import * as assert from 'uvu/assert';
import { FinishedRuns } from '../../src/pool/finished-runs.js';
import { suite } from '../support/suite.js';

const test = suite('pool: finished runs');

test('the first run after which the thread has not answered is the suspect, or else the last', () => {
  const runs = new FinishedRuns();
  assert.is(runs.suspect(0), undefined);
  runs.add(1, 'a', 0);
  runs.add(2, 'b', 0);
  assert.equal([runs.suspect(0), runs.suspect(1), runs.suspect(2)], ['a', 'b', 'b']);
  runs.add(3, 'c', 2);
  assert.equal([runs.suspect(0), runs.suspect(3)], ['c', 'c']);
});

test('it keeps a bounded number of them', () => {
  const runs = new FinishedRuns();
  for (let serial = 1; serial <= 100; serial += 1) runs.add(serial, `${serial}`, 0);
  assert.is(runs.suspect(0), '85');
});

test.run();
