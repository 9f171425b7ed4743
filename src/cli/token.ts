/**
 * `trama token`: makes, lists and revokes the tokens by which clients say who they are. It works on the file alone: a
 * server that runs takes the change up within a second or two.
 */

import { resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { options } from '../config/options.js';
import { parseOne } from '../config/parse-value.js';
import { ConfigError } from '../errors.js';
import { digestOf, newToken } from '../server/access/token.js';
import { anonymousName, faultOfName, type IdentityEntry, threadsOf } from '../server/access/token-file.js';
import { changeTokenFile, readTokenFile } from '../server/access/token-store.js';
import { helpNotes } from './help-notes.js';
import { complain, print, reportTrouble } from './output.js';
import { tramaCommand } from './trama-command.js';

const help = `
The token is printed once, and only its SHA-256 is kept. A client sends it with $auth (over HTTP: Authorization: Bearer),
the commands of trama with --token-file or TRAMA_TOKEN. A server with --auth required or optional takes changes up by
itself. What is not limited by a flag is not limited.

An identity without a token (--no-token) gives limits to a name that comes in a client's certificate, or to "${anonymousName}": all who
do not say who they are, where --auth is optional.

Example:
  trama token create billing --allow sum,primes --expires 90d --max-requests 64 > billing.token`;

interface FileFlags {
  readonly tokens?: string;
  readonly dataDir?: string;
}

interface CreateFlags extends FileFlags {
  readonly token: boolean;
  readonly allow?: readonly string[];
  readonly expires?: string;
  readonly maxRequests?: number;
  readonly requestsPerSecond?: number;
  readonly bytesPerSecond?: number;
  readonly workerShare?: number | string;
}

export function tokenCommand(): Command {
  return tramaCommand('token')
    .description('make, list and revoke the tokens by which clients say who they are')
    .addCommand(createCommand())
    .addCommand(listCommand())
    .addCommand(revokeCommand());
}

function createCommand(): Command {
  return withFile(tramaCommand('create').description('make a token for an identity, and print it'))
    .argument('<name>', 'of the identity', parseName)
    .option('--no-token', 'make no token: the name comes in a certificate, or stands for all without one')
    .option('--allow <ops>', 'the operations that it may call, with commas between them', parseAllowed)
    .option('--expires <when>', 'days, hours or minutes from now, such as 30d, 12h or 90m; or a date', parseExpiry)
    .option('--max-requests <n>', 'requests in flight at once, over all of its connections', parseCount)
    .option('--requests-per-second <n>', 'requests a second, on the whole', parseRate)
    .option('--bytes-per-second <size>', 'bytes of requests a second, on the whole, such as 64KiB', parseByteRate)
    .option('--worker-share <share>', "threads of users' operations at once: a number, or such as 50%", parseShare)
    .addHelpText('after', helpNotes(help))
    .action((name: string, flags: CreateFlags) => change(() => create(name, flags)));
}

function listCommand(): Command {
  return withFile(tramaCommand('list').description('list the identities; no token can be shown')).action(
    (flags: FileFlags) => change(async () => print(table(entriesIn(fileOf(flags))))),
  );
}

function revokeCommand(): Command {
  return withFile(tramaCommand('revoke').description('take an identity and its token away'))
    .argument('<name>', 'of the identity')
    .action((name: string, flags: FileFlags) => change(() => revoke(name, flags)));
}

function withFile(command: Command): Command {
  const { tokensFile, dataDir } = options;
  return command
    .option(
      `--${tokensFile.flag} <file>`,
      'the file of tokens (default: tokens.json in the folder of --data-dir; TRAMA_TOKENS)',
    )
    .option(`--${dataDir.flag} <path>`, 'the folder of the server (default: .trama; TRAMA_DATA_DIR)');
}

function fileOf({ tokens, dataDir }: FileFlags): string {
  const file = tokens ?? (process.env.TRAMA_TOKENS || undefined);
  return file === undefined
    ? resolve(dataDir ?? (process.env.TRAMA_DATA_DIR || '.trama'), 'tokens.json')
    : resolve(file);
}

async function change(action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    reportTrouble(error);
  }
}

async function create(name: string, flags: CreateFlags): Promise<void> {
  const path = fileOf(flags);
  if (name === anonymousName && flags.token) {
    throw new ConfigError(`"${anonymousName}" stands for all who have no token; give it limits with --no-token`);
  }
  const token = flags.token ? newToken() : undefined;
  const { allow, expires, maxRequests, requestsPerSecond, bytesPerSecond, workerShare } = flags;
  const entry = {
    name,
    sha256: token && digestOf(token),
    created: new Date().toISOString(),
    expires,
    allow,
    maxRequests,
    requestsPerSecond,
    bytesPerSecond,
    workerShare,
  };
  await changeTokenFile(path, (entries) => {
    if (entries.some((known) => known.name === name)) {
      throw new ConfigError(
        `there is an identity ${JSON.stringify(name)} already; revoke it first, or take another name`,
      );
    }
    return [...entries, JSON.parse(JSON.stringify(entry)) as IdentityEntry];
  });
  if (token !== undefined) await print(`${token}\n`);
  complain(`${JSON.stringify(name)} is in ${path}${token === undefined ? '' : '; its token is shown only now'}`);
}

async function revoke(name: string, flags: FileFlags): Promise<void> {
  const path = fileOf(flags);
  await changeTokenFile(path, (entries) => {
    const left = entries.filter((entry) => entry.name !== name);
    if (left.length < entries.length) return left;
    throw new ConfigError(`there is no identity ${JSON.stringify(name)} in ${path}`);
  });
  complain(`${JSON.stringify(name)} is not in ${path} any more`);
}

function entriesIn(path: string): readonly IdentityEntry[] {
  return readTokenFile(path) ?? [];
}

function table(entries: readonly IdentityEntry[]): string {
  const titles = ['NAME', 'TOKEN', 'CREATED', 'EXPIRES', 'HELD TO'];
  const rows = entries.map((entry) => [
    JSON.stringify(entry.name).slice(1, -1),
    entry.sha256 === undefined ? 'none' : 'yes',
    entry.created ?? '-',
    expiryWords(entry.expires),
    heldTo(entry),
  ]);
  const widths = titles.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)));
  const lines = [titles, ...rows].map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}

function expiryWords(expires: string | undefined): string {
  if (expires === undefined) return 'never';
  return Date.parse(expires) <= Date.now() ? `${expires} (over)` : expires;
}

function heldTo({ allow, maxRequests, requestsPerSecond, bytesPerSecond, workerShare }: IdentityEntry): string {
  const limits = { 'max-requests': maxRequests, 'requests-per-second': requestsPerSecond };
  const all = { allow: allow?.join(','), ...limits, 'bytes-per-second': bytesPerSecond, 'worker-share': workerShare };
  const words = Object.entries(all).flatMap(([flag, value]) => (value === undefined ? [] : `${flag} ${value}`));
  return words.join('; ') || '-';
}

function parseName(text: string): string {
  const fault = faultOfName(text);
  if (fault !== undefined) throw new InvalidArgumentError(`It ${fault}.`);
  return text;
}

function parseAllowed(text: string): readonly string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.some((name) => faultOfName(name) !== undefined)) {
    throw new InvalidArgumentError('It must be names of operations with commas between them, such as sum,echo.');
  }
  return names;
}

const unitMs: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

function parseExpiry(text: string): string {
  const match = /^(\d{1,6})([mhd])$/.exec(text);
  const isDate = /^\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d))?$/.test(text);
  const ms = match ? Date.now() + Number(match[1]) * unitMs[match[2]!]! : isDate ? Date.parse(text) : Number.NaN;
  if (ms > Date.now()) return new Date(ms).toISOString();
  throw new InvalidArgumentError('It must be such as 30d, 12h or 90m, or a date to come such as 2027-01-31.');
}

function parseCount(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number above 0.');
}

function parseRate(text: string): number {
  const rate = Number(text);
  if (/^\d+(?:\.\d+)?$/.test(text) && rate >= 0.001 && rate <= 1e12) return rate;
  throw new InvalidArgumentError('It must be a number from 0.001 on, such as 100 or 0.5.');
}

function parseByteRate(text: string): number {
  const bytes = parseOne({ type: 'bytes', flag: '', help: '', default: 1, min: 1, max: 1e12 }, text);
  if (typeof bytes === 'number') return bytes;
  throw new InvalidArgumentError('It must be a number of bytes, such as 65536, 64KiB or 16MiB.');
}

function parseShare(text: string): number | string {
  const share = text.endsWith('%') ? text : Number(text);
  if (threadsOf(share, 1) !== undefined) return share;
  throw new InvalidArgumentError('It must be a number of threads above 0, or a percentage from 1% to 100%.');
}
