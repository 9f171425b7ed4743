/**
 * What a client asks by itself on a connection: `$draining`, so that it can leave a server before that ends, and `$ping`.
 * Neither is a call: they take no place among those in flight, and no error reply without an `id` can be theirs.
 */
import { encodeRequest, type ReplyHead } from '../protocol/message.js';
import { codeThatEndsConnection } from './json.js';

export type UpkeepReply = 'leaving' | 'alive' | 'refused' | 'nothing';

const decoder = new TextDecoder();

export class Upkeep {
  readonly #write: (piece: Uint8Array) => void;
  /** The names that were asked and have no reply; each serves as the `id` too. */
  readonly #asked = new Set<string>();

  constructor(write: (piece: Uint8Array) => void) {
    this.#write = write;
  }

  /** Is a `$ping` without its reply? */
  get isPinging(): boolean {
    return this.#asked.has('$ping');
  }

  ask(op: '$draining' | '$ping'): void {
    if (this.#asked.has(op)) return;
    this.#asked.add(op);
    for (const piece of encodeRequest({ id: op, op })) this.#write(piece);
  }

  /**
   * Takes a reply that answers no call. `leaving`: the server drains. `alive`: it has answered a `$ping`, and takes requests.
   * `refused`: it wants to know who this is.
   * @returns `undefined` where it answers nothing of this either
   */
  take(head: ReplyHead | undefined, body: Uint8Array): UpkeepReply | undefined {
    const { id, ok } = head ?? {};
    if (typeof id !== 'string' || !this.#asked.delete(id)) return undefined;
    // An older server does not know `$draining`. It is there all the same.
    const code = ok ? undefined : codeThatEndsConnection(body);
    if (code === 'UNAUTHENTICATED') return 'refused';
    if (code !== undefined) return code === 'SHUTTING_DOWN' ? 'leaving' : 'nothing';
    if (id === '$ping') return 'alive';
    return ok && isDraining(body) ? 'leaving' : 'nothing';
  }
}

function isDraining(body: Uint8Array): boolean {
  try {
    const { result } = JSON.parse(decoder.decode(body)) as { result?: { draining?: unknown } };
    return result?.draining === true;
  } catch {
    return false;
  }
}
