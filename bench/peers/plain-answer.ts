/** How the plain Node peer answers, and what the engine is held against: JSON.parse and a table of functions. */

const operations: Record<string, (data: never) => unknown> = {
  echo: (data: unknown) => data,
  upper: (data: string) => data.toUpperCase(),
  sum: (data: number[]) => data.reduce((total, each) => total + each, 0),
};

/** @returns a whole response frame */
export function plainAnswer(body: string): Buffer {
  let reply: object;
  let id: unknown = null;
  try {
    const request = JSON.parse(body) as { id: string; op: string; data: never };
    id = request.id;
    reply = { id, ok: true, result: operations[request.op]!(request.data) };
  } catch (error) {
    reply = { id, ok: false, error: String(error) };
  }
  // Four bytes of room for the length, which is known once the text is bytes.
  const frame = Buffer.from(`    ${JSON.stringify(reply)}`);
  frame.writeUInt32BE(frame.length - 4);
  return frame;
}
