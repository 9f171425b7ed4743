/** HTTP for the sidecar's tests: one request, its status, headers and text. */
import type { RunningServer } from '../support/server.js';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The text as JSON; throws where it is none. */
  json(): unknown;
}

export async function ask(server: Pick<RunningServer, 'httpPort'>, path: string, init?: RequestInit): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${server.httpPort}${path}`, init);
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: () => JSON.parse(text) };
}

/** Calls an operation with a body as it is. */
export function call(
  server: Pick<RunningServer, 'httpPort'>,
  op: string,
  body?: string | Uint8Array<ArrayBuffer>,
  init: RequestInit = {},
): Promise<Answer> {
  return ask(server, `/v1/call/${op}`, { method: 'POST', ...(body === undefined ? {} : { body }), ...init });
}

/** The samples of a scrape by their full name with labels. */
export function samples(scrape: string): Map<string, number> {
  const lines = scrape.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const cut = line.lastIndexOf(' ');
      return [line.slice(0, cut), Number(line.slice(cut + 1))];
    }),
  );
}
