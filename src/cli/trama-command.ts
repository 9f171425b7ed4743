/** How all commands speak of wrong usage: one line on stderr, and exit status 2. */

import { Argument, Command, InvalidArgumentError } from 'commander';
import { howStarted } from './how-started.js';
import { oneLine } from './output.js';

export const programName = 'trama';

/** Columns that the description of an option needs to be wrapped, on a terminal that is narrow. */
const descriptionWidthMin = 12;

/** A command whose help, version and wrong usage are errors for `main.ts` to end with, and not an end on the spot. */
export function tramaCommand(name: string): Command {
  return new Command(name)
    .configureHelp({ minWidthToWrap: descriptionWidthMin })
    .configureOutput({ outputError: (text, write) => write(oneLine(inUserTerms(text.trim(), name))) })
    .exitOverride();
}

/** Commander's message, without its own words for an argument; where it says nothing better, with the way to the help. */
function inUserTerms(text: string, name: string): string {
  const message = text
    .replace(/^error: /, '')
    .replace(/^command-argument value '.*?' is invalid for argument '(\w+)'\. /s, (_, argument: string) => {
      return `${argument.toUpperCase()}: `;
    });
  const isLost = /^(?:missing required argument|too many arguments|unknown (?:command|option) [^(]*$)/.test(message);
  const command = name === programName ? '' : ` ${name}`;
  return isLost ? `${message.replace(/\.$/, '')}; see ${howStarted()}${command} --help` : message;
}

/** The argument `host`. */
export function hostArgument(): Argument {
  return new Argument('<host>', 'name or address of the server').argParser((text) => {
    if (!/[/\s]/.test(text) && text !== '') return text;
    throw new InvalidArgumentError(
      `${JSON.stringify(text)} is not a name or address, such as 127.0.0.1; HOST and PORT are two arguments`,
    );
  });
}

/** The argument `port`, for a command that takes `host` before it. */
export function portArgument(): Argument {
  return new Argument('<port>', 'its TCP port').argParser((text) => {
    const port = portOf(text);
    if (port !== undefined) return port;
    throw new InvalidArgumentError(
      `${JSON.stringify(text)} is not an integer from 1 to 65535; HOST and PORT are two arguments`,
    );
  });
}

/** @throws InvalidArgumentError for what is not the number of a port. */
export function parsePort(text: string): number {
  const port = portOf(text);
  if (port === undefined) throw new InvalidArgumentError('It must be an integer from 1 to 65535.');
  return port;
}

function portOf(text: string): number | undefined {
  const port = Number(text);
  return /^\d+$/.test(text) && port >= 1 && port <= 65535 ? port : undefined;
}

/** A longer timer goes off at once in JavaScript. */
const timerMsMax = 2 ** 31 - 1;

/** @throws InvalidArgumentError for what is not a number above 0, or too long for a timer. */
export function parseTimeoutMs(text: string): number {
  const timeoutMs = asMs(text);
  if (timeoutMs === undefined || timeoutMs === 0) throw new InvalidArgumentError(`It must be ${msWords} above 0.`);
  return timeoutMs;
}

/** As {@link parseTimeoutMs}, but takes 0, which stands for no limit. */
export function parseLimitMs(text: string): number {
  const limitMs = asMs(text);
  if (limitMs === undefined) throw new InvalidArgumentError(`It must be ${msWords}, such as 5000; 0 is no limit.`);
  return limitMs;
}

const msWords = `a number of milliseconds up to ${timerMsMax}`;

function asMs(text: string): number | undefined {
  const ms = Number(text);
  return text.trim() !== '' && ms >= 0 && ms <= timerMsMax ? ms : undefined;
}
