/** Delimited text (RFC 4180) read one character at a time: slow, and simple enough to be believed. ASCII only. */

export interface ReferenceFault {
  readonly stop: string;
  readonly line: number;
  readonly column: number;
}

export interface ReferenceColumn {
  readonly items: string[];
  readonly faults: ReferenceFault[];
}

interface Fault {
  readonly stop: string;
  readonly at: number;
}

interface Field {
  /** Without quotes. */
  readonly value: string;
  readonly at: number;
  /** Where the delimiter, the line feed or the end of the text is. */
  readonly end: number;
  readonly fault?: Fault;
}

const jsonNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** What a number's text is refused for. */
export function numberFault(text: string): string | undefined {
  if (!jsonNumber.test(text)) return 'not a number';
  return Number.isFinite(Number(text)) ? undefined : 'too large';
}

/** The numbers of one column, from 0, and the lines without one. Reading ends at a quote that is not closed. */
export function referenceColumn(text: string, delimiter: string, column: number): ReferenceColumn {
  const items: string[] = [];
  const faults: ReferenceFault[] = [];
  let at = 0;
  while (at < text.length) {
    const fields = [readField(text, at, delimiter)];
    while (text[fields.at(-1)!.end] === delimiter) fields.push(readField(text, fields.at(-1)!.end + 1, delimiter));
    const end = fields.at(-1)!.end;
    const isBlank = ['', '\r'].includes(text.slice(at, end));
    at = end + 1;
    if (isBlank) continue;
    const fault = fields.find((field) => field.fault)?.fault ?? valueFault(fields[column], end);
    if (fault === undefined) items.push(trim(fields[column]!.value));
    else faults.push(placed(text, fault));
    if (fault?.stop === 'unclosed quote' || fields.at(-1)!.fault?.stop === 'unclosed quote') break;
  }
  return { items, faults };
}

function readField(text: string, at: number, delimiter: string): Field {
  if (text[at] !== '"') {
    const end = fieldEnd(text, at, delimiter);
    const isLast = text[end] !== delimiter || end === text.length;
    return { value: isLast ? text.slice(at, end).replace(/\r$/, '') : text.slice(at, end), at, end };
  }
  let close = at + 1;
  while (close < text.length && (text[close] !== '"' || text[close + 1] === '"')) close += text[close] === '"' ? 2 : 1;
  const value = text.slice(at + 1, close);
  if (close >= text.length) return { value, at: at + 1, end: text.length, fault: { stop: 'unclosed quote', at } };
  const after = close + 1;
  const end = fieldEnd(text, after, delimiter);
  const between = text.slice(after, end);
  if (between === '' || (between === '\r' && text[end] !== delimiter)) return { value, at: at + 1, end };
  return { value, at: at + 1, end, fault: { stop: 'text after a quote', at: after } };
}

function fieldEnd(text: string, at: number, delimiter: string): number {
  let end = at;
  while (end < text.length && text[end] !== delimiter && text[end] !== '\n') end++;
  return end;
}

function trim(value: string): string {
  return value.replace(/^[ \t]+|[ \t]+$/g, '');
}

function valueFault(field: Field | undefined, lineEnd: number): Fault | undefined {
  if (field === undefined) return { stop: 'too few columns', at: lineEnd };
  const value = trim(field.value);
  const at = field.at + field.value.search(/[^ \t]|$/);
  const stop = value === '' ? 'empty' : numberFault(value);
  return stop === undefined ? undefined : { stop, at };
}

function placed(text: string, { stop, at }: Fault): ReferenceFault {
  const before = text.slice(0, at).split('\n');
  return { stop, line: before.length, column: before.at(-1)!.length + 1 };
}
