/** Lines that give no number, in sentences: where, what is wrong, and what to do. */

import { type ColumnFault, lineBytesMax } from '../engine/column-scanner.js';
import { RequestError } from '../errors.js';

/** Text from which no column can be taken, or a line of it that gives no number. Its code is `BAD_DATA`. */
export class ColumnError extends RequestError {
  override readonly name = 'ColumnError';
  /** What the text is called. */
  readonly source: string;
  /** What is wrong, without the place. */
  readonly reason: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in bytes. */
  readonly column: number;
  /** Can a call go on without this line? */
  readonly isSkippable: boolean;

  constructor(source: string, line: number, column: number, reason: string, isSkippable: boolean) {
    const advice = isSkippable ? ' Mend the line, or pass skipBad to leave such lines out.' : '';
    super('BAD_DATA', `${source}, line ${line}, column ${column}: ${reason}.${advice}`);
    this.source = source;
    this.line = line;
    this.column = column;
    this.reason = reason;
    this.isSkippable = isSkippable;
  }
}

/** `Why` of the assembly's `fault.ts`, as far as it is about one JSON value. */
const grammar: Readonly<Record<number, string>> = {
  2: 'expected a member name in quotes',
  3: 'expected a colon',
  4: 'expected a comma or a closing brace',
  5: 'expected a comma or a closing bracket',
  6: 'expected a JSON value',
  7: 'expected a digit',
  8: 'no such escape in a string',
  9: 'a control character in a string, or the line ends in one',
  10: 'not UTF-8',
  11: 'more than 1024 levels of nesting',
  12: 'there is something after the JSON value',
};

/** @param wanted the path or the column, as it is to be called */
export function errorOfFault(source: string, fault: ColumnFault, wanted: string): ColumnError {
  const isSkippable = fault.stop !== 'unclosed quote' && fault.stop !== 'too long';
  return new ColumnError(source, fault.line, fault.column, reasonOf(fault, wanted), isSkippable);
}

function reasonOf({ stop, text, why, isMissing }: ColumnFault, wanted: string): string {
  const value = shown(text);
  switch (stop) {
    case 'empty':
      return 'the field is empty';
    case 'not a number':
      return `${value} ${whyNoNumber(new TextDecoder().decode(text))}`;
    case 'too large':
      return `${value} is beyond binary64, which ends near 1.8e308`;
    case 'too few columns':
      return `the line ends before ${wanted}`;
    case 'text after a quote':
      return 'a quoted field goes on after its closing quote; a quote inside of a field is written twice';
    case 'unclosed quote':
      return 'the quoted field that begins here is not closed';
    case 'not JSON':
      return `the line is not JSON: ${grammar[why]}`;
    case 'no number there':
      return isMissing ? `there is no ${wanted} in this value` : `${wanted} is ${value}, which is not a number`;
    default:
      return `the line is longer than ${lineBytesMax} bytes; are there ends of lines at all, and is every quote closed`;
  }
}

function shown(text: Uint8Array): string {
  const shownBytesMax = 40;
  const isLong = text.length > shownBytesMax;
  return JSON.stringify(new TextDecoder().decode(text.slice(0, shownBytesMax)) + (isLong ? '…' : ''));
}

const digits = /^[-+]?[\d.,'_ \u00a0\u202f]*\d[\d.,'_ \u00a0\u202f]*(?:[eE][-+]?\d+)?$/;

/** What to write in its place, for what people and spreadsheets write. */
function whyNoNumber(text: string): string {
  if (/^\+/.test(text)) return 'has a + before it, which JSON does not allow; leave it out';
  if (/\p{Sc}|^[A-Z]{3}\b|\b[A-Z]{3}$/u.test(text))
    return 'has a currency, which belongs into the name of the column; write the number only';
  if (/%$/.test(text)) return 'has a percent sign; write the number only';
  if (/^\(.*\)$/.test(text)) return 'is in parentheses; write a negative number with a -';
  if (!digits.test(text)) return 'is not a number';
  if (/,/.test(text)) return 'has a comma; write digits without separators between them, and a point before decimals';
  if (/['_ \u00a0\u202f]|\..*\./.test(text)) return 'has separators between its digits; write them without';
  if (/^-?\./.test(text)) return 'has no digit before its point; write 0 there';
  if (/\.(?:$|e)/i.test(text)) return 'has no digit after its point; write 0 there';
  if (/^-?0\d/.test(text)) return 'begins with 0, which JSON does not allow; leave it out';
  return 'is not a number';
}
