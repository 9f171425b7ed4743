import type { DataInput } from './data-input.js';

/** The largest piece that is handed on, so that the bar moves while one large piece is sent. */
const pieceBytes = 256 * 1024;

/**
 * Runs `send` and shows meanwhile on stderr how much of `input` the connection has taken, where stderr is a terminal.
 * @param send is to send the chunks that it is given.
 */
export async function withProgress<T>(
  input: Pick<DataInput, 'byteLength' | 'chunks'>,
  send: (chunks: DataInput['chunks']) => Promise<T>,
): Promise<T> {
  if (!process.stderr.isTTY) return send(input.chunks);
  const { default: progress } = await import('cli-progress');
  const bar = new progress.SingleBar({
    format: 'sent {bar} {percentage}% | {value} of {total} MB | {rate} MB/s | {left} left',
    stream: process.stderr,
    clearOnComplete: true,
    formatValue: (value, _, type) => (type === 'value' || type === 'total' ? inMegabytes(value) : String(value)),
  });
  const startedAtMs = performance.now();
  const pace = (sentBytes: number) => {
    const perSecond = (sentBytes / (performance.now() - startedAtMs)) * 1000;
    return { rate: inMegabytes(perSecond), left: asTime((input.byteLength - sentBytes) / perSecond) };
  };
  // The bar has changed how the terminal wraps lines, which has to be undone first.
  const interrupt = (signal: NodeJS.Signals) => {
    bar.stop();
    process.kill(process.pid, signal);
  };
  const signals = ['SIGINT', 'SIGTERM'] as const;
  let sentBytes = 0;
  async function* reported(): AsyncGenerator<Uint8Array> {
    for await (const chunk of input.chunks) {
      for (let at = 0; at < chunk.length; at += pieceBytes) {
        const piece = chunk.subarray(at, at + pieceBytes);
        yield piece;
        sentBytes += piece.length;
        bar.update(sentBytes, pace(sentBytes));
      }
    }
  }
  for (const signal of signals) process.once(signal, interrupt);
  bar.start(input.byteLength, 0, { rate: inMegabytes(0), left: '…' });
  try {
    return await send(reported());
  } finally {
    bar.stop();
    for (const signal of signals) process.off(signal, interrupt);
  }
}

function inMegabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

function asTime(seconds: number): string {
  const whole = Math.ceil(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
