/** `trama call`: one request, one reply, printed with the bytes that came. */

import { randomUUID } from 'node:crypto';
import { type Command, Option } from 'commander';
import { ColumnError, RequestError, readReplyHead } from '../client/index.js';
import { timeoutMsDefault } from '../client/options.js';
import { type ColumnFlags, type ColumnInput, formats, inFlags, readColumnInput, skippedWords } from './column-input.js';
import { type DataInput, InputError, readDataInput } from './data-input.js';
import { type ErrorReply, placeInData } from './data-place.js';
import { helpNotes } from './help-notes.js';
import { howStarted } from './how-started.js';
import { indentJson } from './indent-json.js';
import { complain, concludeWith, print, reportTrouble } from './output.js';
import { addPeerOptions, type PeerFlags } from './peer-options.js';
import { withProgress } from './progress.js';
import { parseLimitMs, tramaCommand } from './trama-command.js';
import { withClient } from './with-client.js';

/** A reply may be larger than a client in a program would take. A peer that speaks HTTP seems to announce 1.2 GB. */
const replyBytesMax = 1024 * 1024 * 1024;

/** Data from this size on is sent in pieces, over a connection of its own, so that it does not hold up `$ping`. */
const streamedFromBytes = 1024 * 1024;

/** Less is through before anybody could read a bar. */
const barFromBytes = 4 * 1024 * 1024;

const errorReplyExitStatus = 1;

const help = `
DATA is one JSON value, @FILE to read it from a file, or - to read it from standard input; without it the request has
no data. Numbers are sent and printed digit for digit. A large file is sent while it is read, and no further once the
server has answered; what comes from standard input is read to its end first, since a frame begins with its length.
Where an error reply names a place in a file, a line on stderr says where that is in the file.

A FILE that ends in .csv, .tsv, .ndjson or .jsonl, and any other with --format, is not JSON as a whole: the data is an array
of the numbers in one of its columns, or of one number of each line of JSON, as they are written. A line without such a number
ends the call, or is left out and counted with --skip-bad.

A call has ${timeoutMsDefault / 1000} s, less where the operation has less; --timeout-ms sets another limit for both, and 0 leaves it to the server.
When the time is over, the server stops the work. Data of 1 MiB and more may take as long as it moves on: without --timeout-ms such a
call ends when the server has neither taken data nor answered for --idle-timeout-ms. So does any call when nothing at
all comes from the server, not even a reply to $ping.

Exit status: 0 for an answer, 1 for an error reply, 2 when the command is wrong, the connection fails or no reply comes.

Example:
  trama call 127.0.0.1 5000 sum '[1,2,3,4]'
  trama call 127.0.0.1 5000 sum @sales.csv --column amount
  trama call 127.0.0.1 5000 sum @prices.ndjson --path .items[0].price`;

interface Flags extends PeerFlags, ColumnFlags {
  readonly raw?: true;
  readonly timeoutMs?: number;
}

type Input = DataInput & Partial<ColumnInput>;

interface Outcome {
  readonly reply: Uint8Array;
  readonly input: Input | undefined;
  /** Bytes of the request's body before its data. */
  readonly bytesBefore: number;
}

export function callCommand(): Command {
  return addPeerOptions(tramaCommand('call').description('send one request to a server and print the reply'))
    .argument('<op>', 'operation, such as echo, upper or sum')
    .argument('[data]', 'JSON, @FILE or -')
    .option('--raw', 'print the body of the reply as it came, not put on lines')
    .option(
      '--timeout-ms <n>',
      `milliseconds that the call may take, 0 for any time (default: ${timeoutMsDefault}; for 1 MiB of data and more see below)`,
      parseLimitMs,
    )
    .addOption(new Option('--format <name>', 'what FILE or standard input is').choices(formats))
    .option('--column <name>', 'column of a csv or tsv: its name, or its number from 1')
    .option('--no-header', 'the csv or tsv has no first line with names')
    .option('--delimiter <character>', 'what is between the fields of a csv, such as ;')
    .option('--path <path>', 'where in each line of JSON the number is, such as .price (default: the line)')
    .option('--skip-bad', 'leave out and count lines that give no number')
    .addHelpText('after', helpNotes(help))
    .action(async (host: string, port: number, op: string, text: string | undefined, flags: Flags) => {
      try {
        const outcome = await call({ host, port, ...flags }, op, text, flags);
        tellSkipped(outcome.input);
        await print(linesOf(outcome.reply, flags.raw === true));
        if (readReplyHead(outcome.reply)?.ok === true) return;
        concludeWith(errorReplyExitStatus);
        await explain(outcome, host, port);
      } catch (error) {
        // What is wrong with a file shows while it is sent; the user does not care who read it.
        const { cause } = error as Error;
        reportTrouble(inFlags(cause instanceof InputError || cause instanceof ColumnError ? cause : error));
      }
    });
}

async function call(
  peer: { host: string; port: number } & PeerFlags,
  op: string,
  text: string | undefined,
  flags: Flags,
): Promise<Outcome> {
  const input: Input | undefined = (await readColumnInput(text, flags)) ?? (await readDataInput(text));
  const { idleTimeoutMs } = peer;
  return withClient(peer, { replyBytesMax, idleTimeoutMs, newId: () => randomUUID() }, async (client, sent) => {
    const { timeoutMs } = flags;
    const options = timeoutMs === undefined ? {} : { timeoutMs };
    const limitFlag = timeoutMs === undefined ? '--idle-timeout-ms' : '--timeout-ms';
    const send = (chunks: DataInput['chunks']) => {
      const column = input!.columnOf?.(chunks);
      return namingLimit(limitFlag, client.callRawStream(op, column ?? chunks, (column ?? input!).byteLength, options));
    };
    let reply: Uint8Array;
    if (input === undefined || (input.bytes !== undefined && input.byteLength < streamedFromBytes)) {
      reply = await namingLimit('--timeout-ms', client.callRaw(op, input?.bytes, options));
    } else if (input.byteLength < barFromBytes) reply = await send(input.chunks);
    else reply = await withProgress(input, send);
    // The data is followed by one brace.
    return { reply, input, bytesBefore: sent.bodyBytes - (input?.byteLength ?? 0) - 1 };
  });
}

/** Names the flag that sets the limit which a call ran into. */
async function namingLimit(flag: string, call: Promise<Uint8Array>): Promise<Uint8Array> {
  try {
    return await call;
  } catch (error) {
    if (!(error instanceof RequestError) || error.code !== 'DEADLINE_EXCEEDED') throw error;
    throw new Error(`${error.message} (${flag} sets another limit.)`, { cause: error });
  }
}

function tellSkipped(input: Input | undefined): void {
  const column = input?.column?.();
  const words = column && skippedWords(column, input!.name);
  if (words !== undefined) complain(words);
}

/** Says on stderr what helps with an error reply. */
async function explain({ reply, input, bytesBefore }: Outcome, host: string, port: number): Promise<void> {
  const error = errorOf(reply);
  if (error.code === 'UNKNOWN_OP') {
    complain(`\`${howStarted()} ops ${host} ${port}\` lists what the server has`);
  }
  if (input?.reread === undefined) return;
  const { name, byteLength } = input;
  const place = await placeInData(error, { name, byteLength, bytesBefore, reread: () => input.reread!() });
  if (place !== undefined) complain(place);
}

function errorOf(reply: Uint8Array): ErrorReply {
  try {
    return JSON.parse(Buffer.from(reply).toString()) as ErrorReply;
  } catch {
    return {};
  }
}

function* linesOf(reply: Uint8Array, raw: boolean): Generator<Uint8Array> {
  if (raw) yield reply;
  else yield* indentJson(reply);
  if (!raw || process.stdout.isTTY) yield Buffer.from('\n');
}
