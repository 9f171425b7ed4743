/** A last reply that is sent after a while: to a peer whose token was wrong. */
export class LateReply {
  readonly #timer: NodeJS.Timeout;
  readonly #over: () => void;

  /** @param over called once, when the reply is sent or cannot be any more */
  constructor(delayMs: number, send: () => void, over: () => void) {
    this.#timer = setTimeout(send, delayMs);
    this.#over = over;
  }

  /** It is sent, or nobody is there for it. To be called once. */
  end(): void {
    clearTimeout(this.#timer);
    this.#over();
  }
}
