/**
 * `trama serve`: the command line of the server. Its flags are the table in `config/options.ts`.
 *
 * Reads and checks only. To run the server is left to `run-server.ts`, which is loaded when the options are known to be
 * good, so that neither a bad option nor another command pays for it.
 */

import { type Command, Option as CommandOption } from 'commander';
import { type FlagTexts, loadConfig } from '../config/load-config.js';
import { defaultWords, type Option, variableOf } from '../config/option-kinds.js';
import { optionKeys, options } from '../config/options.js';
import { printSettings } from '../config/print-config.js';
import { ConfigError } from '../errors.js';
import { helpNotes } from './help-notes.js';
import { complain, print, reportTrouble } from './output.js';
import { tramaCommand } from './trama-command.js';

const help = `
A flag beats its environment variable, a variable beats the file of --config. That is plain JSON, its members are named
after the flags: {"httpPort": 8080, "ops": "./my-ops.mjs"}. Relative paths in it count from its folder.

Signals: SIGTERM and SIGINT answer what was received, then end the server; a second one ends it on the spot. SIGHUP loads
the modules of --ops anew, as \`trama reload\` does; without --ops the server goes on. Options are read at the start only.

Exit status: 0 after a clean shutdown, 1 when a shutdown had to cut work off or a second signal came, 2 when an option, a
file or a port is wrong, 70 after a defect.`;

/** The command, to be added to a program. It ends the process by itself, see `--help`. */
export function serveCommand(): Command {
  const command = tramaCommand('serve')
    .description('run the server until SIGTERM or SIGINT')
    .option('--print-config', 'show the settings in force and where they come from, then exit')
    .option('--print-config-schema', 'print the JSON Schema of the file that --config takes, then exit')
    .addHelpText('after', helpNotes(help));
  const flags = optionKeys.map((key) => ({ key, flag: flagOf(options[key]) }));
  for (const { flag } of flags) command.addOption(flag);
  return command.action(async (values: Record<string, unknown>) => {
    const texts = Object.fromEntries(flags.map(({ key, flag }) => [key, textsOf(values[flag.attributeName()])]));
    if (values.printConfigSchema === true) {
      const { configSchemaText } = await import('../config/config-schema.js');
      await print(configSchemaText());
    } else await serve(texts as FlagTexts, values.printConfig === true);
  });
}

async function serve(texts: FlagTexts, printConfig: boolean): Promise<void> {
  try {
    const { config, settings, warning } = loadConfig(texts, process.env);
    if (printConfig) {
      if (warning !== undefined) complain(warning);
      await print(printSettings(settings));
      return;
    }
    const { runServer } = await import('./run-server.js');
    await runServer(config, warning);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    reportTrouble(error);
  }
}

/** A switch is `true` where it was given; every other flag has gathered its texts. */
function textsOf(value: unknown): unknown {
  return value === true ? ['true'] : value;
}

const placeholders: Readonly<Record<Exclude<Option['type'], 'switch' | 'choice'>, string>> = {
  integer: 'n',
  bytes: 'size',
  port: 'n',
  text: 'host',
  folder: 'path',
  file: 'file',
  path: 'file',
  pem: 'file',
  modules: 'file',
  addresses: 'addresses',
};

function placeholderOf(option: Exclude<Option, { type: 'switch' }>): string {
  if (option.type !== 'choice') return placeholders[option.type];
  return option.choices.length > 2 ? 'level' : option.choices.join('|');
}

/** Every flag gathers its texts. To check them is the configuration's, so that variables are checked alike. */
function flagOf(option: Option): CommandOption {
  const help = `${option.help} (default: ${defaultWords(option)}; ${variableOf(option)})`;
  if (option.type === 'switch') return new CommandOption(`--${option.flag}`, help);
  return new CommandOption(`--${option.flag} <${placeholderOf(option)}>`, help).argParser(
    (text: string, before: readonly string[] | undefined) => [...(before ?? []), text],
  );
}
