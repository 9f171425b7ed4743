/**
 * Tells systemd what this process is doing, where it is a service of `Type=notify`: see `sd_notify(3)`. The words go to the
 * datagram socket that `NOTIFY_SOCKET` names. Node has no such sockets, so that `systemd-notify`, which every machine with
 * systemd has, writes them; the unit needs `NotifyAccess=all`.
 */
import { execFile } from 'node:child_process';
import type { Logger } from 'pino';

const program = 'systemd-notify';
/** systemd itself answers in milliseconds. */
const timeoutMs = 5000;

/**
 * Resolves when systemd has the words, or when it is certain that it will not; that is for the log. Does nothing where no
 * systemd waits for words.
 * @param words such as `READY=1` and `STATUS=serving`
 */
export async function notifySystemd(words: readonly string[], log: Logger): Promise<void> {
  if (!process.env.NOTIFY_SOCKET) return;
  await new Promise<void>((resolve) => {
    execFile(program, words, { timeout: timeoutMs }, (error) => {
      if (error) log.warn({ err: error, words }, `systemd waits for words, and ${program} could not write them`);
      resolve();
    });
  });
}
