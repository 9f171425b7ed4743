import type { Command } from 'commander';
import * as assert from 'uvu/assert';
import { loadProgram } from '../../src/cli/program.js';
import { suite } from '../support/suite.js';

const test = suite('help of the commands');

/** The command and all below it. */
function allOf(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allOf)];
}

/** The help as a terminal of so many columns gets it. */
function helpOf(command: Command, columns: number | undefined): string[] {
  let text = '';
  command.configureOutput({
    getOutHelpWidth: () => columns as number,
    writeOut: (part) => {
      text += part;
    },
  });
  command.outputHelp();
  return text.split('\n');
}

/** Lines that are to be copied: they stay as they are. */
const isExample = (line: string) => /^ {2}(trama|bash|zsh|fish) /.test(line);
/** A word is never cut, such as the name of a variable. */
const isWord = (line: string) => /^\s*\S+$/.test(line);

test('it is as wide as the terminal, whatever stands in it', async () => {
  for (const command of allOf(await loadProgram())) {
    for (const columns of [60, 80, 100, 200]) {
      const tooLong = helpOf(command, columns).filter(
        (line) => line.length > columns && !isExample(line) && !isWord(line),
      );
      assert.equal(tooLong, [], `${command.name()} at ${columns}`);
    }
    const byDefault = helpOf(command, 80);
    assert.equal(helpOf(command, undefined), byDefault, `${command.name()} without a terminal`);
  }
});

test('a paragraph uses the width that there is, and examples keep their lines', async () => {
  const program = await loadProgram('call');
  const [call] = program.commands;
  const lines = helpOf(call!, 1000);
  assert.ok(lines.some((line) => /^DATA is one JSON value, .* is in the file\.$/.test(line)));
  assert.ok(lines.some((line) => /^Exit status: .* comes\.$/.test(line)));
  const examples = lines.slice(lines.indexOf('Example:') + 1);
  assert.match(examples[0]!, /^ {2}trama call 127\.0\.0\.1 5000 sum '/);
  assert.ok(examples.filter(isExample).length === 3);
  const narrow = helpOf(call!, 60);
  assert.equal(narrow.slice(narrow.indexOf('Example:') + 1), examples);
  assert.is(narrow[narrow.indexOf('Example:') - 1], '');
});

test.run();
