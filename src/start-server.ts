/**
 * The way in for programs that embed the server. The server's modules are loaded when it is called: modules of
 * operations import this package too, in every worker thread, and want none of them.
 */
import type { Logger } from 'pino';
import type { Config } from './config/config.js';
import type { FlagTexts } from './config/load-config.js';
import type { Option } from './config/option-kinds.js';
import { ConfigError } from './errors.js';
import type { RunningServer, ServerConfig } from './server/server.js';

/** Options that only `trama serve` has: nothing here would heed them. */
const ofTheCommand: ReadonlySet<string> = new Set([
  'configFile',
  'httpPort',
  'httpsPort',
  'httpHost',
  'httpMaxConnections',
  'dataDir',
  'logLevel',
  'drainMs',
  'watch',
] satisfies Exclude<keyof Config, keyof ServerConfig>[]);

const logMethods = ['debug', 'info', 'warn', 'error', 'fatal'] as const;

/**
 * Starts a server in this process; resolves once it takes connections. The pool warms up meanwhile. There is no HTTP
 * side, and no signal is handled: see `drain` and `close` of what it resolves to.
 * @param options what differs from the defaults of `trama serve`; the environment is not read. `operationModules` may be
 *   paths or file URLs
 * @param log a pino logger; nothing is logged without one
 * @throws ConfigError where an option is wrong or an operation module cannot be loaded; the error of `listen` where the
 *   port cannot be had
 */
export async function startServer(options: Partial<ServerConfig> = {}, log?: Logger): Promise<RunningServer> {
  const [{ startServer: start }, { loadConfig }, { optionKeys, options: optionTable }, { pino }, { fileURLToPath }] =
    await Promise.all([
      import('./server/server.js'),
      import('./config/load-config.js'),
      import('./config/options.js'),
      import('pino'),
      import('node:url'),
    ]);
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new ConfigError('startServer: the options must be an object; see ServerConfig');
  }
  if (log !== undefined && logMethods.some((method) => typeof Object(log)[method] !== 'function')) {
    throw new ConfigError(`startServer: the log must be a pino logger, with ${logMethods.join(', ')}`);
  }
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  for (const [key, value] of given) {
    const isKnown = (optionKeys as readonly string[]).includes(key) && !ofTheCommand.has(key);
    if (!isKnown) throw new ConfigError(`startServer: there is no option "${key}"; see ServerConfig`);
    const { allowed, accepts } = forms[optionTable[key as keyof Config].type];
    if (!accepts(value)) throw new ConfigError(`startServer: the option "${key}" must be ${allowed}`);
  }
  const pathOf = (module: string) => {
    if (!module.startsWith('file:')) return module;
    try {
      return fileURLToPath(module);
    } catch (cause) {
      const error = `startServer: ${JSON.stringify(module)} is not the URL of a file on this machine`;
      throw new ConfigError(error, { cause });
    }
  };
  const textsOf = (value: unknown) => (Array.isArray(value) ? value.map(pathOf) : [String(value)]);
  const texts = Object.fromEntries(given.map(([key, value]) => [key, textsOf(value)])) as FlagTexts;
  return start(loadConfig(texts, {}).config, log ?? pino({ level: 'silent' }));
}

interface Form {
  readonly allowed: string;
  accepts(value: unknown): boolean;
}

const isText = (value: unknown): boolean => typeof value === 'string';
const text: Form = { allowed: 'text', accepts: isText };
const number: Form = {
  allowed: 'a number, or text that has one',
  accepts: (value) => isText(value) || typeof value === 'number',
};

/** What a program may give for an option of each type; the bounds are the configuration's to check. */
const forms: Readonly<Record<Option['type'], Form>> = {
  integer: number,
  bytes: number,
  port: { allowed: 'a number, text that has one, or "off"', accepts: number.accepts },
  text,
  choice: text,
  folder: text,
  file: text,
  path: text,
  pem: text,
  modules: {
    allowed: 'a list of paths or file URLs',
    accepts: (value) => Array.isArray(value) && value.every(isText),
  },
  addresses: {
    allowed: 'a list of IP addresses or ranges',
    accepts: (value) => Array.isArray(value) && value.every(isText),
  },
  switch: { allowed: 'true or false', accepts: (value) => typeof value === 'boolean' },
};
