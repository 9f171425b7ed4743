import { execFile } from 'node:child_process';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

/**
 * Compiles a C source of the benchmark for this machine into a folder and gives the program's path.
 * @param more what the compiler is told beside that, such as libraries
 * @throws Error that says what is missing
 */
export async function compileC(source: string, folder: string, more: readonly string[] = []): Promise<string> {
  const program = join(folder, basename(source, '.c'));
  try {
    await promisify(execFile)('gcc', ['-O3', '-march=native', '-o', program, source, ...more]);
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new Error(isMissing ? 'gcc is not installed' : `gcc does not compile ${basename(source)}`, { cause: error });
  }
  return program;
}
