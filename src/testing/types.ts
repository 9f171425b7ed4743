import type { OperationDefinition } from '../ops/define-operation.js';

/** What comes back of a value that went over the wire as JSON: a Date as text, bytes as base64, `undefined` as null. */
export type AsJson<Value> = unknown extends Value
  ? unknown
  : Value extends Uint8Array | Uint8ClampedArray | ArrayBuffer
    ? string
    : Value extends { toJSON(...more: never[]): infer Json }
      ? AsJson<Json>
      : Value extends void
        ? null
        : Value extends object
          ? { -readonly [Name in keyof Value]: AsJson<Exclude<Value[Name], undefined>> }
          : Value;

type AnyOperation = OperationDefinition<never, unknown, unknown>;

/** The operations among the exports of a module: for each name the arguments of a call after it, and the result. */
export type CallsOf<Exports, Options> = {
  readonly [Name in keyof Exports as Exports[Name] extends AnyOperation ? Name : never]: {
    readonly args: ArgumentsOf<Exports[Name], Options>;
    readonly result: ResultOf<Exports[Name]>;
  };
};

type ArgumentsOf<Each, Options> =
  Each extends OperationDefinition<infer Data, infer _Output, infer _State>
    ? unknown extends Data
      ? [data?: unknown, options?: Options]
      : [data: Data, options?: Options]
    : never;
type ResultOf<Each> = Each extends { run(...args: never[]): infer Output } ? AsJson<Awaited<Output>> : never;
