import type { Session } from 'node:inspector';

/**
 * Measures the JavaScript heap of a worker thread from outside, also while the thread is in a loop: V8 answers the
 * inspector's questions between two iterations.
 *
 * The inspector is loaded and attached with the first question, and let go with `close`: a server whose threads stay
 * small never meets it.
 */
export class HeapMeter {
  #attachment: Promise<Attachment> | undefined;

  /** Bytes of objects in the heap, the dead ones included; `undefined` where the thread is gone. */
  async usedBytes(threadId: number): Promise<number | undefined> {
    const usage = (await this.#ask(threadId, 'Runtime.getHeapUsage')) as { usedSize?: number } | undefined;
    return usage?.usedSize;
  }

  /**
   * Collects the thread's garbage. The inspector's `collectGarbage` would wait for the thread's event loop, which a loop
   * never reaches; a sampling profile of allocations is taken at once and ends with a full collection. Its interval is
   * so large that it samples nothing.
   */
  async collectGarbage(threadId: number): Promise<void> {
    await this.#ask(threadId, 'HeapProfiler.startSampling', { samplingInterval: 2 ** 30 });
    await this.#ask(threadId, 'HeapProfiler.stopSampling');
  }

  /** Lets the threads go. Questions that are not answered yet are answered with `undefined`. */
  async close(): Promise<void> {
    const attachment = this.#attachment;
    this.#attachment = undefined;
    (await attachment)?.close();
  }

  async #ask(threadId: number, method: string, params: object = {}): Promise<unknown> {
    this.#attachment ??= attach();
    const attachment = await this.#attachment;
    return attachment.ask(threadId, method, params);
  }
}

async function attach(): Promise<Attachment> {
  const { Session } = await import('node:inspector');
  const attachment = new Attachment(new Session());
  await attachment.open();
  return attachment;
}

class Attachment {
  readonly #session: Session;
  /** The inspector's name of each thread, by thread id. */
  readonly #targets = new Map<number, string>();
  readonly #asked = new Map<number, { readonly target: string; readonly answer: (result: unknown) => void }>();
  #questions = 0;

  constructor(session: Session) {
    this.#session = session;
  }

  open(): Promise<void> {
    const session = this.#session;
    session.connect();
    session.on('NodeWorker.attachedToWorker', ({ params }) => {
      // `workerId` only counts the attachments; the thread's own id is in `[worker 12] name`.
      const threadId = /^\[worker (\d+)\]/.exec(params.workerInfo.title)?.[1];
      if (threadId !== undefined) this.#targets.set(Number(threadId), params.sessionId);
    });
    session.on('NodeWorker.detachedFromWorker', ({ params }) => {
      for (const [threadId, target] of this.#targets) if (target === params.sessionId) this.#targets.delete(threadId);
      this.#drop((target) => target === params.sessionId);
    });
    session.on('NodeWorker.receivedMessageFromWorker', ({ params }) => {
      const { id, result } = JSON.parse(params.message);
      this.#answer(id, result);
    });
    return new Promise((resolve) => {
      session.post('NodeWorker.enable', { waitForDebuggerOnStart: false }, () => resolve());
    });
  }

  /** Resolves to the inspector's result, or to `undefined` where the thread or this attachment is gone. */
  ask(threadId: number, method: string, params: object): Promise<unknown> {
    const target = this.#targets.get(threadId);
    if (target === undefined) return Promise.resolve(undefined);
    this.#questions += 1;
    const id = this.#questions;
    return new Promise((answer) => {
      this.#asked.set(id, { target, answer });
      const message = JSON.stringify({ id, method, params });
      this.#session.post('NodeWorker.sendMessageToWorker', { sessionId: target, message }, (error) => {
        if (error) this.#answer(id, undefined);
      });
    });
  }

  close(): void {
    this.#targets.clear();
    this.#session.disconnect();
    this.#drop(() => true);
  }

  #answer(id: number, result: unknown): void {
    const question = this.#asked.get(id);
    this.#asked.delete(id);
    question?.answer(result);
  }

  #drop(isGone: (target: string) => boolean): void {
    for (const [id, { target }] of this.#asked) if (isGone(target)) this.#answer(id, undefined);
  }
}
