/** Holds what was answered to what the oracle expects, and says in one sentence where the two part. */
import { isWireErrorCode } from '../../src/errors.js';
import type { Expectation } from './decoder.js';

export interface HandedOut {
  readonly id: string;
  readonly op: string;
  readonly data: string | undefined;
  readonly timeoutMs: number | undefined;
}

/** What came for one frame: the body of a reply, or what was handed out. */
export type Answer =
  | { readonly kind: 'reply'; readonly body: Uint8Array }
  | { readonly kind: 'handout'; readonly handout: HandedOut };

/** Undefined where the answer is right; else what is wrong with it. */
export function faultOf(answer: Answer | undefined, expected: Expectation): string | undefined {
  if (answer === undefined) return `no answer; expected ${JSON.stringify(expected)}`;
  if (answer.kind === 'handout') {
    const { kind, ...wanted } = expected;
    if (kind === 'handout' && JSON.stringify(answer.handout) === JSON.stringify(pickHandout(wanted as HandedOut)))
      return undefined;
    return `handed out ${JSON.stringify(answer.handout)}; expected ${JSON.stringify(expected)}`;
  }
  const text = Buffer.from(answer.body).toString('latin1');
  return replyIsRight(text, expected) ? undefined : `answered ${text}; expected ${JSON.stringify(expected)}`;
}

function pickHandout({ id, op, data, timeoutMs }: HandedOut): HandedOut {
  return { id, op, data, timeoutMs };
}

function replyIsRight(text: string, expected: Expectation): boolean {
  if (expected.kind === 'handout') return false;
  if (expected.kind === 'ok') {
    const head = `{"id":${expected.id},"ok":true,"result":`;
    if (typeof expected.result === 'string') return text === `${head}${expected.result}}`;
    if (!text.startsWith(head) || !text.endsWith('}')) return false;
    const result = Buffer.from(text.slice(head.length, -1), 'latin1');
    return parseStrict(result) === expected.result.string;
  }
  const id = expected.ids.find((each) => text.startsWith(`{"id":${each},"ok":false,"error":"`));
  if (id === undefined) return false;
  const reply = parseStrict(Buffer.from(text, 'latin1')) as { error: string; code: string };
  return (
    Object.keys(reply).join() === 'id,ok,error,code' &&
    reply.error.length > 0 &&
    isWireErrorCode(reply.code) &&
    expected.codes.includes(reply.code)
  );
}

/** The value of JSON bytes; undefined where they are not UTF-8 or not JSON. */
function parseStrict(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return undefined;
  }
}
