/** How all commands but `serve` speak of trouble: one line on stderr, and exit status 2. */

import { Argument, Command, InvalidArgumentError } from 'commander';

/** Usage or connection trouble. */
const troubleExitStatus = 2;

/** A command that ends the process by itself for help, for the version and for wrong usage. */
export function tramaCommand(name: string): Command {
  return new Command(name)
    .configureOutput({ outputError: (text, write) => write(oneLine(inUserTerms(text.trim(), name))) })
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : troubleExitStatus));
}

/** Commander's message, without its own words for an argument; where one is missing, with the way to the help. */
function inUserTerms(text: string, name: string): string {
  const message = text
    .replace(/^error: /, '')
    .replace(/^command-argument value '.*?' is invalid for argument '(\w+)'\. /s, (_, argument: string) => {
      return `${argument.toUpperCase()}: `;
    });
  return message.startsWith('missing required argument') ? `${message}; see trama ${name} --help` : message;
}

/** A message, made one line. */
function oneLine(text: string): string {
  return `trama: ${text.trim().replaceAll(/\s*\n\s*/g, ' ')}\n`;
}

/** Tells the user what went wrong and notes the exit status, for when the process has cleaned up. */
export function reportTrouble(error: unknown): void {
  process.stderr.write(oneLine(error instanceof Error ? error.message : String(error)));
  process.exitCode = troubleExitStatus;
}

/** The argument `port`, for a command that takes `host` before it. */
export function portArgument(): Argument {
  return new Argument('<port>', 'its TCP port').argParser(parsePort);
}

/** @throws InvalidArgumentError for what is not the number of a port. */
function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65535) {
    throw new InvalidArgumentError(
      `${JSON.stringify(text)} is not an integer from 1 to 65535; HOST and PORT are two arguments`,
    );
  }
  return port;
}

/** @throws InvalidArgumentError for what is not a number above 0. */
export function parseTimeoutMs(text: string): number {
  const timeoutMs = Number(text);
  if (text.trim() === '' || !(timeoutMs > 0 && timeoutMs < Number.POSITIVE_INFINITY)) {
    throw new InvalidArgumentError('It must be a number of milliseconds above 0.');
  }
  return timeoutMs;
}
