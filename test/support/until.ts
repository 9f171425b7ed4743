/** Waiting in tests: for a condition, never for luck; and never for ever. */

/** Runs an action, and rejects where it takes longer. An action that runs on is stopped by the clean-up. */
export async function withinMs<T>(limitMs: number, what: string, action: () => T | PromiseLike<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${limitMs} ms`)), limitMs);
  });
  try {
    return await Promise.race([(async () => action())(), late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Asks again and again until the answer is truthy, and gives it back.
 * @param what the condition in words, for the error where it never comes true
 */
export async function until<T>(
  what: string,
  condition: () => T | PromiseLike<T>,
  options: { timeoutMs?: number; everyMs?: number } = {},
): Promise<T> {
  const { timeoutMs = 10_000, everyMs = 10 } = options;
  const giveUpAt = performance.now() + timeoutMs;
  while (true) {
    const answer = await condition();
    if (answer) return answer;
    if (performance.now() > giveUpAt) throw new Error(`it did not come true within ${timeoutMs} ms that ${what}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
