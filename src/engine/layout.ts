/**
 * What the host knows of the engine's memory: the mirror of `assembly/layout.ts` and `assembly/codes.ts`. Addresses
 * come from the module's exports. Only the shapes of records are here, and a test compares them.
 */
import type { WireErrorCode } from '../errors.js';

/** Indexes of STATUS as i32; `tails` is the first half of an i64. */
export const statusField = {
  consumed: 0,
  outputLength: 1,
  handouts: 2,
  stop: 3,
  operation: 4,
  outcome: 5,
  answered: 6,
  itemIndex: 7,
  faultOffset: 8,
  textOffset: 9,
  textLength: 10,
  outputOffset: 11,
  tails: 12,
} as const;

/** Bytes of STATUS. */
export const statusBytes = 64;

/** Indexes of a handout record as u32: each of an offset, which its length follows. */
export const handoutField = { id: 0, op: 2, data: 4, timeout: 6, traceparent: 8 } as const;

/** `Stop` of the assembly, by its number. */
export const stops = ['input', 'output', 'large'] as const;
export type Stop = (typeof stops)[number];

/** `Operation` of the assembly, by its number. The first is for a body that names none of the engine's. */
export const operations = ['unknown', 'echo', 'upper', 'sum', '$ping'] as const;
export type EngineOperation = (typeof operations)[number];

/** A mask with the bit of each of these operations; bit `n` is that of the operation of number `n`. */
export function operationMask(names: readonly string[]): number {
  return names.reduce((mask, name) => {
    const number = (operations as readonly string[]).indexOf(name);
    return number > 0 ? mask | (1 << number) : mask;
  }, 0);
}

/** The mask of all of the engine's operations. */
export const allOperations = operationMask(operations);

/** `Outcome` of the assembly, by its number; `HANDED_OUT` is never counted. */
export const outcomes = ['ok', 'BAD_JSON', 'BAD_REQUEST', 'BAD_DATA', 'OUT_OF_RANGE'] as const satisfies readonly (
  | 'ok'
  | WireErrorCode
)[];
export const handedOut = outcomes.length;
export const outcomeColumns = outcomes.length + 1;

/** A reply to a body of so many bytes is never longer; see `replyBytesMax` in the assembly. */
export function replyBytesMax(bodyBytes: number): number {
  return 3 * bodyBytes + 1024;
}

/** The module's exports, as asc names them. */
export interface EngineExports extends Record<string, unknown> {
  readonly memory: WebAssembly.Memory;
  run(length: number, handOutAll: boolean): void;
  allow(mask: number): void;
  answer(length: number): void;
  peek(length: number): void;
  check(length: number): number;
  resume(): void;
  /** 1 where the body is answered. */
  part(shift: number, length: number, isLast: boolean): number;
  suspend(): void;
  beginSum(): void;
  readonly statusOffset: WebAssembly.Global;
  readonly countsOffset: WebAssembly.Global;
  readonly handoutsOffset: WebAssembly.Global;
  readonly handoutBytes: WebAssembly.Global;
  readonly handoutsMax: WebAssembly.Global;
  readonly inputOffset: WebAssembly.Global;
  readonly inputBytes: WebAssembly.Global;
  readonly outputOffset: WebAssembly.Global;
  readonly arenaOffset: WebAssembly.Global;
  readonly bodyStateOffset: WebAssembly.Global;
  readonly bodyStateBytes: WebAssembly.Global;
  readonly bodyCheckBytes: WebAssembly.Global;
  readonly partOffset: WebAssembly.Global;
  readonly partBytesMax: WebAssembly.Global;
  readonly guardBytes: WebAssembly.Global;
  readonly staticEnd: WebAssembly.Global;
  readonly allOperations: WebAssembly.Global;
}
