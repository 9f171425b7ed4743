/** The commands by name, each in a module that is loaded when it is needed. */

import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { tramaCommand } from './trama-command.js';

const commands: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import('./serve.js')).serveCommand(),
  call: async () => (await import('./call.js')).callCommand(),
  ops: async () => (await import('./ops.js')).opsCommand(),
  completion: async () => (await import('./completion.js')).completionCommand(loadProgram),
};

/** The program with the command that is named; with all of them where no such command exists. */
export async function loadProgram(name?: string): Promise<Command> {
  const known = name !== undefined && Object.hasOwn(commands, name);
  const wanted = known ? [name] : Object.keys(commands);
  const program = tramaCommand('trama')
    .description('A compute server: framed JSON tasks in, answers out.')
    .version(version(), '--version', 'print the version')
    .helpOption('-h, --help', 'print this help');
  for (const each of wanted) program.addCommand(await commands[each]!());
  return program;
}

function version(): string {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
