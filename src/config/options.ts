/**
 * The one table of what the server can be told. Flags, environment variables, checks, `--help`, `--print-config` and
 * the table in the README all derive from it; a new option is one entry here and one member of `Config`.
 *
 * The checks are plain functions over this table (`parse-value.ts`), not a JSON Schema for ajv: loading ajv alone takes
 * a third of the time in which the first reply must be out, and its messages would not name flag and variable.
 *
 * Leaves reading to `load-config.ts` and the command line to `cli/serve.ts`.
 */

import { availableCores } from '../pool/cores.js';
import { frameBytesMaxDefault } from '../protocol/limits.js';
import type { Config } from './config.js';

interface Described {
  /** The flag without its dashes; the environment variable derives from it. */
  readonly flag: string;
  /** One sentence or phrase, without a full stop. */
  readonly help: string;
}

/** A whole number, written in digits. */
export interface IntegerOption extends Described {
  readonly type: 'integer';
  readonly unit: '' | 'ms' | 'MiB' | 'threads' | 'connections' | 'requests' | 'tasks';
  readonly min: number;
  readonly max: number;
  /** A number, or one that depends on the machine and the words for it. */
  readonly default: number | { readonly compute: () => number; readonly words: string };
}

/** A size in bytes, which may be written with a unit: `16MiB`, `64k`. */
export interface BytesOption extends Described {
  readonly type: 'bytes';
  readonly min: number;
  readonly max: number;
  readonly default: number;
}

export interface TextOption extends Described {
  readonly type: 'text';
  readonly default: string;
}

/** One of a few words. */
export interface ChoiceOption extends Described {
  readonly type: 'choice';
  readonly choices: readonly string[];
  readonly default: string;
}

/** A folder; kept as an absolute path. */
export interface FolderOption extends Described {
  readonly type: 'folder';
  readonly default: string;
}

/** Files with JavaScript modules. The flag may be repeated; the variable separates them like `PATH`. */
export interface ModulesOption extends Described {
  readonly type: 'modules';
  readonly default: readonly string[];
}

export type Option = IntegerOption | BytesOption | TextOption | ChoiceOption | FolderOption | ModulesOption;

/** Settings by the name they have in `Config`. */
export type OptionKey = keyof Config;

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;
const hourMs = 3_600_000;

export const options: { readonly [K in OptionKey]: Option } = {
  port: {
    flag: 'port',
    type: 'integer',
    unit: '',
    default: 5000,
    min: 0,
    max: 65535,
    help: 'TCP port of the framed protocol; 0 picks a free one',
  },
  host: {
    flag: 'host',
    type: 'text',
    default: '0.0.0.0',
    help: 'address the framed protocol listens on; it asks nobody for credentials',
  },
  httpPort: {
    flag: 'http-port',
    type: 'integer',
    unit: '',
    default: 5080,
    min: 0,
    max: 65535,
    help: 'port of health, metrics and the HTTP API; 0 picks a free one',
  },
  httpHost: {
    flag: 'http-host',
    type: 'text',
    default: '127.0.0.1',
    help: 'address the HTTP side listens on; it asks nobody for credentials',
  },
  workers: {
    flag: 'workers',
    type: 'integer',
    unit: 'threads',
    default: { compute: availableCores, words: 'available cores' },
    min: 1,
    max: 512,
    help: 'threads that run operations',
  },
  operationModules: {
    flag: 'ops',
    type: 'modules',
    default: [],
    help: 'a JavaScript module that exports operations; may be given several times',
  },
  dataDir: {
    flag: 'data-dir',
    type: 'folder',
    default: '.trama',
    help: 'folder for what must survive a restart; nothing is written there yet',
  },
  logLevel: {
    flag: 'log-level',
    type: 'choice',
    choices: ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
    default: 'info',
    help: 'least severe log lines to write',
  },
  maxFrameBytes: {
    flag: 'max-frame-bytes',
    type: 'bytes',
    default: frameBytesMaxDefault,
    min: 64 * KiB,
    // A worker's WASM memory, 4 GiB at the most, holds the body and a reply of up to three times its size.
    max: 512 * MiB,
    help: 'largest request body that is held in memory',
  },
  maxConnections: {
    flag: 'max-connections',
    type: 'integer',
    unit: 'connections',
    default: 10_000,
    min: 1,
    max: 1_000_000,
    help: 'connections open at once',
  },
  maxRequests: {
    flag: 'max-requests',
    type: 'integer',
    unit: 'requests',
    default: 1024,
    min: 1,
    max: 1_000_000,
    help: 'requests in flight for each connection; those answered inline do not count',
  },
  unreadPauseBytes: {
    flag: 'unread-pause-bytes',
    type: 'bytes',
    default: 1 * MiB,
    min: 1 * KiB,
    max: 4 * GiB,
    help: 'replies that a peer has not read before the server stops reading from it',
  },
  unreadCloseBytes: {
    flag: 'unread-close-bytes',
    type: 'bytes',
    default: 64 * MiB,
    min: 1 * KiB,
    max: 4 * GiB,
    help: 'replies that a peer has not read before its connection is closed',
  },
  maxHeldBytes: {
    flag: 'max-held-bytes',
    type: 'bytes',
    default: 256 * MiB,
    min: 64 * KiB,
    max: 1024 * GiB,
    help: 'unfinished frames, waiting tasks and unread replies in the whole server',
  },
  maxQueue: {
    flag: 'max-queue',
    type: 'integer',
    unit: 'tasks',
    default: 1024,
    min: 1,
    max: 1_000_000,
    help: 'tasks that may wait for each operation',
  },
  frameTimeoutMs: {
    flag: 'frame-timeout-ms',
    type: 'integer',
    unit: 'ms',
    default: 30_000,
    min: 10,
    max: hourMs,
    help: 'time for a frame to be whole, from its first byte',
  },
  drainMs: {
    flag: 'drain-ms',
    type: 'integer',
    unit: 'ms',
    default: 10_000,
    min: 0,
    max: hourMs,
    help: 'time that a shutdown gives to what is in flight before it is cut',
  },
  workerMemoryMb: {
    flag: 'worker-memory-mb',
    type: 'integer',
    unit: 'MiB',
    default: 512,
    min: 32,
    max: 1_048_576,
    help: 'heap of each worker thread; one that needs more is ended and replaced',
  },
};

export const optionKeys = Object.keys(options) as readonly OptionKey[];

/** The environment variable of an option: `http-port` → `TRAMA_HTTP_PORT`. */
export function variableOf(option: Option): string {
  return `TRAMA_${option.flag.toUpperCase().replaceAll('-', '_')}`;
}

/** The default as a person reads it: `5000`, `16MiB`, `available cores`, `none`. */
export function defaultWords(option: Option): string {
  if (option.type === 'bytes') return formatBytes(option.default);
  if (option.type === 'modules') return 'none';
  return typeof option.default === 'object' ? option.default.words : String(option.default);
}

/** What an option takes, as a phrase: `an integer from 0 to 65535`. */
export function allowedWords(option: Option): string {
  switch (option.type) {
    case 'integer':
      return `an integer from ${option.min} to ${option.max}${option.unit === '' ? '' : ` (${option.unit})`}`;
    case 'bytes':
      return `bytes from ${formatBytes(option.min)} to ${formatBytes(option.max)}, as 65536, 64KiB, 16MiB or 1GiB`;
    case 'choice':
      return `one of ${option.choices.join(', ')}`;
    case 'text':
      return 'a host name or address';
    case 'folder':
      return 'the path of a folder';
    case 'modules':
      return 'the path of a JavaScript module';
  }
}

/** The largest unit that divides: 16777216 → `16MiB`, 65537 → `65537`. */
export function formatBytes(bytes: number): string {
  for (const [factor, unit] of [
    [GiB, 'GiB'],
    [MiB, 'MiB'],
    [KiB, 'KiB'],
  ] as const) {
    if (bytes >= factor && bytes % factor === 0) return `${bytes / factor}${unit}`;
  }
  return String(bytes);
}
