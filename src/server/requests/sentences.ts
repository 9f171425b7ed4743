/** Sentences that more than one place says to a peer. */
import { cutText } from '../../protocol/cut-text.js';

const nameUnitsMax = 64;

/** A name that a peer chose, safe and short enough for a sentence. */
export function quote(name: string): string {
  return JSON.stringify(cutText(name, nameUnitsMax));
}

export function noOperation(op: string): string {
  return `no operation ${quote(op)}; $ops lists them`;
}

export const drains = 'the server is shutting down and takes nothing new; send it to another one';
