/** Reads the records in which the engine leaves where the members of a request are. */
import { handoutField } from './layout.js';

/**
 * The members around a request's data: where their tokens are, in bytes from the start of what the engine was given
 * (strings with their quotes), and the time budget.
 */
export interface Envelope {
  readonly idOffset: number;
  /** 0 where the member is absent, as for the other lengths. */
  readonly idLength: number;
  readonly opOffset: number;
  readonly opLength: number;
  readonly dataOffset: number;
  readonly dataLength: number;
  /** Milliseconds, above 0 and perhaps infinite; `undefined` where the request names none. */
  readonly timeoutMs: number | undefined;
  readonly traceparentOffset: number;
  readonly traceparentLength: number;
}

const decoder = new TextDecoder();

/**
 * @param record index in `words` of the record
 * @param origin address that the record's places count from
 */
export function readEnvelope(bytes: Uint8Array, words: Uint32Array, record: number, origin: number): Envelope {
  const field = (index: number): number => words[record + index]!;
  return {
    idOffset: field(handoutField.id),
    idLength: field(handoutField.id + 1),
    opOffset: field(handoutField.op),
    opLength: field(handoutField.op + 1),
    dataOffset: field(handoutField.data),
    dataLength: field(handoutField.data + 1),
    timeoutMs: readTime(bytes, origin + field(handoutField.timeout), field(handoutField.timeout + 1)),
    traceparentOffset: field(handoutField.traceparent),
    traceparentLength: field(handoutField.traceparent + 1),
  };
}

function readTime(bytes: Uint8Array, offset: number, length: number): number | undefined {
  if (length === 0) return undefined;
  const text = decoder.decode(bytes.subarray(offset, offset + length));
  const value = Number(text);
  if (value > 0) return value;
  // A time that is too short for a binary64 is short, and not absent. `peek` also finds what no request may have, such
  // as 0; whoever decodes the whole body says so.
  return /^[0.]*[1-9]/.test(text) ? Number.MIN_VALUE : undefined;
}
