/** Version 1, section 2.1 of `proxy-protocol.txt`: `PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n`. */
import { isIPv4, isIPv6 } from 'node:net';
import { bad, type HeaderReading, more, ownHeader, type ProxyHeader } from './header.js';

/** The longest line with its end: `PROXY UNKNOWN` and two addresses of 39 characters. */
export const textHeaderBytesMax = 107;

const prefix = Buffer.from('PROXY ', 'latin1');
const lineEnd = Buffer.from('\r\n', 'latin1');
const portMax = 65_535;

export function readTextHeader(bytes: Uint8Array): HeaderReading {
  const line = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, textHeaderBytesMax));
  const known = Math.min(line.length, prefix.length);
  if (line.compare(prefix, 0, known, 0, known) !== 0) return bad('it does not begin like a PROXY header');
  const end = line.indexOf(lineEnd);
  if (end < 0) return line.length < textHeaderBytesMax ? more : bad('its line does not end within 107 bytes');
  const header = headerOf(line.toString('latin1', prefix.length, end).split(' '));
  return header === undefined
    ? bad('its line is none of version 1')
    : { state: 'whole', length: end + lineEnd.length, header };
}

function headerOf([family, ...fields]: readonly string[]): ProxyHeader | undefined {
  // Whatever follows is to be ignored.
  if (family === 'UNKNOWN') return ownHeader;
  if (fields.length !== 4) return undefined;
  const [source, destination, sourcePort, destinationPort] = fields as [string, string, string, string];
  const isAddress = family === 'TCP4' ? isIPv4 : family === 'TCP6' ? isPlainIPv6 : undefined;
  if (!isAddress?.(source) || !isAddress(destination)) return undefined;
  if (!isPort(sourcePort) || !isPort(destinationPort)) return undefined;
  return { address: { remoteAddress: source, remotePort: Number(sourcePort) }, verifiedName: undefined };
}

/** Node takes zones too, such as `fe80::1%eth0`. */
function isPlainIPv6(text: string): boolean {
  return isIPv6(text) && !text.includes('%');
}

function isPort(text: string): boolean {
  return /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= portMax;
}
