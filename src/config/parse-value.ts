/**
 * Turns what was written for one option into its value. Pure but for `modules`, whose files are looked at.
 *
 * Every failure is a `ConfigError` of one sentence: where the value came from, what it was, what is allowed.
 */

import { accessSync, constants, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConfigError } from '../errors.js';
import { cutText } from '../protocol/cut-text.js';
import { allowedWords, type ListOption, type Option, portMax } from './option-kinds.js';
import { parseAddresses } from './parse-addresses.js';

/** What an option may be set to. */
export type SettingValue = number | string | boolean | readonly string[] | undefined;

/**
 * @param from how the operator named the option: `--port`, `TRAMA_PORT` or `trama.json: port`
 * @param texts what was written; only lists use more than the last one
 * @throws ConfigError
 */
export function parseValue(option: Option, from: string, texts: readonly string[]): SettingValue {
  if (option.type === 'modules') return texts.map((path) => moduleUrl(from, path));
  if (option.type === 'addresses') return texts.flatMap((text) => addressesOf(option, from, text));
  const text = texts.at(-1) ?? '';
  const value = parseOne(option, text);
  if (value === undefined) throw refused(from, text, option);
  return value;
}

/** The value that one text means; `undefined` where the option does not take it. */
export function parseOne(option: Exclude<Option, ListOption>, text: string): number | string | boolean | undefined {
  switch (option.type) {
    case 'integer':
      return inRange(option, wholeNumber(text));
    case 'bytes':
      return inRange(option, parseBytes(text));
    case 'port':
      return text === 'off' ? text : inRange({ min: 0, max: portMax }, wholeNumber(text));
    case 'choice':
      return option.choices.includes(text) ? text : undefined;
    case 'text':
      return text === '' || /\s/.test(text) ? undefined : text;
    case 'folder':
    case 'file':
    case 'path':
    case 'pem':
      return text === '' ? undefined : resolve(text);
    case 'switch':
      return switchValues.get(text);
  }
}

function addressesOf(option: Option, from: string, text: string): readonly string[] {
  const addresses = parseAddresses(text);
  if (addresses === undefined) throw refused(from, text, option);
  return addresses;
}

const switchValues: ReadonlyMap<string, boolean> = new Map([
  ['1', true],
  ['true', true],
  ['0', false],
  ['false', false],
]);

function wholeNumber(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function inRange({ min, max }: { min: number; max: number }, value: number | undefined): number | undefined {
  return value !== undefined && value >= min && value <= max ? value : undefined;
}

const byteFactors: Readonly<Record<string, number>> = { '': 1, b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** `65536`, `64k`, `64KiB`, `1.5GiB`. Not `64kB`: whether that is 64,000 or 65,536 is anybody's guess. */
export const bytesPattern = /^(\d{1,15}(?:\.\d{1,6})?)([bB]|[kKmMgG](?:[iI][bB])?)?$/;

function parseBytes(text: string): number | undefined {
  const match = bytesPattern.exec(text);
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
      `${from}: ${JSON.stringify(cutText(path, 400))} cannot be read (${reason}); give the path of a JavaScript module`,
    );
  }
  return pathToFileURL(absolute).href;
}

function refused(from: string, text: string, option: Option): ConfigError {
  const hint = linkVariable.test(text) ? serviceLinksHint : '';
  return new ConfigError(`${from}: ${JSON.stringify(cutText(text, 80))} is not ${allowedWords(option)}${hint}`);
}

/** What Kubernetes sets as `TRAMA_PORT` in each pod where there is a service named `trama`. */
const linkVariable = /^(?:tcp|udp|sctp):\/\//;

const serviceLinksHint = '; if Kubernetes set it for a service of that name, give the pod enableServiceLinks: false';
