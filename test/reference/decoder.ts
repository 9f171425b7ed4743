/**
 * The oracle: the whole protocol for one body, in plain TypeScript, by other means than the engine's. Validity is what
 * a fatal UTF-8 decode and V8's `JSON.parse` say; the ranges of tokens come from a scanner of its own, so that `echo`
 * is verbatim.
 *
 * It says what must be answered. Where the protocol leaves a choice (which of several faults is named) it gives every
 * allowed answer. It imports the limits and nothing else of the project.
 */
import type { WireErrorCode } from '../../src/errors.js';
import { frameHeaderBytes, idBytesMax, nestingLevelsMax } from '../../src/protocol/limits.js';
import { exactSum } from './exact-sum.js';
import { nestingOf, type Range, scanArray, scanObject, skipSpace } from './scan.js';

export type Expectation =
  /** `result` is the exact text, as Latin-1 of its bytes; or a string value, where its escapes may be written freely. */
  | { readonly kind: 'ok'; readonly id: string; readonly result: string | { readonly string: string } }
  /** Any of the codes, with any of the `id` tokens (`null` where there is none), as Latin-1 of their bytes. */
  | { readonly kind: 'error'; readonly ids: readonly string[]; readonly codes: readonly WireErrorCode[] }
  /** Not for the engine to answer. `data` is undefined where there is none. Tokens as Latin-1 of their bytes. */
  | {
      readonly kind: 'handout';
      readonly id: string;
      readonly op: string;
      readonly data: string | undefined;
      readonly timeoutMs: number | undefined;
    };

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const memberNames = ['id', 'op', 'data', 'timeoutMs', 'traceparent'];
const badJson: Expectation = { kind: 'error', ids: ['null'], codes: ['BAD_JSON'] };

/** What the protocol asks for, for each whole frame of a stream, in the order of the frames. */
export function expectStream(stream: Uint8Array): Expectation[] {
  const view = new DataView(stream.buffer, stream.byteOffset, stream.byteLength);
  const expectations: Expectation[] = [];
  let offset = 0;
  while (offset + frameHeaderBytes <= stream.length) {
    const end = offset + frameHeaderBytes + view.getUint32(offset);
    if (end > stream.length) break;
    expectations.push(expectBody(stream.subarray(offset + frameHeaderBytes, end)));
    offset = end;
  }
  return expectations;
}

/** What the protocol asks for, for one body. */
export function expectBody(body: Uint8Array): Expectation {
  let parsed: unknown;
  try {
    parsed = JSON.parse(utf8.decode(body));
  } catch {
    return badJson;
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return badJson;
  if (nestingOf(body) > nestingLevelsMax) return badJson;
  return expectRequest(body);
}

function expectRequest(body: Uint8Array): Expectation {
  const members = scanObject(body, skipSpace(body, 0));
  const text = (range: Range) => Buffer.from(body.subarray(range.start, range.end)).toString('latin1');
  const all = (name: string) => members.filter((member) => member.name === name).map(({ value }) => text(value));
  const first = (name: string) => all(name)[0];
  const [id, op, timeout, traceparent] = ['id', 'op', 'timeoutMs', 'traceparent'].map(first);

  const twice = memberNames.some((name) => all(name).length > 1);
  const badId = id === undefined || !isUsableId(id);
  const badOp = op === undefined || !op.startsWith('"');
  const badTimeout = timeout !== undefined && !/^[\d.]*[1-9]/.test(timeout);
  const badTrace = traceparent !== undefined && !traceparent.startsWith('"');
  if (twice || badId || badOp || badTimeout || badTrace) {
    // Of an `id` that appears twice either token may come back, or none.
    const ids = all('id').length > 1 ? ['null', ...all('id').filter(isUsableId)] : [badId ? 'null' : id];
    const ofData = all('op').some((token) => nameOf(token) === 'sum')
      ? members.filter(({ name }) => name === 'data')
      : [];
    return { kind: 'error', ids, codes: ['BAD_REQUEST', ...ofData.flatMap(({ value }) => itemFaults(body, value))] };
  }

  const dataRange = members.find((member) => member.name === 'data')?.value;
  const data = dataRange === undefined ? undefined : text(dataRange);
  const name = nameOf(op);
  if (name === 'echo') return { kind: 'ok', id, result: data ?? 'null' };
  if (name === '$ping') return { kind: 'ok', id, result: '{"pong":true}' };
  if (name === 'upper') return expectUpper(id, data);
  if (name === 'sum') return expectSum(id, body, dataRange);
  return { kind: 'handout', id, op, data, timeoutMs: timeout === undefined ? undefined : Number(timeout) };
}

/** The value of a token that should be an operation's name. */
function nameOf(token: string): unknown {
  return JSON.parse(Buffer.from(token, 'latin1').toString());
}

function isUsableId(token: string): boolean {
  return token.startsWith('"') && token.length - 2 <= idBytesMax;
}

function expectUpper(id: string, data: string | undefined): Expectation {
  if (!data?.startsWith('"')) return { kind: 'error', ids: [id], codes: ['BAD_DATA'] };
  const value = JSON.parse(Buffer.from(data, 'latin1').toString()) as string;
  return { kind: 'ok', id, result: { string: value.toUpperCase() } };
}

function expectSum(id: string, body: Uint8Array, data: Range | undefined): Expectation {
  if (data === undefined || body[data.start] !== 0x5b) return { kind: 'error', ids: [id], codes: ['BAD_DATA'] };
  const faults = itemFaults(body, data);
  if (faults.length > 0) return { kind: 'error', ids: [id], codes: faults };
  const outcome = exactSum(itemsOf(body, data));
  if (outcome.kind === 'ok') return { kind: 'ok', id, result: outcome.text };
  return { kind: 'error', ids: [id], codes: ['OUT_OF_RANGE'] };
}

function itemsOf(body: Uint8Array, data: Range): string[] {
  return scanArray(body, data.start).map(({ start, end }) => Buffer.from(body.subarray(start, end)).toString('latin1'));
}

/** What is wrong with single items of an array that should be added; a reply may name any of it. */
function itemFaults(body: Uint8Array, data: Range): WireErrorCode[] {
  if (body[data.start] !== 0x5b) return [];
  const items = itemsOf(body, data);
  const numbers = items.filter((item) => /^[-\d]/.test(item));
  const isTooLarge = (item: string) => exactSum([item]).kind !== 'ok';
  return [
    ...(numbers.length < items.length ? (['BAD_DATA'] as const) : []),
    ...(numbers.some(isTooLarge) ? (['OUT_OF_RANGE'] as const) : []),
  ];
}
