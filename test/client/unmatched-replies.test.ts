import * as assert from 'uvu/assert';
import { Call } from '../../src/client/call.js';
import { UnmatchedReplies } from '../../src/client/unmatched-replies.js';
import { suite } from '../support/suite.js';

const test = suite('client: replies without an id');

const call = (id: string): Call =>
  new Call({ id, op: 'echo', data: undefined, timeoutMs: undefined, traceparent: undefined });
const body = (text: string): Uint8Array => Buffer.from(text);
const plain = (matched: [Call, Uint8Array][]): string[] =>
  matched.map(([{ request }, reply]) => `${request.id}=${Buffer.from(reply)}`);

test('with one call in flight it is that call’s', () => {
  assert.equal(plain(new UnmatchedReplies().add(body('A'), [call('x')])), ['x=A']);
});

test('with several it becomes certain when the others have their own', () => {
  const [x, y, z] = ['x', 'y', 'z'].map(call) as [Call, Call, Call];
  const replies = new UnmatchedReplies();
  assert.equal(replies.add(body('A'), [x, y, z]), []);
  assert.equal(replies.answered(x), []);
  assert.equal(plain(replies.answered(z)), ['y=A']);
  assert.is(replies.held, 0);
});

test('as many replies as calls are given out in order', () => {
  const [x, y] = ['x', 'y'].map(call) as [Call, Call];
  const replies = new UnmatchedReplies();
  assert.equal(replies.add(body('A'), [x, y]), []);
  assert.equal(plain(replies.add(body('B'), [x, y])), ['x=A', 'y=B']);
});

test('a call made after a reply came is not taken for it', () => {
  const [x, y, z] = ['x', 'y', 'z'].map(call) as [Call, Call, Call];
  const replies = new UnmatchedReplies();
  assert.equal(replies.add(body('A'), [x, y]), []);
  assert.equal(replies.add(body('B'), [x, y, z]), []);
  // x had its own, so A is y's and B can only be z's.
  assert.equal(plain(replies.answered(x)), ['y=A', 'z=B']);
});

test('two replies and three calls wait for one more word', () => {
  const [x, y, z] = ['x', 'y', 'z'].map(call) as [Call, Call, Call];
  const replies = new UnmatchedReplies();
  assert.equal(replies.add(body('A'), [x, y]), []);
  assert.equal(replies.add(body('B'), [x, y, z]), []);
  assert.equal(plain(replies.answered(z)), ['x=A', 'y=B']);
});

test.run();
