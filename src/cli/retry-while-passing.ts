import { isPassingProblem } from '../config/listen-problem.js';

const retryMsDefault = 100;
const retriesMaxDefault = 100;

/**
 * Starts something that needs a file descriptor, and tries again for some ten seconds where none is left: clients that
 * come back after a restart may have taken all of them before the last listener is there.
 * @throws the error of the last attempt; any other error at once
 */
export async function retryWhilePassing<T>(
  start: () => Promise<T>,
  { retryMs = retryMsDefault, retriesMax = retriesMaxDefault } = {},
): Promise<T> {
  for (let retries = 0; ; retries++) {
    try {
      return await start();
    } catch (error) {
      if (!isPassingProblem(error) || retries === retriesMax) throw error;
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  }
}
