/** A token for clients of a server that asks for one, made by the server's own command. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/**
 * @param serverMain the command line's entry
 * @param file of tokens; made where there is none
 */
export async function createToken(serverMain: string, file: string, name = 'bench'): Promise<string> {
  const command = [serverMain, 'token', 'create', name, '--tokens', file];
  const { stdout } = await promisify(execFile)(process.execPath, command);
  return stdout.trim();
}
