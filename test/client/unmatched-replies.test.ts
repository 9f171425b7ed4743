import * as assert from 'uvu/assert';
import { Call } from '../../src/client/call.js';
import { UnmatchedReplies } from '../../src/client/unmatched-replies.js';
import { suite } from '../support/suite.js';

const test = suite('client: replies without an id');

const body = (text: string): Uint8Array => Buffer.from(text);
const plain = (matched: [Call, Uint8Array][]): string[] =>
  matched.map(([{ request }, reply]) => `${request.id}=${Buffer.from(reply)}`);

/** Calls in flight as a connection has them, and the replies to them. */
function flight(...ids: string[]) {
  const inFlight = new Map<string, Call>();
  const replies = new UnmatchedReplies(inFlight);
  let sent = 0;
  const taken = (matched: [Call, Uint8Array][]): string[] => {
    for (const [{ request }] of matched) inFlight.delete(request.id);
    return plain(matched);
  };
  const send = (id: string): void => {
    const call = new Call({
      id,
      op: 'echo',
      data: undefined,
      timeoutMs: undefined,
      traceparent: undefined,
      idempotent: false,
    });
    call.order = ++sent;
    inFlight.set(id, call);
  };
  ids.forEach(send);
  return {
    replies,
    send,
    add: (text: string): string[] => taken(replies.add(body(text), sent)),
    answered(id: string): string[] {
      const call = inFlight.get(id)!;
      inFlight.delete(id);
      return taken(replies.answered(call));
    },
  };
}

test('where one call is in flight the reply is its own', () => {
  assert.equal(flight('x').add('A'), ['x=A']);
});

test('where several are in flight it becomes certain when the others have their own', () => {
  const { replies, add, answered } = flight('x', 'y', 'z');
  assert.equal(add('A'), []);
  assert.equal(answered('x'), []);
  assert.equal(answered('z'), ['y=A']);
  assert.equal([replies.held, replies.heldBytes], [0, 0]);
});

test('as many replies as calls are given out in order', () => {
  const { add } = flight('x', 'y');
  assert.equal(add('A'), []);
  assert.equal(add('B'), ['x=A', 'y=B']);
});

test('a reply that came before a call was made is not given to it', () => {
  const { add, answered, send } = flight('x', 'y');
  assert.equal(add('A'), []);
  send('z');
  assert.equal(add('B'), []);
  // x had its own, so A is y's and B can only be z's.
  assert.equal(answered('x'), ['y=A', 'z=B']);
});

test('two replies and three calls wait for one more reply', () => {
  const { add, answered, send } = flight('x', 'y');
  assert.equal(add('A'), []);
  send('z');
  assert.equal(add('B'), []);
  assert.equal(answered('z'), ['x=A', 'y=B']);
});

test('what is held is one copy of each body, however many calls are in flight', () => {
  const { replies, add, answered } = flight(...Array.from({ length: 4000 }, (_, n) => `n${n}`));
  for (let n = 0; n < 3999; n++) assert.equal(add('0123456789'), []);
  assert.equal([replies.held, replies.heldBytes], [3999, 39_990]);
  assert.is(answered('n2000').length, 3999);
  assert.is(replies.heldBytes, 0);
});

test.run();
