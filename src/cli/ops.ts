/** `trama ops`: what a server can do, as a table or as JSON. */

import type { Command } from 'commander';
import pc from 'picocolors';
import { ReplyError } from '../client/index.js';
import type { OperationInfo } from '../ops/operation-info.js';
import { parseTimeoutMs, portArgument, reportTrouble, tramaCommand } from './trama-command.js';
import { withClient } from './with-client.js';

const timeoutMsDefault = 5000;

interface Flags {
  readonly json?: true;
  readonly timeoutMs: number;
}

export function opsCommand(): Command {
  return tramaCommand('ops')
    .description('list the operations of a server')
    .argument('<host>', 'name or address of the server')
    .addArgument(portArgument())
    .option('--json', 'print what the server says of them, schemas included')
    .option('--timeout-ms <n>', 'milliseconds that the server may take', parseTimeoutMs, timeoutMsDefault)
    .action(async (host: string, port: number, { json, timeoutMs }: Flags) => {
      try {
        const operations = await withClient(host, port, { timeoutMs }, (client) =>
          client.call<OperationInfo[]>('$ops'),
        );
        process.stdout.write(json ? `${JSON.stringify(operations, null, 2)}\n` : table(operations));
      } catch (error) {
        reportTrouble(error);
        if (error instanceof ReplyError) process.exitCode = 1;
      }
    });
}

function table(operations: readonly OperationInfo[]): string {
  const rows = operations.map(({ name, streaming, description }) => [name, streaming ? 'yes' : 'no', description]);
  const titles = ['NAME', 'STREAMING', 'DESCRIPTION'];
  const widths = titles.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd();
  // Asked of the stream: picocolors by itself colours pipes too, where CI is set.
  const { bold } = pc.createColors(process.stdout.isTTY === true && process.stdout.hasColors());
  return `${[bold(line(titles)), ...rows.map(line)].join('\n')}\n`;
}
