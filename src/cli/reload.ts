/** `trama reload`: asks the server on this machine to load the modules of its operations anew. */

import { request } from 'node:http';
import { request as requestSecurely } from 'node:https';
import type { Command } from 'commander';
import { address } from '../protocol/address.js';
import { helpNotes } from './help-notes.js';
import { complain, concludeWith, print, reportTrouble } from './output.js';
import { addTlsOptions, readTlsFlags, type TlsFlags } from './tls-flags.js';
import { type TokenFlags, tokenOf, tokenOption } from './token-option.js';
import { parseLimitMs, parsePort, tramaCommand } from './trama-command.js';

/** Modules may connect to a database while they load. */
const timeoutMsDefault = 60_000;

/** An answer is one short sentence. What else listens there may send without an end. */
const answerBytesMax = 64 * 1024;

const refusedExitStatus = 1;

const help = `
The server loads the modules of its operations in fresh threads; what runs in the old ones is finished. Where the new ones
do not load, the old ones stay in force. The server takes this from its own machine only, on its HTTP side.

Exit status: 0 after a reload, 1 when the server could not reload, 2 when the command is wrong or no server answers.`;

interface Flags extends TlsFlags, TokenFlags {
  readonly httpHost: string;
  readonly httpPort: number;
  readonly timeoutMs: number;
}

interface Answer {
  readonly status: number;
  readonly body: { readonly operations?: unknown; readonly error?: unknown };
}

export function reloadCommand(): Command {
  const command = tramaCommand('reload')
    .description('have a server on this machine load its operations anew')
    .option('--http-port <n>', "port of the server's HTTP side", parsePort, 5080)
    .option('--http-host <host>', "address of the server's HTTP side", '127.0.0.1')
    .option('--timeout-ms <n>', 'milliseconds that the server may take, 0 for any time', parseLimitMs, timeoutMsDefault)
    .addOption(tokenOption())
    .addHelpText('after', helpNotes(help));
  return addTlsOptions(command).action(async (flags: Flags) => {
    try {
      const { status, body } = await askToReload(flags);
      if (status === 200 && typeof body.operations === 'number') {
        await print(`reloaded: ${body.operations} operations\n`);
      } else if (typeof body.error === 'string') {
        concludeWith(refusedExitStatus);
        complain(body.error);
      } else
        throw new Error(
          `${address(flags.httpHost, flags.httpPort)} does not answer as a trama server does (HTTP status ${status}).`,
        );
    } catch (error) {
      reportTrouble(error);
    }
  });
}

function askToReload(flags: Flags): Promise<Answer> {
  const { httpHost: host, httpPort: port, timeoutMs } = flags;
  const tls = readTlsFlags(flags);
  const token = tokenOf(flags);
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return new Promise((resolve, reject) => {
    const signal = timeoutMs === 0 ? new AbortController().signal : AbortSignal.timeout(timeoutMs);
    const to = { host, port, method: 'POST', path: '/v1/reload', headers, agent: false, signal } as const;
    const ask = tls === undefined ? request : requestSecurely;
    const asking = ask({ ...to, ...tls, ...(tls?.serverName ? { servername: tls.serverName } : {}) }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        if (text.length > answerBytesMax) asking.destroy(new Error('it sends more than an answer'));
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: asObject(text) }));
      response.on('error', fail);
    });
    function fail(error: NodeJS.ErrnoException): void {
      if (error.code?.startsWith('HPE_')) {
        reject(
          new Error(
            `${address(flags.httpHost, flags.httpPort)} does not speak HTTP; --http-port is the port of the server's HTTP side.`,
          ),
        );
      } else if (signal.aborted)
        reject(new Error(`${address(flags.httpHost, flags.httpPort)} did not answer within ${timeoutMs} ms.`));
      else
        reject(
          new Error(
            `Cannot reload at ${address(flags.httpHost, flags.httpPort)} (${error.code ?? error.message}); is the server running there?`,
          ),
        );
    }
    asking.on('error', fail).end();
  });
}

function asObject(text: string): Answer['body'] {
  try {
    return Object(JSON.parse(text)) as Answer['body'];
  } catch {
    return {};
  }
}
