/**
 * What the process consists of: services with one lifecycle, started in order and ended in reverse order.
 *
 * Invariant: a service is closed exactly once if its start was begun, also where that start or a later one failed. A
 * drain begins with all services at once, in the order of the start, so that each knows from its first moment on that
 * nothing new is taken.
 */

export interface Service {
  /** For the log. */
  readonly name: string;
  /** Resolves once the service does what it is for; rejects where it cannot. Called once. */
  start(): Promise<void>;
  /**
   * Settles when a service that has started is warm too; rejects where it will never be. Read after `start`; absent
   * where a start is all there is.
   */
  readonly ready?: Promise<void>;
  /** Takes nothing new and waits for what is in flight, at most `drainMs`. `cut` counts what is not done by then. */
  drain(drainMs: number): Promise<{ readonly cut: number }>;
  /**
   * Ends everything on the spot, also a start that is under way. False where a thread could not be ended:
   * `process.exit` would wait for it.
   */
  close(): Promise<boolean>;
}

export class Services {
  readonly #services: readonly Service[];
  /** Those whose start was begun. */
  readonly #begun: Service[] = [];
  /** Those whose start came through. */
  readonly #started: Service[] = [];
  #isDraining = false;
  #closing: Promise<boolean> | undefined;

  constructor(services: readonly Service[]) {
    this.#services = services;
  }

  /** Starts them in order. The error of a start ends those that were started before. */
  async start(): Promise<void> {
    for (const service of this.#services) {
      if (this.#isDraining || this.#closing !== undefined) return;
      this.#begun.push(service);
      try {
        await service.start();
        this.#started.push(service);
      } catch (error) {
        await this.close();
        throw error;
      }
    }
  }

  /** Settles when all are warm; rejects with the first error. To be read after `start`. */
  get ready(): Promise<void> {
    return Promise.all(this.#started.map(({ ready }) => ready)).then(() => {});
  }

  /** Does any of them serve already? */
  get isServing(): boolean {
    return this.#started.length > 0;
  }

  /** Drains those that have started. A start that is under way goes no further than to its next service. */
  async drain(drainMs: number): Promise<{ readonly cut: number }> {
    this.#isDraining = true;
    const drained = await Promise.all(this.#started.map((service) => service.drain(drainMs)));
    return { cut: drained.reduce((sum, { cut }) => sum + cut, 0) };
  }

  /** Closes what was started, the last one first. False where a thread could not be ended. Later calls get the same end. */
  close(): Promise<boolean> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<boolean> {
    let threadsEnded = true;
    const errors: unknown[] = [];
    for (let service = this.#begun.pop(); service !== undefined; service = this.#begun.pop()) {
      try {
        threadsEnded = (await service.close()) && threadsEnded;
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
    return threadsEnded;
  }
}
