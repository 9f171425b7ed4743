/**
 * The kinds of options that there are: what one of each kind takes, and what it is called as a flag, as a variable, in a
 * file, and in a sentence. Which options there are is the table in `options.ts`.
 */

export const KiB = 1024;
export const MiB = 1024 * KiB;
export const GiB = 1024 * MiB;

export const portMax = 65535;

interface Described {
  /** The flag without its dashes; the environment variable and the member of a file derive from it. */
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

/** A TCP port in digits, where 0 picks a free one, or `off`. */
export interface PortOption extends Described {
  readonly type: 'port';
  readonly default: number | 'off';
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

/** A file that need not be there; kept as an absolute path. Where none is given, it is one in the folder of the data. */
export interface PathOption extends Described {
  readonly type: 'path';
  readonly default: { readonly inDataDir: string };
}

/** A JSON file with options; kept as an absolute path. No such file names another one. */
export interface FileOption extends Described {
  readonly type: 'file';
  readonly default: undefined;
}

/** A PEM file; kept as an absolute path. Whether it is one shows where it is used. */
export interface PemOption extends Described {
  readonly type: 'pem';
  readonly default: undefined;
}

/** Files with JavaScript modules. The flag may be repeated; the variable separates them like `PATH`. */
export interface ModulesOption extends Described {
  readonly type: 'modules';
  readonly default: readonly string[];
}

/** IP addresses, and ranges such as `10.0.0.0/8`. The flag may be repeated; each text takes several, with commas between. */
export interface AddressesOption extends Described {
  readonly type: 'addresses';
  readonly default: readonly string[];
}

/** On or off. The flag takes no value; the variable is `1`, `0`, `true` or `false`. */
export interface SwitchOption extends Described {
  readonly type: 'switch';
  readonly default: false;
}

export type Option =
  | IntegerOption
  | BytesOption
  | PortOption
  | TextOption
  | ChoiceOption
  | FolderOption
  | FileOption
  | PathOption
  | PemOption
  | ModulesOption
  | AddressesOption
  | SwitchOption;

/** An option that may have several values. */
export type ListOption = ModulesOption | AddressesOption;

export function isList(option: Option): option is ListOption {
  return option.type === 'modules' || option.type === 'addresses';
}

/** The environment variable of an option: `http-port` → `TRAMA_HTTP_PORT`. */
export function variableOf(option: Option): string {
  return `TRAMA_${option.flag.toUpperCase().replaceAll('-', '_')}`;
}

/** The member of a configuration file: `http-port` → `httpPort`. */
export function memberOf(option: Option): string {
  return option.flag.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** The default as a person reads it: `5000`, `16MiB`, `available cores`, `none`, `off`. */
export function defaultWords(option: Option): string {
  if (option.type === 'bytes') return formatBytes(option.default);
  if (isList(option) || option.type === 'file' || option.type === 'pem') return 'none';
  if (option.type === 'switch') return 'off';
  if (option.type === 'path') return `${option.default.inDataDir} in the folder of --data-dir`;
  return typeof option.default === 'object' ? option.default.words : String(option.default);
}

/** What an option takes, as a phrase: `an integer from 0 to 65535`. */
export function allowedWords(option: Option): string {
  switch (option.type) {
    case 'integer':
      return `an integer from ${option.min} to ${option.max}${option.unit === '' ? '' : ` (${option.unit})`}`;
    case 'bytes':
      return `bytes from ${formatBytes(option.min)} to ${formatBytes(option.max)}, as 65536, 64KiB, 16MiB or 1GiB`;
    case 'port':
      return `an integer from 0 to ${portMax}, or off`;
    case 'choice':
      return `one of ${option.choices.join(', ')}`;
    case 'text':
      return 'a host name or address';
    case 'folder':
      return 'the path of a folder';
    case 'file':
      return 'the path of a JSON file';
    case 'path':
      return 'the path of a file';
    case 'pem':
      return 'the path of a PEM file';
    case 'modules':
      return 'the path of a JavaScript module';
    case 'addresses':
      return 'IP addresses or ranges, as 10.0.0.0/8,192.0.2.1';
    case 'switch':
      return 'no value; the variable takes 1, 0, true or false';
  }
}

/** What an option takes in a configuration file, as a phrase. */
export function allowedInFile(option: Option): string {
  if (option.type === 'switch') return 'true or false';
  if (option.type === 'modules') return 'the path of a JavaScript module, or a list of such paths';
  if (option.type === 'port') return `an integer from 0 to ${portMax}, or "off"`;
  if (option.type === 'addresses') return 'IP addresses or ranges, as "10.0.0.0/8", or a list of such texts';
  return allowedWords(option);
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
