/**
 * The life of a connection, as a table.
 *
 *     open ──fault──▶ deaf ──end──▶ ended ──close──▶ closed
 *      │                ▲             ▲
 *      └──drain──▶ refusing ──end─────┘        close may come at any time
 *
 * open: frames are answered. deaf: what comes is thrown away, since the framing is lost or the peer may not be here.
 * refusing: each frame is answered with SHUTTING_DOWN. ended: our side is closed; what comes is thrown away until the
 * peer closes too, since closing with unread bytes would reset the connection and could take the last replies with it.
 */
export type LifeState = 'open' | 'deaf' | 'refusing' | 'ended' | 'closed';
type LifeEvent = 'fault' | 'drain' | 'end' | 'close';

const transitions: { readonly [State in LifeState]: { readonly [Event in LifeEvent]?: LifeState } } = {
  open: { fault: 'deaf', drain: 'refusing', end: 'ended', close: 'closed' },
  refusing: { fault: 'deaf', end: 'ended', close: 'closed' },
  deaf: { end: 'ended', close: 'closed' },
  ended: { close: 'closed' },
  closed: {},
};

export class ConnectionLife {
  #state: LifeState = 'open';
  #sinceMs = performance.now();

  get state(): LifeState {
    return this.#state;
  }

  /** When the state began, as `performance.now()` gives it. */
  get sinceMs(): number {
    return this.#sinceMs;
  }

  /** Are frames read, to be answered or refused? */
  get takesFrames(): boolean {
    return this.#state === 'open' || this.#state === 'refusing';
  }

  /** May replies still be written? */
  get takesReplies(): boolean {
    return this.#state !== 'ended' && this.#state !== 'closed';
  }

  /** False, and nothing changes, where the event cannot happen in this state. */
  move(event: LifeEvent): boolean {
    const next = transitions[this.#state][event];
    if (next === undefined) return false;
    this.#state = next;
    this.#sinceMs = performance.now();
    return true;
  }

  /** Time in which the peer could do nothing does not count. */
  forgive(ms: number): void {
    this.#sinceMs += ms;
  }
}
