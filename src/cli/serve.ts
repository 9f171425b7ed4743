/**
 * `trama serve`: the command line of the server. Its flags are the table in `config/options.ts`.
 *
 * Reads and checks only; running the server is left to `run-server.ts`, which is loaded when the options are known to
 * be good, so that neither a bad option nor another command pays for it.
 */

import { Command, Option as CommandOption } from 'commander';
import { type FlagTexts, type LoadedConfig, loadConfig } from '../config/load-config.js';
import { defaultWords, type Option, optionKeys, options, variableOf } from '../config/options.js';
import { printSettings } from '../config/print-config.js';
import { ConfigError } from '../errors.js';
import { oneLine, refuseStart, usageExitStatus } from './refuse-start.js';

/** The command, to be added to a program. It ends the process: 0, 1 or 2, see `--help`. */
export function serveCommand(): Command {
  const command = new Command('serve')
    .description('run the server until SIGTERM or SIGINT')
    .option('--print-config', 'show the settings in force and where they come from, then exit')
    .addHelpText(
      'after',
      '\nA flag beats its environment variable. Exit status: 0 after a clean shutdown, 1 when a shutdown had to cut ' +
        'work off or a second signal came, 2 when an option, a file or a port is wrong.',
    )
    .configureOutput({ outputError: (text, write) => write(oneLine(text)) })
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : usageExitStatus));
  const flags = optionKeys.map((key) => ({ key, flag: flagOf(options[key]) }));
  for (const { flag } of flags) command.addOption(flag);
  return command.action(async (values: Record<string, unknown>) => {
    const texts = Object.fromEntries(flags.map(({ key, flag }) => [key, values[flag.attributeName()]])) as FlagTexts;
    const { config, settings } = loadOrExit(texts);
    if (values.printConfig === true) {
      process.stdout.write(printSettings(settings));
      return;
    }
    const { runServer } = await import('./run-server.js');
    await runServer(config);
  });
}

function loadOrExit(texts: FlagTexts): LoadedConfig {
  try {
    return loadConfig(texts, process.env);
  } catch (error) {
    if (error instanceof ConfigError) refuseStart(error);
    throw error;
  }
}

const placeholders: Readonly<Record<Option['type'], string>> = {
  integer: 'n',
  bytes: 'size',
  text: 'host',
  choice: 'level',
  folder: 'path',
  modules: 'file',
};

/** Every flag gathers what was written behind it; checking is the configuration's, so that variables get the same. */
function flagOf(option: Option): CommandOption {
  const help = `${option.help} (default: ${defaultWords(option)}; ${variableOf(option)})`;
  return new CommandOption(`--${option.flag} <${placeholders[option.type]}>`, help).argParser(
    (text: string, before: readonly string[] | undefined) => [...(before ?? []), text],
  );
}
