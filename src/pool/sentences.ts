/** What the pool says of a task, and `trama/testing` with it: a test is told what a client would be told. */

/** The longest that setTimeout can wait; some 24 days. */
export const timerMsMax = 0x7fff_ffff;

export const shutsDown = 'the server is shutting down';

export function noOperation(op: string): string {
  return `no operation \`${op}\``;
}

/** How long a task may take, and who says so. */
export interface TimeLimit {
  readonly ms: number;
  /** By the server's option, and neither by the request nor by the operation. */
  readonly isGeneral: boolean;
}

/**
 * @param own what the request or the operation says
 * @param generalMs what the server says, where they say nothing; 0 for no limit
 */
export function timeLimit(own: number | undefined, generalMs: number): TimeLimit | undefined {
  if (own !== undefined) return { ms: own, isGeneral: false };
  return generalMs === 0 ? undefined : { ms: generalMs, isGeneral: true };
}

export function timeIsUp(op: string, { ms, isGeneral }: TimeLimit, hasBegun: boolean): string {
  const stage = hasBegun ? 'was not done' : 'was still waiting';
  return `\`${op}\` ${stage} after ${ms} ms${isGeneral ? ' (--op-timeout-ms)' : ''}`;
}
