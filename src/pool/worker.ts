import { type MessagePort, parentPort } from 'node:worker_threads';
import { Engine } from '../engine/index.js';
import type { LoadedOperation } from '../ops/load-operations.js';
import { captureStandardStreams, LogChannel } from './log-channel.js';
import {
  type EndCode,
  errorOutcome,
  type FromWorker,
  type RunMessage,
  slot,
  type ToWorker,
  type WorkerSetup,
} from './messages.js';
import { runOperation } from './operation-runner.js';
import type { Outcome, PartTask, Task } from './task.js';
import { warmUp } from './warm-up.js';

/**
 * The entry of a worker thread: loads the users' operations, warms the engine up, and then runs one task at a time.
 *
 * It imports little, since every thread pays for every module in memory and in start time. Deadlines, queues and what
 * becomes of a task whose thread dies are the pool's; this side only has to be honest in its shared words
 * (see `slot` in messages.ts) and may be ended between any two instructions.
 *
 * It talks over a port of its own, that the pool hands it in the first message. `parentPort`, which users' code can see,
 * is left to them: what they send over it reaches nobody.
 */

/** Below this, copying a reply costs less than handing its buffer over. */
const transferBytesMin = 16 * 1024;

interface Run {
  readonly serial: number;
  /** Made when the operation asks for its signal. */
  controller?: AbortController;
}

class WorkerSide {
  readonly #setup: WorkerSetup;
  readonly #port: MessagePort;
  readonly #slots: Int32Array;
  readonly #log: LogChannel;
  #engine: Engine;
  #operations: ReadonlyMap<string, LoadedOperation> = new Map();
  /** The run under way. */
  #current: Run | undefined;

  constructor(setup: WorkerSetup) {
    this.#setup = setup;
    this.#port = setup.port;
    this.#slots = new Int32Array(setup.slots);
    this.#log = new LogChannel((line) => this.#send(line), setup.logLevels);
    this.#engine = new Engine(setup.engineModule);
  }

  async start(): Promise<void> {
    captureStandardStreams(this.#log);
    const { operationModules, checkSources } = this.#setup;
    try {
      if (operationModules.length > 0) {
        const { loadOperations } = await import('../ops/load-operations.js');
        this.#operations = await loadOperations(operationModules, checkSources);
      }
      warmUp(this.#engine);
    } catch (error) {
      this.#send({ type: 'failed', message: error instanceof Error ? error.message : String(error) });
      return;
    }
    this.#port.on('message', (message: ToWorker) => this.#receive(message));
    const operations = [...this.#operations.values()].map((operation) => operation.info);
    this.#send({ type: 'ready', operations, checkSources });
  }

  #receive(message: ToWorker): void {
    switch (message.type) {
      case 'run':
        void this.#run(message);
        return;
      case 'abort':
        if (this.#current?.serial === message.serial) abort(this.#current, message.code, message.message);
        return;
    }
  }

  async #run(task: RunMessage): Promise<void> {
    // Before `ended` is read: the pool writes and reads in the other order, so one of us sees the other.
    Atomics.store(this.#slots, slot.running, task.serial);
    const run: Run = { serial: task.serial };
    this.#current = run;
    this.#log.run = { op: task.op, id: task.label };
    const outcome = this.#isEnded(run)
      ? errorOutcome('CANCELLED', 'ended before it began')
      : await this.#work(task, run);
    this.#log.mentionDropped();
    this.#log.run = {};
    this.#current = undefined;
    Atomics.store(this.#slots, slot.running, -task.serial);
    this.#send({ type: 'done', serial: task.serial, outcome }, transferable(outcome));
  }

  async #work(task: RunMessage, run: Run): Promise<Outcome> {
    const { payload } = task;
    if (task.kind !== 'data' || !(payload instanceof Uint8Array)) return this.#answer(payload);
    const operation = this.#operations.get(task.op);
    if (operation === undefined) return errorOutcome('UNKNOWN_OP', `no operation \`${task.op}\``);
    const { resultBytesMax } = this.#setup;
    return runOperation(operation, payload, resultBytesMax, {
      log: this.#log,
      signal: () => this.#signalOf(run),
      isAborted: () => run.controller?.signal.aborted === true,
    });
  }

  #answer(payload: Task['payload']): Outcome {
    try {
      return payload instanceof Uint8Array ? this.#engine.answer(payload) : this.#answerPart(payload);
    } catch (error) {
      this.#log.write('error', { err: error }, 'the engine failed on a frame');
      this.#engine = new Engine(this.#setup.engineModule);
      return errorOutcome('INTERNAL', "the engine failed on this request; the server's log has the cause");
    }
  }

  #answerPart({ pieces, from, to, isLast }: PartTask): Outcome {
    const { bodyStateBytes } = this.#engine;
    const view = (offset: number, length: number) => new Uint8Array(this.#setup.partMemory, offset, length);
    const views: Uint8Array[] = [];
    for (let at = 0; at < pieces.length; at += 2) views.push(view(pieces[at]!, pieces[at + 1]!));
    const answer = this.#engine.answerPart(view(from, bodyStateBytes), view(to, bodyStateBytes), views, isLast);
    return answer ?? { kind: 'more' };
  }

  #signalOf(run: Run): AbortSignal {
    if (run.controller === undefined) {
      run.controller = new AbortController();
      Atomics.store(this.#slots, slot.listens, run.serial);
      if (this.#isEnded(run)) abort(run, 'CANCELLED', 'the task was ended');
    }
    return run.controller.signal;
  }

  #isEnded(run: Run): boolean {
    return Atomics.load(this.#slots, slot.ended) === run.serial;
  }

  #send(message: FromWorker, transfer: ArrayBuffer[] = []): void {
    this.#port.postMessage(message, transfer);
  }
}

function abort(run: Run, code: EndCode, message: string): void {
  run.controller?.abort(new DOMException(message, code === 'CANCELLED' ? 'AbortError' : 'TimeoutError'));
}

function transferable(outcome: Outcome): ArrayBuffer[] {
  const bytes = outcome.kind === 'frame' ? outcome.frame : outcome.kind === 'result' ? outcome.json : undefined;
  if (bytes === undefined || bytes.byteLength < transferBytesMin) return [];
  return bytes.byteLength === bytes.buffer.byteLength ? [bytes.buffer as ArrayBuffer] : [];
}

parentPort?.once('message', (setup: WorkerSetup) => {
  void new WorkerSide(setup).start();
});
