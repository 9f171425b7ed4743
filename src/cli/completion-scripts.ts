/**
 * Completion scripts, written from a commander program: its commands, their options, and the words that an argument
 * may be. The scripts are static: completing never starts Node. Where no word is known, the shell offers files.
 */

import type { Command, Option } from 'commander';

export const shells = ['bash', 'zsh', 'fish'] as const;

export type Shell = (typeof shells)[number];

/** What all three scripts are written from. */
interface CommandWords {
  readonly name: string;
  readonly description: string;
  readonly options: readonly OptionWords[];
  /** For each positional argument the words it may be; empty where it may be anything. */
  readonly argumentWords: readonly (readonly string[])[];
}

interface OptionWords {
  /** With its dashes. */
  readonly flag: string;
  readonly description: string;
  readonly takesValue: boolean;
  readonly values: readonly string[];
}

/** Words beyond those of commander, by command and flag (`serve --log-level`) or command and argument (`call op`). */
export type KnownWords = ReadonlyMap<string, readonly string[]>;

/** @returns the script to be sourced (bash, fish) or put where the shell looks for functions (zsh). */
export function completionScript(shell: Shell, program: Command, known: KnownWords): string {
  const named = program.commands.map((command) => commandWords(command, known));
  const help: CommandWords = {
    name: 'help',
    description: 'print the help of a command',
    options: [],
    argumentWords: [named.map(({ name }) => name)],
  };
  const commands = [...named, help];
  const write = { bash: bashScript, zsh: zshScript, fish: fishScript }[shell];
  return write(
    program.name(),
    commands,
    program.options.map((option) => optionWords(option)),
  );
}

function commandWords(command: Command, known: KnownWords): CommandWords {
  const name = command.name();
  const options = command.createHelp().visibleOptions(command);
  return {
    name,
    description: command.description(),
    options: options.map((option) => optionWords(option, known.get(`${name} ${option.long}`))),
    argumentWords: command.registeredArguments.map(
      (argument) => argument.argChoices ?? known.get(`${name} ${argument.name()}`) ?? [],
    ),
  };
}

function optionWords(option: Option, known?: readonly string[]): OptionWords {
  return {
    flag: option.long ?? option.short!,
    description: option.description,
    takesValue: option.required || option.optional,
    values: option.argChoices ?? known ?? [],
  };
}

const valueFlags = (options: readonly OptionWords[]): OptionWords[] => options.filter(({ takesValue }) => takesValue);
const flagsOf = (options: readonly OptionWords[]): string => options.map(({ flag }) => flag).join(' ');

function bashScript(program: string, commands: readonly CommandWords[], globals: readonly OptionWords[]): string {
  const valueCase = ({ name, options }: CommandWords): string[] => {
    const free = valueFlags(options).filter(({ values }) => values.length === 0);
    const listed = valueFlags(options).filter(({ values }) => values.length > 0);
    return [
      ...listed.map(({ flag, values }) => `    '${name} ${flag}') words='${values.join(' ')}' ;;`),
      ...(free.length > 0 ? [`    ${free.map(({ flag }) => `'${name} ${flag}'`).join(' | ')}) return ;;`] : []),
    ];
  };
  const commandCase = ({ name, options }: CommandWords): string => `      ${name}) flags='${flagsOf(options)}' ;;`;
  const argumentCase = ({ name, argumentWords }: CommandWords): string[] =>
    argumentWords.flatMap((words, index) =>
      words.length > 0 ? [`      '${name} ${index}') words='${words.join(' ')}' ;;`] : [],
    );
  const valued = commands.flatMap(({ name, options }) => valueFlags(options).map(({ flag }) => `'${name} ${flag}'`));
  return `# Completion of ${program} for bash.
_${program}() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} words='' flags='' file index position=0
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    words='${commands.map(({ name }) => name).join(' ')}'
    flags='${flagsOf(globals)} --help'
  else
    case "\${COMP_WORDS[1]} $previous" in
${commands.flatMap(valueCase).join('\n')}
    *)
      case \${COMP_WORDS[1]} in
${commands.map(commandCase).join('\n')}
      esac
      for ((index = 2; index < COMP_CWORD; index++)); do
        case "\${COMP_WORDS[1]} \${COMP_WORDS[index]}" in
        ${valued.join(' | ')}) index=$((index + 1)) ;;
        *' --'*) ;;
        *) position=$((position + 1)) ;;
        esac
      done
      case "\${COMP_WORDS[1]} $position" in
${commands.flatMap(argumentCase).join('\n')}
      esac
      ;;
    esac
  fi
  case $current in
  -*) words=$flags ;;
  @*)
    while read -r file; do COMPREPLY+=("@$file"); done < <(compgen -f -- "\${current#@}")
    return
    ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _${program} ${program}
`;
}

/** Between single quotes. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** In the specifications of zsh's _arguments and _describe these characters end a part. */
const zshText = (text: string): string => text.replaceAll(/[\\:[\]]/g, '\\$&');

function zshScript(program: string, commands: readonly CommandWords[], globals: readonly OptionWords[]): string {
  const optionSpec = ({ flag, description, takesValue, values }: OptionWords): string => {
    const action = values.length > 0 ? `(${values.join(' ')})` : '_files';
    return quoted(`*${flag}[${zshText(description)}]${takesValue ? `:value:${action}` : ''}`);
  };
  const argumentSpec = (words: readonly string[], index: number): string =>
    quoted(`${index + 1}:argument:${words.length > 0 ? `(${words.join(' ')})` : '_files'}`);
  const commandCase = ({ name, options, argumentWords }: CommandWords): string =>
    `    ${name})\n      _arguments ${[...options.map(optionSpec), ...argumentWords.map(argumentSpec)].join(' \\\n        ')}\n      ;;`;
  const summaries = commands.map(({ name, description }) => quoted(`${name}:${zshText(description)}`)).join(' ');
  return `#compdef ${program}
_${program}() {
  local -a commands line
  local state
  commands=(${summaries})
  _arguments -C ${globals.map(optionSpec).join(' ')} '1:command:->command' '*::argument:->argument'
  case $state in
  command) _describe command commands ;;
  argument)
    case $line[1] in
${commands.map(commandCase).join('\n')}
    esac
    ;;
  esac
}
if [ "$funcstack[1]" = _${program} ]; then _${program} "$@"; else compdef _${program} ${program}; fi
`;
}

function fishScript(program: string, commands: readonly CommandWords[], globals: readonly OptionWords[]): string {
  const option = (condition: string, { flag, description, takesValue, values }: OptionWords): string => {
    const name = flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`;
    const value = takesValue ? ` -r${values.length > 0 ? ` -f -a ${quoted(values.join(' '))}` : ''}` : '';
    return `complete -c ${program} -n '${condition}' ${name}${value} -d ${fishQuoted(description)}`;
  };
  const lines = commands.flatMap(({ name, description, options, argumentWords }) => {
    const condition = `__fish_seen_subcommand_from ${name}`;
    // The words before the cursor, options aside, are the program, the command and the arguments; a value after its
    // flag is counted among them.
    const at = (index: number): string =>
      `${condition}; and test (count (string match -v -- "-*" (commandline -poc))) -eq ${index + 2}`;
    return [
      `complete -c ${program} -n __fish_use_subcommand -f -a ${name} -d ${fishQuoted(description)}`,
      ...argumentWords.flatMap((words, index) =>
        words.length > 0 ? [`complete -c ${program} -n '${at(index)}' -f -a ${quoted(words.join(' '))}`] : [],
      ),
      ...options.map((each) => option(condition, each)),
    ];
  });
  return `${[`# Completion of ${program} for fish.`, ...globals.map((each) => option('__fish_use_subcommand', each)), ...lines].join('\n')}\n`;
}

/** Between fish's single quotes, where a backslash and a quote are written with a backslash. */
const fishQuoted = (text: string): string => `'${text.replaceAll(/[\\']/g, '\\$&')}'`;
