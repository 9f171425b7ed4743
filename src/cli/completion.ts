/** `trama completion`: a script for the user's shell, made from the commands as commander knows them. */

import { Argument, type Command, InvalidArgumentError } from 'commander';
import { options } from '../config/options.js';
import { builtInOperations } from '../ops/built-in.js';
import { completionScript, type KnownWords, shells } from './completion-scripts.js';
import { helpNotes } from './help-notes.js';
import { print } from './output.js';
import { tramaCommand } from './trama-command.js';

const help = `
To have it in each new shell:
  bash  echo 'source <(trama completion bash)' >> ~/.bashrc
  zsh   trama completion zsh > "\${fpath[1]}/_trama"
  fish  trama completion fish > ~/.config/fish/completions/trama.fish`;

/** @param loadProgram gives the program with all its commands */
export function completionCommand(loadProgram: () => Promise<Command>): Command {
  return tramaCommand('completion')
    .description('print a script that completes the commands in a shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(shells).argParser(parseShell))
    .addHelpText('after', helpNotes(help))
    .action(async (shell: (typeof shells)[number]) => {
      await print(completionScript(shell, await loadProgram(), knownWords()));
    });
}

/** Words that commander does not know: values that the configuration checks, operations that every server has. */
function knownWords(): KnownWords {
  const choices = Object.values(options).flatMap((option) =>
    option.type === 'choice' ? [[`serve --${option.flag}`, option.choices] as const] : [],
  );
  return new Map<string, readonly string[]>([...choices, ['call op', builtInOperations.map(({ name }) => name)]]);
}

function parseShell(text: string): string {
  if ((shells as readonly string[]).includes(text)) return text;
  throw new InvalidArgumentError(`${JSON.stringify(text)} is not one of ${shells.join(', ')}`);
}
