/**
 * Turns what was written for one option into its value. Pure but for `modules`, whose files are looked at.
 *
 * Every failure is a `ConfigError` of one sentence: where the value came from, what it was, what is allowed.
 */

import { accessSync, constants, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConfigError } from '../errors.js';
import { allowedWords, type BytesOption, type IntegerOption, type Option } from './options.js';

/**
 * @param from how the operator named the option: `--port` or `TRAMA_PORT`
 * @param text what was written; several texts only for `modules`
 * @throws ConfigError
 */
export function parseValue(option: Option, from: string, texts: readonly string[]): number | string | string[] {
  if (option.type === 'modules') return texts.map((path) => moduleUrl(from, path));
  const text = texts.at(-1) ?? '';
  const value = parseOne(option, text);
  if (value === undefined) throw refused(from, text, option);
  return value;
}

function parseOne(option: Exclude<Option, { type: 'modules' }>, text: string): number | string | undefined {
  switch (option.type) {
    case 'integer':
      return inRange(option, /^\d{1,15}$/.test(text) ? Number(text) : undefined);
    case 'bytes':
      return inRange(option, parseBytes(text));
    case 'choice':
      return option.choices.includes(text) ? text : undefined;
    case 'text':
      return text === '' || /\s/.test(text) ? undefined : text;
    case 'folder':
      return text === '' ? undefined : resolve(text);
  }
}

function inRange(option: IntegerOption | BytesOption, value: number | undefined): number | undefined {
  return value !== undefined && value >= option.min && value <= option.max ? value : undefined;
}

const byteFactors: Readonly<Record<string, number>> = { '': 1, b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** `65536`, `64k`, `64KiB`, `1.5GiB`. Not `64kB`: whether that is 64,000 or 65,536 is anybody's guess. */
function parseBytes(text: string): number | undefined {
  const match = /^(\d{1,15}(?:\.\d{1,6})?)(b|[kmg](?:ib)?)?$/i.exec(text);
  if (match === null) return undefined;
  const bytes = Number(match[1]) * byteFactors[(match[2] ?? '').charAt(0).toLowerCase()]!;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** The file must be there and readable now: a thread would only find out later, and say it less plainly. */
function moduleUrl(from: string, path: string): string {
  const absolute = resolve(path);
  try {
    if (path === '' || !statSync(absolute).isFile()) throw new Error('it is not a file');
    accessSync(absolute, constants.R_OK);
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? (cause as Error).message;
    throw new ConfigError(
      `${from}: ${JSON.stringify(path)} cannot be read (${reason}); give the path of a JavaScript module`,
    );
  }
  return pathToFileURL(absolute).href;
}

function refused(from: string, text: string, option: Option): ConfigError {
  const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  return new ConfigError(`${from}: ${JSON.stringify(shown)} is not ${allowedWords(option)}`);
}
