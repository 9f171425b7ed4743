/** IP addresses and ranges of them, as options have them. No `node:net`: the configuration does not touch the network. */

/**
 * The addresses that a text has, with commas or spaces between them: `10.0.0.0/8, 192.0.2.1, fd00::/8`.
 * @returns `undefined` where one of them is none, or where there is none at all
 */
export function parseAddresses(text: string): readonly string[] | undefined {
  const addresses = text.split(/[\s,]+/).filter((each) => each !== '');
  return addresses.length > 0 && addresses.every(isAddressOrRange) ? addresses : undefined;
}

function isAddressOrRange(text: string): boolean {
  const [address, bits, ...more] = text.split('/') as [string, string | undefined];
  const bitsMax = isIPv4(address) ? 32 : isIPv6(address) ? 128 : undefined;
  if (bitsMax === undefined || more.length > 0) return false;
  return bits === undefined || (/^(?:0|[1-9]\d{0,2})$/.test(bits) && Number(bits) <= bitsMax);
}

function isIPv4(text: string): boolean {
  const numbers = text.split('.');
  return numbers.length === 4 && numbers.every((each) => /^(?:0|[1-9]\d{0,2})$/.test(each) && Number(each) <= 255);
}

/** What a URL takes in brackets is an IPv6 address, without a zone. */
function isIPv6(text: string): boolean {
  return /^[\da-fA-F:.]+$/.test(text) && text.includes(':') && URL.canParse(`http://[${text}]/`);
}
