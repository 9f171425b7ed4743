/** What the help of a command says after its options: paragraphs, as wide as the terminal is, and examples as they are. */

import type { AddHelpTextContext } from 'commander';

/** Where nobody looks at a terminal, as commander has it for the rest of the help. */
const widthDefault = 80;

/** For `addHelpText`. An empty line ends a paragraph; a line that begins with a space stays as it is. */
export function helpNotes(notes: string): (context: AddHelpTextContext) => string {
  return (context) => `\n${wrapped(notes, context)}`;
}

function wrapped(notes: string, { command, error }: AddHelpTextContext): string {
  const { getErrHelpWidth, getOutHelpWidth } = command.configureOutput();
  const width = (error ? getErrHelpWidth?.() : getOutHelpWidth?.()) ?? widthDefault;
  const help = command.createHelp();
  return linesOf(notes)
    .map((line) => (line.startsWith(' ') ? line : help.boxWrap(line, width)))
    .join('\n');
}

/** A line for each paragraph, and one for each line that stands by itself. */
function linesOf(notes: string): string[] {
  const lines: string[] = [];
  let isOpen = false;
  for (const line of notes.trim().split('\n')) {
    const isProse = line !== '' && !line.startsWith(' ');
    if (isProse && isOpen) lines[lines.length - 1] += ` ${line}`;
    else lines.push(line);
    isOpen = isProse;
  }
  return lines;
}
