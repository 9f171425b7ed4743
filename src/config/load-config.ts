/**
 * Settles the configuration: a flag beats the environment, the environment beats the default.
 *
 * Knows nothing of the command line's parser: it is given the texts that stood behind the flags.
 */

import { delimiter, resolve } from 'node:path';
import { ConfigError } from '../errors.js';
import type { Config } from './config.js';
import { formatBytes, type Option, type OptionKey, optionKeys, options, variableOf } from './options.js';
import { parseValue } from './parse-value.js';

/** What was written behind each flag, by the option's key. Only `operationModules` may have several texts. */
export type FlagTexts = Readonly<Partial<Record<OptionKey, readonly string[]>>>;

/** As `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

export type Source = 'default' | 'env' | 'flag';

/** One setting in force and where it comes from. */
export interface Setting {
  readonly key: OptionKey;
  readonly option: Option;
  readonly value: number | string | readonly string[];
  readonly source: Source;
}

export interface LoadedConfig {
  readonly config: Config;
  /** In the order of the table. */
  readonly settings: readonly Setting[];
}

/**
 * @param environment as `process.env`; an empty variable counts as not set, as compose files write it
 * @throws ConfigError naming the flag or the variable
 */
export function loadConfig(flags: FlagTexts, environment: Environment): LoadedConfig {
  const settings = optionKeys.map((key) => settle(key, flags[key], environment));
  const config = Object.fromEntries(settings.map(({ key, value }) => [key, value])) as unknown as Config;
  const named = Object.fromEntries(settings.map((setting) => [setting.key, nameOf(setting)])) as Names;
  checkTogether(config, named);
  return { config, settings };
}

function settle(key: OptionKey, flagTexts: readonly string[] | undefined, environment: Environment): Setting {
  const option = options[key];
  if (flagTexts !== undefined && flagTexts.length > 0) {
    return { key, option, value: parseValue(option, `--${option.flag}`, flagTexts), source: 'flag' };
  }
  const variable = variableOf(option);
  const text = environment[variable];
  if (text !== undefined && text !== '') {
    return { key, option, value: parseValue(option, variable, splitVariable(option, text)), source: 'env' };
  }
  return { key, option, value: defaultValue(option), source: 'default' };
}

function defaultValue(option: Option): number | string | readonly string[] {
  if (option.type === 'folder') return resolve(option.default);
  if (option.type === 'integer' && typeof option.default === 'object') return option.default.compute();
  return option.default as number | string | readonly string[];
}

function splitVariable(option: Option, text: string): readonly string[] {
  return option.type === 'modules' ? text.split(delimiter).filter((path) => path !== '') : [text];
}

type Names = Readonly<Record<OptionKey, string>>;

/** The name under which the operator would change a setting. */
function nameOf({ option, source }: Setting): string {
  return source === 'env' ? variableOf(option) : `--${option.flag}`;
}

/** Settings that are fine alone but not beside each other. */
function checkTogether(config: Config, named: Names): void {
  mustNotExceed(config, named, 'unreadPauseBytes', 'unreadCloseBytes');
  // A frame larger than the whole budget would be told to try again for ever.
  mustNotExceed(config, named, 'maxFrameBytes', 'maxHeldBytes');
  if (config.port !== 0 && config.port === config.httpPort) {
    throw new ConfigError(`${named.httpPort}: ${config.httpPort} is ${named.port} too; the two need a port each`);
  }
}

type BytesKey = 'unreadPauseBytes' | 'unreadCloseBytes' | 'maxFrameBytes' | 'maxHeldBytes';

function mustNotExceed(config: Config, named: Names, smaller: BytesKey, larger: BytesKey): void {
  if (config[smaller] <= config[larger]) return;
  throw new ConfigError(
    `${named[smaller]}: ${formatBytes(config[smaller])} is more than ${named[larger]} allows ` +
      `(${formatBytes(config[larger])}); lower the one or raise the other`,
  );
}
