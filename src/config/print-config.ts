/** How settings and options are shown: `--print-config` and the table of options in the README. Pure text. */

import type { Setting } from './load-config.js';
import { allowedWords, defaultWords, formatBytes, type Option, variableOf } from './option-kinds.js';
import { optionKeys, options } from './options.js';

/** The settings in force as a plain table: option, value, unit, source. */
export function printSettings(settings: readonly Setting[]): string {
  const rows = settings.map((setting) => [
    setting.option.flag,
    valueWords(setting),
    unitOf(setting.option) || '-',
    sourceWords(setting),
  ]);
  return alignColumns([['OPTION', 'VALUE', 'UNIT', 'SOURCE'], ...rows]);
}

function sourceWords({ source, name }: Setting): string {
  if (source === 'env') return `env ${name}`;
  return source === 'file' ? `file ${name}` : source;
}

function valueWords({ option, value }: Setting): string {
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.join(' ');
  if (value === undefined) return 'none';
  if (option.type === 'switch') return value === true ? 'on' : 'off';
  return option.type === 'bytes' ? formatBytes(value as number) : String(value);
}

function unitOf(option: Option): string {
  if (option.type === 'bytes') return 'bytes';
  return option.type === 'integer' ? option.unit : '';
}

function alignColumns(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}

/** The options as a Markdown table, for the README. */
export function optionsMarkdown(): string {
  const rows = optionKeys.map((key) => {
    const option = options[key];
    return `| \`--${option.flag}\` | \`${variableOf(option)}\` | ${defaultWords(option)} | ${allowedWords(option)} | ${option.help} |`;
  });
  return ['| flag | variable | default | takes | what |', '| --- | --- | --- | --- | --- |', ...rows, ''].join('\n');
}
