/**
 * What a test file tells the runner: written to the file that the environment names, as the process ends. A process
 * that dies without it has failed, whatever its exit status says.
 */
import { readFileSync, writeFileSync } from 'node:fs';

export interface FileReport {
  /** Tests registered. */
  total: number;
  passed: number;
  /** What failed, by name: tests, hooks, and suites that were never run. */
  readonly failures: string[];
  readonly leftOut: { readonly name: string; readonly reason: string }[];
}

export const reportVariable = 'TRAMA_TEST_REPORT';

export function writeReport(report: FileReport): void {
  const path = process.env[reportVariable];
  if (path !== undefined) writeFileSync(path, JSON.stringify(report));
}

/** The report, or undefined where the process did not live to write one. */
export function readReport(path: string): FileReport | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as FileReport;
  } catch {
    return undefined;
  }
}
