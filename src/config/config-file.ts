/**
 * Reads a configuration file: plain JSON, one object, its members named after the flags (`http-port` → `httpPort`).
 *
 * Invariant: a file is taken as a whole or not at all. Every member is checked, also one that a flag or a variable
 * overrides, so that a mistake shows at the next start and not when the flag is gone. The one exception: whether the
 * modules of `ops` are there is only looked at where they are in force.
 *
 * Every failure is a `ConfigError` of one sentence: the file as the operator named it, where in it, and what is allowed.
 * Which source wins is left to `load-config.ts`.
 */

import { closeSync, openSync, readSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { ConfigError } from '../errors.js';
import { cutText } from '../protocol/cut-text.js';
import { JsonSyntaxError, parseJson } from './json-text.js';
import { nearestName } from './nearest-name.js';
import { allowedInFile, isList, memberOf, type Option } from './option-kinds.js';
import { fileKeys, type OptionKey, options } from './options.js';
import { parseAddresses } from './parse-addresses.js';
import { parseOne } from './parse-value.js';

/** What a file says, in the form in which flags say it. Relative paths count from the file's folder, and are absolute here. */
export interface ConfigFile {
  /** As the operator named it. */
  readonly name: string;
  readonly texts: Readonly<Partial<Record<OptionKey, readonly string[]>>>;
}

/** Thousands of times what the options take. A device would have no end. */
const fileBytesMax = 1024 * 1024;

/** More names than this would make the line unreadable. */
const namesMax = 5;

/** Names the schema for an editor; the server does not look at it. */
const schemaMember = '$schema';

/**
 * @param from how the operator named the option: `--config` or `TRAMA_CONFIG`
 * @param path as the operator wrote it
 * @throws ConfigError
 */
export function readConfigFile(from: string, path: string): ConfigFile {
  const name = cutText(path, 400);
  const members = membersOf(name, readText(from, path));
  const known = new Map(fileKeys.map((key) => [memberOf(options[key]), key]));
  const unknown = Object.keys(members).filter((member) => !known.has(member) && member !== schemaMember);
  if (unknown.length > 0) throw unknownMembers(name, unknown, [...known.keys()]);
  const folder = dirname(resolve(path));
  const given = [...known].filter(([member]) => Object.hasOwn(members, member));
  const texts = given.map(([member, key]) => [key, checkedTexts(options[key], folder, members[member], name)] as const);
  return { name, texts: Object.fromEntries(texts) };
}

function readText(from: string, path: string): string {
  let bytes: Uint8Array;
  try {
    bytes = readBounded(path);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const shown = JSON.stringify(cutText(path, 400));
    throw new ConfigError(`${from}: ${shown} cannot be read (${code ?? message}); give the path of a JSON file`, {
      cause,
    });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new ConfigError(`${cutText(path, 400)}: the file is not UTF-8; save it as that`, { cause });
  }
}

/** Reads a file, or a pipe as the shell's `<(…)` gives. @throws the system's error; one without a code where it is too large */
function readBounded(path: string): Uint8Array {
  const fd = openSync(path, 'r');
  try {
    const buffer = new Uint8Array(fileBytesMax + 1);
    let length = 0;
    while (length < buffer.length) {
      const readBytes = readSync(fd, buffer, length, buffer.length - length, null);
      if (readBytes === 0) return buffer.subarray(0, length);
      length += readBytes;
    }
  } finally {
    closeSync(fd);
  }
  throw new Error(`it has more than ${fileBytesMax} bytes`);
}

function membersOf(name: string, text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    const { line, column, problem } = error;
    throw new ConfigError(`${name}: line ${line}, column ${column}: ${problem}`, { cause: error });
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new ConfigError(`${name}: ${shown(value)} is not an object with options, such as {"port": 5000}`);
}

function unknownMembers(name: string, unknown: readonly string[], known: readonly string[]): ConfigError {
  const named = unknown.slice(0, namesMax).map((member) => {
    const near = nearestMember(member, known);
    return near === undefined ? shown(member) : `${shown(member)} (did you mean ${shown(near)}?)`;
  });
  if (unknown.length > namesMax) named.push(`${unknown.length - namesMax} more`);
  const rule = 'members are named after the flags, as "httpPort" after --http-port';
  return new ConfigError(`${name}: there is no option ${named.join(', ')}; ${rule}`);
}

/** Who writes `http-port`, `TRAMA_HTTP_PORT` or the name that the option has in a program means it exactly. */
function nearestMember(member: string, known: readonly string[]): string | undefined {
  const key = fileKeys.find((each) => each === member);
  if (key !== undefined) return memberOf(options[key]);
  const bare = (text: string) =>
    text
      .replace(/^TRAMA_/, '')
      .replaceAll(/[-_]/g, '')
      .toLowerCase();
  const near = nearestName(bare(member), known.map(bare));
  return known.find((each) => bare(each) === near);
}

/** @throws ConfigError where the option does not take the value */
function checkedTexts(option: Option, folder: string, value: unknown, name: string): readonly string[] {
  const texts = textsOf(option, value);
  if (option.type === 'modules') {
    if (texts !== undefined) return texts.map((path) => resolve(folder, path));
  } else if (option.type === 'addresses') {
    if (texts?.length && texts.every((text) => parseAddresses(text) !== undefined)) return texts;
  } else if (texts !== undefined && parseOne(option, texts[0]!) !== undefined) {
    const isPath = option.type === 'folder' || option.type === 'pem' || option.type === 'path';
    return isPath ? [resolve(folder, texts[0]!)] : texts;
  }
  const isQuoted = typeof value === 'string' && !isList(option) && parseOne(option, value) !== undefined;
  const hint = isQuoted ? '; write it without quotes' : '';
  throw new ConfigError(`${name}: ${memberOf(option)}: ${shown(value)} is not ${allowedInFile(option)}${hint}`);
}

/** What a flag would say; `undefined` for a value of another kind. */
function textsOf(option: Option, value: unknown): readonly string[] | undefined {
  if (isList(option)) {
    const texts: unknown = typeof value === 'string' ? [value] : value;
    return Array.isArray(texts) && texts.every((text) => typeof text === 'string' && text !== '') ? texts : undefined;
  }
  if (option.type === 'port' && value === 'off') return [value];
  const kinds = {
    integer: ['number'],
    bytes: ['number', 'string'],
    port: ['number'],
    switch: ['boolean'],
  } as const;
  const taken: readonly string[] = option.type in kinds ? kinds[option.type as keyof typeof kinds] : ['string'];
  return taken.includes(typeof value) ? [String(value)] : undefined;
}

function shown(value: unknown): string {
  return cutText(JSON.stringify(value), 80);
}
