/** `trama call`: one request, one reply, printed with the bytes that came. */

import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { readReplyHead } from '../client/index.js';
import { InputError, readDataInput } from './data-input.js';
import { indentJson } from './indent-json.js';
import { withProgress } from './progress.js';
import { parseTimeoutMs, portArgument, reportTrouble, tramaCommand } from './trama-command.js';
import { withClient } from './with-client.js';

/** A reply may be larger than a client in a program would take. A peer that speaks HTTP seems to announce 1.2 GB. */
const replyBytesMax = 1024 * 1024 * 1024;

/** Smaller data is through before anybody could read a bar. */
const streamedFromBytes = 4 * 1024 * 1024;

const errorReplyExitStatus = 1;

const help = `
DATA is one JSON value, @FILE to read it from a file, or - to read it from standard input; without it the request has
no data. Numbers are sent and printed digit for digit. A large file is sent while it is read, and no further once the
server has answered; what comes from standard input is read to its end first, since a frame begins with its length.

Exit status: 0 for an answer, 1 for an error reply, 2 when the command is wrong or the connection fails.

Example:
  trama call 127.0.0.1 5000 sum '[1,2,3,4]'`;

interface Flags {
  readonly raw?: true;
  readonly timeoutMs?: number;
}

export function callCommand(): Command {
  return tramaCommand('call')
    .description('send one request to a server and print the reply')
    .argument('<host>', 'name or address of the server')
    .addArgument(portArgument())
    .argument('<op>', 'operation, such as echo, upper or sum')
    .argument('[data]', 'JSON, @FILE or -')
    .option('--raw', 'print the body of the reply as it came, not put on lines')
    .option('--timeout-ms <n>', 'milliseconds that the server may take', parseTimeoutMs)
    .addHelpText('after', help)
    .action(async (host: string, port: number, op: string, text: string | undefined, flags: Flags) => {
      try {
        const reply = await call(host, port, op, text, flags.timeoutMs);
        await print(reply, flags.raw === true);
        if (readReplyHead(reply)?.ok === true) return;
        process.exitCode = errorReplyExitStatus;
        if (codeOf(reply) === 'UNKNOWN_OP') {
          process.stderr.write(`trama: \`trama ops ${host} ${port}\` lists what the server has\n`);
        }
      } catch (error) {
        // What is wrong with a file shows while it is sent; the user does not care who read it.
        const { cause } = error as Error;
        reportTrouble(cause instanceof InputError ? cause : error);
      }
    });
}

async function call(
  host: string,
  port: number,
  op: string,
  text: string | undefined,
  timeoutMs: number | undefined,
): Promise<Uint8Array> {
  const data = await readDataInput(text);
  const options = timeoutMs === undefined ? {} : { timeoutMs };
  return withClient(host, port, { replyBytesMax, newId: () => randomUUID() }, (client) => {
    if (data === undefined || (data instanceof Uint8Array && data.length < streamedFromBytes)) {
      return client.callRaw(op, data, options);
    }
    const input = data instanceof Uint8Array ? { byteLength: data.length, chunks: [data] } : data;
    return withProgress(input, (chunks) => client.callRawStream(op, chunks, input.byteLength, options));
  });
}

/** The `code` of an error reply. */
function codeOf(reply: Uint8Array): unknown {
  try {
    return (JSON.parse(Buffer.from(reply).toString()) as { code?: unknown }).code;
  } catch {
    return undefined;
  }
}

async function print(reply: Uint8Array, raw: boolean): Promise<void> {
  function* text(): Generator<Uint8Array> {
    if (raw) yield reply;
    else yield* indentJson(reply);
    if (!raw || process.stdout.isTTY) yield Buffer.from('\n');
  }
  try {
    await pipeline(Readable.from(text(), { objectMode: false }), process.stdout, { end: false });
  } catch (error) {
    throw new Error(`The reply could not be written to standard output: ${(error as Error).message}.`);
  }
}
