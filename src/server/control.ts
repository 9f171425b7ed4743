/** The server's own operations: names that begin with `$`. `$ping` is the engine's. */
import type { WireErrorCode } from '../errors.js';
import type { OperationInfo } from '../ops/operation-info.js';
import type { Peer } from './peer.js';
import { errorFrame, okFrame } from './replies.js';
import type { Request } from './request.js';

interface ControlCall {
  readonly request: Request;
  readonly peer: Peer;
  readonly operations: () => readonly OperationInfo[];
}

interface ControlReply {
  readonly frame: Uint8Array;
  readonly code?: WireErrorCode;
}

type Control = (call: ControlCall) => ControlReply;

export const controlOperations: Readonly<Record<string, Control | undefined>> = Object.assign(Object.create(null), {
  $ops: ({ request, operations }) => ok(request, operations().map(describe)),
  $cancel: cancel,
  $auth: authenticate,
} satisfies Record<string, Control>);

/** What `$ops` tells of an operation. */
export function describe({ name, description, streaming, input, output }: OperationInfo) {
  return { name, description, streaming, input, output };
}

function cancel({ request, peer }: ControlCall): ControlReply {
  const id = memberOf(request, 'id');
  if (id === undefined) return badData(request, '$cancel takes {"id": string}');
  const named = [...peer.inFlight].filter((other) => other.id === id);
  for (const { handle } of named) handle?.end('CANCELLED', 'the request was cancelled by $cancel');
  return ok(request, { cancelled: named.length > 0 });
}

/** No credentials can be configured yet, so none are valid. */
function authenticate({ request }: ControlCall): ControlReply {
  if (memberOf(request, 'token') === undefined) return badData(request, '$auth takes {"token": string}');
  const code = 'UNAUTHENTICATED';
  return { frame: errorFrame(request.idToken, code, 'the token is not one that this server knows'), code };
}

function ok(request: Request, result: unknown): ControlReply {
  return { frame: okFrame(request.idToken, JSON.stringify(result)) };
}

function badData(request: Request, message: string): ControlReply {
  return { frame: errorFrame(request.idToken, 'BAD_DATA', message), code: 'BAD_DATA' };
}

/** A string member of the request's data, which the engine has checked to be JSON. */
function memberOf({ data }: Request, name: string): string | undefined {
  if (data.length === 0) return undefined;
  const value = JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.length).toString());
  const member = typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? value[name] : undefined;
  return typeof member === 'string' ? member : undefined;
}
