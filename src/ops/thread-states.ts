import type { OperationLog } from './define-operation.js';
import { explainLoadError } from './explain-load-error.js';
import { cannotLoad, type LoadedOperation } from './load-operations.js';

/** A step of a thread's start, for the sentence where it does not come to an end. */
interface SetupStep {
  readonly file: string;
  /** The end of a sentence that goes on with how long it took. */
  readonly late: string;
  /** The end of a sentence that goes on with `for something that never comes`. */
  readonly waits: string;
}

/**
 * What the operations' `setup` has made in this thread, and its end. Operations with the same `setup` share what it returns.
 *
 * Invariant: each `setup` is called once, one after the other in the order of the operations; each `teardown` once, in the
 * opposite order, for a `setup` that has returned.
 */
export class ThreadStates {
  readonly #logFor: (operation: string) => OperationLog;
  /** The first operation of each `setup`. */
  readonly #made: LoadedOperation[] = [];

  /** @param logFor the log that `setup` and `teardown` of an operation get */
  constructor(logFor: (operation: string) => OperationLog) {
    this.#logFor = logFor;
  }

  get hasTeardown(): boolean {
    return this.#made.some(({ definition }) => definition.teardown !== undefined);
  }

  /**
   * Where one fails, what the others have made is torn down.
   * @param onStep told of each `setup`, and of each `teardown` after one that failed, before it is called
   * @throws PoolError with one sentence that names file and operation
   */
  async setUp(operations: Iterable<LoadedOperation>, onStep: (step: SetupStep) => void): Promise<void> {
    for (const [setup, [first, ...others]] of bySetup(operations)) {
      const { info, file } = first;
      const name = `the \`setup\` of \`${info.name}\``;
      onStep({ file, late: `${name} was not done`, waits: `${name} waits` });
      try {
        first.state = await setup({ log: this.#logFor(info.name) });
      } catch (error) {
        const failure = `${name} failed: ${explainLoadError(error)}`;
        await this.tearDown(({ info: { name: other } }) => {
          const end = `${failure}; then the \`teardown\` of \`${other}\``;
          onStep({ file, late: `${end} was not done`, waits: `${end} waits` });
        });
        throw cannotLoad(file, failure, error);
      }
      this.#made.push(first);
      for (const other of others) other.state = first.state;
    }
  }

  /**
   * One that fails is a line of the log; the others are called all the same.
   * @param onTeardown told of each before it is called
   */
  async tearDown(onTeardown: (operation: LoadedOperation) => void = () => {}): Promise<void> {
    for (const operation of this.#made.splice(0).reverse()) {
      const { info, definition, state } = operation;
      if (definition.teardown === undefined) continue;
      const log = this.#logFor(info.name);
      onTeardown(operation);
      try {
        await definition.teardown(state, { log });
      } catch (error) {
        log.error({ err: error }, `the \`teardown\` of \`${info.name}\` failed`);
      }
    }
  }
}

type Setup = NonNullable<LoadedOperation['definition']['setup']>;

/**
 * The operations that have a `setup`, by that, in the order of the first of each.
 * @throws PoolError where two have the same one, but not the same `teardown`
 */
function bySetup(operations: Iterable<LoadedOperation>): Map<Setup, [LoadedOperation, ...LoadedOperation[]]> {
  const found: ReturnType<typeof bySetup> = new Map();
  for (const operation of operations) {
    const { setup, teardown } = operation.definition;
    if (setup === undefined) continue;
    const all = found.get(setup);
    if (all === undefined) {
      found.set(setup, [operation]);
      continue;
    }
    const [first] = all;
    if (first.definition.teardown !== teardown) {
      const both = `\`${operation.info.name}\` and \`${first.info.name}\``;
      throw cannotLoad(operation.file, `${both} have the same \`setup\`, but not the same \`teardown\``);
    }
    all.push(operation);
  }
  return found;
}
