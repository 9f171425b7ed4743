/**
 * The file of tokens as text: who may come, by the SHA-256 of a token or by the name in a certificate, and what each is
 * held to. Pure: the disk is `token-store.ts`'s.
 *
 *     { "version": 1, "identities": [ { "name": "billing", "sha256": "…64 hex digits…", "created": "2026-11-28T12:00:00.000Z",
 *       "expires": …, "allow": ["sum"], "maxRequests": 64, "requestsPerSecond": 1000, "bytesPerSecond": 1000000,
 *       "workerShare": "50%" } ] }
 *
 * Whatever is not understood is an error. To pass over a misspelt `allow` would give its identity all rights.
 */
import { cutText } from '../../protocol/cut-text.js';

/** What one identity is, as the file has it. What is absent is not limited. */
export interface IdentityEntry {
  readonly name: string;
  /** Of its token, in hexadecimal digits. Absent for one that comes by certificate, and for `anonymous`. */
  readonly sha256?: string;
  /** ISO 8601. */
  readonly created?: string;
  readonly expires?: string;
  /** Names of the operations that it may call. */
  readonly allow?: readonly string[];
  /** In flight at once, over all of its connections. */
  readonly maxRequests?: number;
  readonly requestsPerSecond?: number;
  readonly bytesPerSecond?: number;
  /** Threads of users' operations that it may have at once: how many, or as `50%` of them. */
  readonly workerShare?: number | string;
}

/** All who did not say who they are, where that is optional. */
export const anonymousName = 'anonymous';

export const tokenFileVersion = 1;
export const tokenFileBytesMax = 4 * 1024 * 1024;
export const identitiesMax = 10_000;
const nameLengthMax = 128;
const allowedMax = 1000;
const limitMax = 1e12;

/** What is wrong with the file: a phrase that follows its path. */
export class TokenFileError extends Error {
  override readonly name = 'TokenFileError';
}

/** @throws TokenFileError */
export function parseTokenFile(text: string): readonly IdentityEntry[] {
  if (text.length > tokenFileBytesMax) throw new TokenFileError(`is longer than ${tokenFileBytesMax} bytes`);
  const file = asObject(parseJson(text), 'it');
  checkMembers(file, ['version', 'identities'], 'it');
  if (file.version !== tokenFileVersion) {
    throw new TokenFileError(`has the version ${shown(file.version)}; this server reads ${tokenFileVersion}`);
  }
  const { identities } = file;
  if (!Array.isArray(identities)) throw new TokenFileError('has no array "identities"');
  if (identities.length > identitiesMax) throw new TokenFileError(`has more than ${identitiesMax} identities`);
  const entries = identities.map((value, index) => readEntry(value, index));
  checkTwice(
    entries.map(({ name }) => name),
    'name',
  );
  checkTwice(
    entries.flatMap(({ sha256 }) => sha256 ?? []),
    'sha256',
  );
  return entries;
}

export function formatTokenFile(entries: readonly IdentityEntry[]): string {
  return `${JSON.stringify({ version: tokenFileVersion, identities: entries }, null, 2)}\n`;
}

/** A phrase that says what is wrong with a name; `undefined` where nothing is. */
export function faultOfName(name: unknown): string | undefined {
  const isName = typeof name === 'string' && name.length > 0 && name.length <= nameLengthMax && !control.test(name);
  return isName ? undefined : `must be a text of 1 to ${nameLengthMax} characters without control characters`;
}

/** The threads that a share means. @param workers how many there are; `undefined`: the share is no share */
export function threadsOf(share: unknown, workers: number): number | undefined {
  if (typeof share === 'number') return Number.isInteger(share) && share >= 1 && share <= limitMax ? share : undefined;
  const match = typeof share === 'string' ? /^(\d{1,3})%$/.exec(share) : null;
  const percent = Number(match?.[1] ?? 0);
  return percent >= 1 && percent <= 100 ? Math.max(1, Math.floor((workers * percent) / 100)) : undefined;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what it looks for.
const control = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not the parser's own words: they repeat some of the text.
    throw new TokenFileError('is not JSON');
  }
}

type Members = Readonly<Record<string, unknown>>;

function asObject(value: unknown, what: string): Members {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Members;
  throw new TokenFileError(`is wrong: ${what} must be an object`);
}

const checks: { readonly [Name in keyof IdentityEntry]-?: (value: unknown) => string | undefined } = {
  name: faultOfName,
  sha256: (value) => (isMatch(value, /^[0-9a-f]{64}$/) ? undefined : 'must be 64 hexadecimal digits'),
  created: faultOfTime,
  expires: faultOfTime,
  allow: faultOfAllowed,
  maxRequests: (value) => (isLimit(value) && Number.isInteger(value) ? undefined : 'must be a whole number above 0'),
  requestsPerSecond: faultOfRate,
  bytesPerSecond: faultOfRate,
  workerShare: (value) =>
    threadsOf(value, 1) === undefined ? 'must be a number of threads, or a percentage such as "50%"' : undefined,
};

function readEntry(value: unknown, index: number): IdentityEntry {
  const where = `identities[${index}]`;
  const members = asObject(value, where);
  checkMembers(members, Object.keys(checks), where);
  if (!Object.hasOwn(members, 'name')) throw new TokenFileError(`is wrong: ${where} has no "name"`);
  for (const [name, faultOf] of Object.entries(checks)) {
    const fault = Object.hasOwn(members, name) ? faultOf(members[name]) : undefined;
    if (fault !== undefined) throw new TokenFileError(`is wrong: ${name} of ${where} ${fault}`);
  }
  if (members.name === anonymousName && members.sha256 !== undefined) {
    throw new TokenFileError(`is wrong: ${where} is "${anonymousName}", which stands for all without a token`);
  }
  return members as unknown as IdentityEntry;
}

function checkMembers(object: Members, known: readonly string[], where: string): void {
  const other = Object.keys(object).find((name) => !known.includes(name));
  if (other === undefined) return;
  throw new TokenFileError(`is wrong: ${where} has ${shown(other)}, which this version does not know`);
}

function checkTwice(values: readonly string[], what: string): void {
  const seen = new Set<string>();
  for (const value of values) {
    if (seen.has(value)) throw new TokenFileError(`is wrong: two identities have the ${what} ${shown(value)}`);
    seen.add(value);
  }
}

function faultOfTime(value: unknown): string | undefined {
  const isTime = typeof value === 'string' && /^\d{4}-\d\d-\d\d(?:T[\d:.]+Z)?$/.test(value);
  return isTime && !Number.isNaN(Date.parse(value)) ? undefined : 'must be a time such as "2027-01-31T12:00:00Z"';
}

function faultOfAllowed(value: unknown): string | undefined {
  const isList = Array.isArray(value) && value.length <= allowedMax;
  return isList && value.every((op) => faultOfName(op) === undefined)
    ? undefined
    : `must be an array of up to ${allowedMax} names of operations`;
}

function faultOfRate(value: unknown): string | undefined {
  return isLimit(value) ? undefined : 'must be a number above 0';
}

/** Below a thousandth nothing would ever be let through. */
function isLimit(value: unknown): boolean {
  return typeof value === 'number' && value >= 0.001 && value <= limitMax;
}

function isMatch(value: unknown, pattern: RegExp): boolean {
  return typeof value === 'string' && pattern.test(value);
}

function shown(value: unknown): string {
  return cutText(JSON.stringify(value) ?? 'none', 80);
}
