/** What the HTTP side says to a peer before any route is known: a status and one sentence each, in the wire's error shape. */

import { type IncomingMessage, maxHeaderSize, type ServerResponse, STATUS_CODES } from 'node:http';
import type { WireErrorCode } from '../errors.js';
import { errorBody } from './replies.js';

export class Refusal {
  readonly status: number;
  readonly body: string;

  constructor(status: number, code: WireErrorCode, error: string) {
    this.status = status;
    this.body = errorBody(code, error);
  }

  get headers(): Readonly<Record<string, string>> {
    return {
      'content-type': 'application/json; charset=utf-8',
      'content-length': String(Buffer.byteLength(this.body)),
      'x-content-type-options': 'nosniff',
      connection: 'close',
      ...(this.status === 503 && { 'retry-after': '1' }),
    };
  }

  /** For a socket of which Node has no response to write to. */
  asHttp(): string {
    const lines = Object.entries(this.headers).map(([name, value]) => `${name}: ${value}\r\n`);
    return `HTTP/1.1 ${this.status} ${STATUS_CODES[this.status]}\r\n${lines.join('')}\r\n${this.body}`;
  }
}

export const refusals = {
  hostMissing: new Refusal(400, 'BAD_REQUEST', 'a request of HTTP/1.1 needs a host header'),
  busy: new Refusal(503, 'OVERLOADED', 'too many calls run on the HTTP side already; try again'),
  unloaded: new Refusal(500, 'INTERNAL', "the HTTP side could not be loaded; the server's log has the cause"),
  headersTooLarge: new Refusal(
    431,
    'BAD_REQUEST',
    `the headers are over the limit of ${maxHeaderSize} bytes; send less of them`,
  ),
  chunkExtensions: new Refusal(413, 'BAD_REQUEST', 'the chunks of the body have extensions that are too long'),
  malformed: new Refusal(
    400,
    'BAD_REQUEST',
    'this is not a well-formed HTTP request; the framed protocol is on another port (--port)',
  ),
} as const;

/** @param code of the error that Node's parser or its timer gives */
export function refusalOf(code: string | undefined, requestMs: number): Refusal {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return refusals.headersTooLarge;
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return refusals.chunkExtensions;
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new Refusal(
        408,
        'DEADLINE_EXCEEDED',
        `the request was not whole within ${requestMs} ms (--frame-timeout-ms)`,
      );
    default:
      return refusals.malformed;
  }
}

/** Answers a request whose body nobody will read. */
export function writeRefusal(response: ServerResponse<IncomingMessage>, refusal: Refusal): void {
  response.writeHead(refusal.status, refusal.headers).end(refusal.body);
}
