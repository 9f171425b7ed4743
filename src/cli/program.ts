/** The commands by name, each in a module that is loaded when it is needed. */

import type { Command } from 'commander';
import { helpNotes } from './help-notes.js';
import { programName, tramaCommand } from './trama-command.js';
import { packageVersion } from './version.js';

const commands: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import('./serve.js')).serveCommand(),
  call: async () => (await import('./call.js')).callCommand(),
  ops: async () => (await import('./ops.js')).opsCommand(),
  reload: async () => (await import('./reload.js')).reloadCommand(),
  token: async () => (await import('./token.js')).tokenCommand(),
  completion: async () => (await import('./completion.js')).completionCommand(loadProgram),
};

/** Is there a command of that name? */
export function isCommand(name: string): boolean {
  return Object.hasOwn(commands, name);
}

/** The program with the command that is named; with all of them where no such command exists. */
export async function loadProgram(name?: string): Promise<Command> {
  const known = name !== undefined && isCommand(name);
  const wanted = known ? [name] : Object.keys(commands);
  const program = tramaCommand(programName)
    .description('A compute server: framed JSON tasks in, answers out.')
    .version(packageVersion(), '-v, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .addHelpText(
      'after',
      helpNotes(
        'A reader that closes standard output early ends a command quietly. Exit status 74: standard output could not be ' +
          'written for another reason, such as a full disk.',
      ),
    );
  for (const each of wanted) program.addCommand(await commands[each]!());
  return program;
}
