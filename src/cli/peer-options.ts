/** The arguments and options that name a server and say how long it may be silent, the same for all who call one. */

import type { Command } from 'commander';
import { addTlsOptions, type TlsFlags } from './tls-flags.js';
import { type TokenFlags, tokenOption } from './token-option.js';
import { hostArgument, parseTimeoutMs, portArgument } from './trama-command.js';

const connectTimeoutMsDefault = 5_000;

/** Longer than a busy server or a poor network is silent by accident. */
const idleTimeoutMsDefault = 60_000;

export interface PeerFlags extends TlsFlags, TokenFlags {
  readonly connectTimeoutMs: number;
  /** Limits the silence of the server as a whole, and that of a stream over its own connection. */
  readonly idleTimeoutMs: number;
}

export function addPeerOptions(command: Command): Command {
  const withPeer = command
    .addArgument(hostArgument())
    .addArgument(portArgument())
    .option('--connect-timeout-ms <n>', 'milliseconds to connect in', parseTimeoutMs, connectTimeoutMsDefault)
    .option(
      '--idle-timeout-ms <n>',
      'milliseconds without a byte from the server, not even a reply to $ping, after which it is given up; in a call with 1 MiB of data and more also those in which it neither takes data nor answers',
      parseTimeoutMs,
      idleTimeoutMsDefault,
    )
    .addOption(tokenOption());
  return addTlsOptions(withPeer);
}
