/**
 * Settles the configuration: a flag beats the environment, the environment beats the file, the file beats the default.
 * Which file that is, is settled first, in the same way.
 *
 * Knows nothing of the command line's parser: it is given the texts that came with the flags.
 */

import { delimiter, resolve } from 'node:path';
import { ConfigError } from '../errors.js';
import type { Config } from './config.js';
import { type ConfigFile, readConfigFile } from './config-file.js';
import { formatBytes, memberOf, type Option, variableOf } from './option-kinds.js';
import { type OptionKey, optionKeys, options } from './options.js';
import { parseValue, type SettingValue } from './parse-value.js';
import { warningOfUnknownVariables } from './unknown-variables.js';

/** What was written for each flag, by the option's key. Only lists use more than the last text. */
export type FlagTexts = Readonly<Partial<Record<OptionKey, readonly string[]>>>;

/** As `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

export type Source = 'default' | 'file' | 'env' | 'flag';

/** One setting in force and where it comes from. */
export interface Setting {
  readonly key: OptionKey;
  readonly option: Option;
  readonly value: SettingValue;
  readonly source: Source;
  /** The name under which the operator would change it: `--port`, `TRAMA_PORT` or `trama.json: port`. */
  readonly name: string;
}

export interface LoadedConfig {
  readonly config: Config;
  /** In the order of the table. */
  readonly settings: readonly Setting[];
  /** One sentence for the operator, where a variable looks like one of ours and is none. */
  readonly warning: string | undefined;
}

/**
 * @param environment as `process.env`; an empty variable counts as not set, as compose files write it
 * @throws ConfigError naming the flag, the variable, or the file and its member
 */
export function loadConfig(flags: FlagTexts, environment: Environment): LoadedConfig {
  const sources: Sources = { flags, environment, file: fileOf(flags, environment) };
  const settings = inDataDir(optionKeys.map((key) => settle(key, sources)));
  const config = Object.fromEntries(settings.map(({ key, value }) => [key, value])) as unknown as Config;
  const named = Object.fromEntries(settings.map(({ key, name }) => [key, name])) as Names;
  const given = new Set(settings.filter(({ source }) => source !== 'default').map(({ key }) => key));
  checkTogether(config, named, (key) => given.has(key));
  return { config, settings, warning: warningOfUnknownVariables(environment) };
}

interface Sources {
  readonly flags: FlagTexts;
  readonly environment: Environment;
  readonly file: ConfigFile | undefined;
}

interface Given {
  readonly source: Source;
  readonly name: string;
  readonly texts: readonly string[];
}

function fileOf(flags: FlagTexts, environment: Environment): ConfigFile | undefined {
  const { source, name, texts } = givenFor('configFile', { flags, environment, file: undefined });
  if (source === 'default') return undefined;
  // An empty path is refused here, in the same words as that of any other option.
  parseValue(options.configFile, name, texts);
  return readConfigFile(name, texts.at(-1)!);
}

function settle(key: OptionKey, sources: Sources): Setting {
  const option = options[key];
  const { source, name, texts } = givenFor(key, sources);
  const value = source === 'default' ? defaultValue(option) : parseValue(option, name, texts);
  return { key, option, value, source, name };
}

/** The texts that count for an option, and where they stand. */
function givenFor(key: OptionKey, { flags, environment, file }: Sources): Given {
  const option = options[key];
  const flag = `--${option.flag}`;
  const flagTexts = flags[key];
  if (flagTexts !== undefined && flagTexts.length > 0) return { source: 'flag', name: flag, texts: flagTexts };
  const variable = variableOf(option);
  const text = environment[variable];
  if (text !== undefined && text !== '') {
    return { source: 'env', name: variable, texts: splitVariable(option, text) };
  }
  const fileTexts = file?.texts[key];
  if (file !== undefined && fileTexts !== undefined) {
    return { source: 'file', name: `${file.name}: ${memberOf(option)}`, texts: fileTexts };
  }
  return { source: 'default', name: flag, texts: [] };
}

function defaultValue(option: Option): SettingValue {
  if (option.type === 'folder') return resolve(option.default);
  if (option.type === 'file' || option.type === 'pem' || option.type === 'path') return undefined;
  if (option.type === 'integer' && typeof option.default === 'object') return option.default.compute();
  return option.default as SettingValue;
}

function splitVariable(option: Option, text: string): readonly string[] {
  return option.type === 'modules' ? text.split(delimiter).filter((path) => path !== '') : [text];
}

/** Files for which no place is named are in the folder of the data. */
function inDataDir(settings: readonly Setting[]): readonly Setting[] {
  const folder = settings.find(({ key }) => key === 'dataDir')!.value as string;
  return settings.map((setting) => {
    const { option, source } = setting;
    if (option.type !== 'path' || source !== 'default') return setting;
    return { ...setting, value: resolve(folder, option.default.inDataDir) };
  });
}

type Names = Readonly<Record<OptionKey, string>>;

/** Settings that are fine alone and not together. */
function checkTogether(config: Config, named: Names, isGiven: (key: OptionKey) => boolean): void {
  // A frame larger than one connection's share of the budget would be told to try again for ever.
  mustFitInShare(config, named, 'maxFrameBytes', 'maxHeldBytes');
  for (const key of ['proxyProtocol', 'httpProxyProtocol'] as const) {
    if (!config[key] || config.trustedProxies.length > 0) continue;
    throw new ConfigError(
      `${named[key]}: nobody is trusted to send a PROXY header; name the balancers with --trusted-proxies`,
    );
  }
  const ports = portKeys.filter((key) => config[key] !== 'off' && config[key] !== 0);
  for (const [index, key] of ports.entries()) {
    const same = ports.slice(0, index).find((other) => config[other] === config[key]);
    if (same === undefined) continue;
    throw new ConfigError(`${named[key]}: ${config[key]} is ${named[same]} too; the two need a port each`);
  }
  if (config.port === 'off' && config.tlsPort === 'off') {
    throw new ConfigError(`${named.port}: it is off, and so is ${named.tlsPort}; one of the two must be on`);
  }
  checkTls(config, named, isGiven);
}

const portKeys = ['port', 'tlsPort', 'httpPort', 'httpsPort'] as const;

/** What belongs together for TLS. Silence about half of it would leave a port open that was meant to be encrypted. */
function checkTls(config: Config, named: Names, isGiven: (key: OptionKey) => boolean): void {
  const { tlsPort, httpsPort, tlsCert, tlsKey, tlsClientCa } = config;
  const listener = tlsPort !== 'off' ? 'tlsPort' : httpsPort !== 'off' ? 'httpsPort' : undefined;
  const half = (key: OptionKey, problem: string) => new ConfigError(`${named[key]}: ${problem}`);
  if (listener !== undefined && (tlsCert === undefined || tlsKey === undefined)) {
    const missing = tlsCert === undefined ? named.tlsCert : named.tlsKey;
    throw half(listener, `a port with TLS needs a certificate and its key; give ${missing} too`);
  }
  const useless = (['tlsCert', 'tlsKey', 'tlsClientCa', 'tlsClient', 'tlsMin'] as const).find(isGiven);
  if (listener === undefined && useless !== undefined) {
    throw half(useless, `no port speaks TLS; give ${named.tlsPort} or ${named.httpsPort} too`);
  }
  if (tlsClientCa === undefined && isGiven('tlsClient')) {
    throw half('tlsClient', `clients are not asked for a certificate without ${named.tlsClientCa}; give that too`);
  }
}

type BytesKey = 'maxFrameBytes' | 'maxHeldBytes';

/** What one connection may take of a budget, of which it leaves the rest to others. */
const largestShare = 7 / 8;

function mustFitInShare(config: Config, named: Names, smaller: BytesKey, larger: BytesKey): void {
  const allowed = Math.floor(config[larger] * largestShare);
  if (config[smaller] <= allowed) return;
  throw new ConfigError(
    `${named[smaller]}: ${formatBytes(config[smaller])} is more than seven eighths of ${named[larger]} ` +
      `(${formatBytes(config[larger])}), and one connection may not take more; lower the one or raise the other`,
  );
}
