#!/usr/bin/env node
/**
 * The entry of the command line. It finds out which command is meant and loads that one only, so that the server
 * starts without the client's modules and the other way round. What a command does is its own.
 */

import { CommanderError } from 'commander';
import { concludeWith, troubleExitStatus, watchOutputs } from './output.js';
import { isCommand, loadProgram } from './program.js';

/** What commander would take for something else. */
function asMeant(args: readonly string[]): readonly string[] {
  const [first, second] = args;
  // As other programs have it.
  if (first === '-V' || first === 'version') return ['--version'];
  // Commander would print the program's own help, as if that had been asked for.
  if (first === 'help' && second !== undefined && !isCommand(second) && second !== 'help') return [second];
  return args;
}

watchOutputs();
const args = asMeant(process.argv.slice(2));
const program = await loadProgram(args[0]);
try {
  await program.parseAsync(args, { from: 'user' });
} catch (error) {
  // Commander has said by then what there is to say: the help, the version, or what is wrong with the usage.
  if (!(error instanceof CommanderError)) throw error;
  if (error.exitCode !== 0) concludeWith(troubleExitStatus);
}
