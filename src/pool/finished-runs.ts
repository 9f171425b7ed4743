/**
 * The operations whose runs on a thread have come to their end, as far as they may be to blame for what happens to it next.
 * A thread may be given its next task before it has answered after the last one, so several may have left something behind.
 */

/** More than a thread can finish in one turn of its event loop, as a rule. */
const runsMax = 16;

export class FinishedRuns {
  #runs: { readonly serial: number; readonly op: string }[] = [];

  /** @param answeredSerial the last run after which the thread has answered */
  add(serial: number, op: string, answeredSerial: number): void {
    this.#runs = this.#runs.filter((run) => run.serial > answeredSerial).slice(1 - runsMax);
    this.#runs.push({ serial, op });
  }

  /** The first after which the thread has not answered; where it has after all of them, the last. */
  suspect(answeredSerial: number): string | undefined {
    return (this.#runs.find(({ serial }) => serial > answeredSerial) ?? this.#runs.at(-1))?.op;
  }
}
