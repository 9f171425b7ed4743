/** The one error that sums throw. */
import { RequestError } from '../errors.js';

export type SumErrorCode = 'BAD_JSON' | 'BAD_DATA' | 'OUT_OF_RANGE';

export interface SumFault {
  /**
   * Index of the item at fault in the array that was given, from 0. For a fault in the grammar, of the item that it is
   * in or after. Undefined where no single item is at fault.
   */
  readonly index?: number | undefined;
  /** Offset of the byte at fault in what was given, from 0. Undefined where not a byte is at fault, but the result. */
  readonly offset?: number | undefined;
}

/** A text, a number in it, a state or a result that a sum does not take. */
export class SumError extends RequestError implements SumFault {
  override readonly name = 'SumError';
  declare readonly code: SumErrorCode;
  readonly index: number | undefined;
  readonly offset: number | undefined;

  constructor(code: SumErrorCode, message: string, { index, offset }: SumFault = {}) {
    super(code, message);
    this.index = index;
    this.offset = offset;
  }

  /** A fault in the text of an array of `length` bytes. */
  static inArray(code: string, index: number | undefined, offset: number, length: number): SumError {
    const place = index === undefined ? `byte ${offset}` : `index ${index}, byte ${offset}`;
    switch (code) {
      case 'BAD_DATA':
        return new SumError(code, `sum takes an array of numbers: ${place}`, { index, offset });
      case 'OUT_OF_RANGE':
        return new SumError(code, `a number has no finite binary64: ${place}`, { index, offset });
      default: {
        const what = offset === length ? 'the JSON array ends too early' : 'this is not one JSON array';
        return new SumError('BAD_JSON', `${what}: ${place}`, { index, offset });
      }
    }
  }
}
