/** `trama ops`: what a server can do, as a table or as JSON. */

import type { Command } from 'commander';
import pc from 'picocolors';
import { ReplyError } from '../client/index.js';
import type { OperationInfo } from '../ops/operation-info.js';
import { helpNotes } from './help-notes.js';
import { concludeWith, print, reportTrouble } from './output.js';
import { addPeerOptions, type PeerFlags } from './peer-options.js';
import { parseLimitMs, tramaCommand } from './trama-command.js';
import { withClient } from './with-client.js';

const timeoutMsDefault = 5000;

interface Flags extends PeerFlags {
  readonly json?: true;
  readonly timeoutMs: number;
}

export function opsCommand(): Command {
  return addPeerOptions(tramaCommand('ops').description('list the operations of a server'))
    .option('--json', 'print what the server says of them, schemas included')
    .option('--timeout-ms <n>', 'milliseconds that the server may take, 0 for any time', parseLimitMs, timeoutMsDefault)
    .addHelpText(
      'after',
      helpNotes(
        'Exit status: 0 for a list, 1 for an error reply, 2 when the command is wrong or the connection fails.',
      ),
    )
    .action(async (host: string, port: number, { json, timeoutMs, ...limits }: Flags) => {
      try {
        const operations = await withClient({ host, port, ...limits }, {}, (client) =>
          client.call<OperationInfo[]>('$ops', undefined, { timeoutMs }),
        );
        await print(json ? `${JSON.stringify(operations, null, 2)}\n` : table(operations));
      } catch (error) {
        if (error instanceof ReplyError) concludeWith(1);
        reportTrouble(error);
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
