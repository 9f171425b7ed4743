/** `trama completion`: a script for the user's shell, made from the commands as commander knows them. */

import { Argument, type Command } from 'commander';
import { completionScript, shells } from './completion-scripts.js';
import { loadProgram } from './program.js';
import { tramaCommand } from './trama-command.js';

const help = `
To have it in each new shell:
  bash  echo 'source <(trama completion bash)' >> ~/.bashrc
  zsh   trama completion zsh > "\${fpath[1]}/_trama"
  fish  trama completion fish > ~/.config/fish/completions/trama.fish`;

export function completionCommand(): Command {
  return tramaCommand('completion')
    .description('print a script that completes the commands in a shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(shells))
    .addHelpText('after', help)
    .action(async (shell: (typeof shells)[number]) => {
      process.stdout.write(completionScript(shell, await loadProgram()));
    });
}
