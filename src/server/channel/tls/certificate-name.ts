import type { PeerCertificate } from 'node:tls';

/** An entry of `subjectaltname`; one with a comma or a quote in it is written as a JSON string. */
const alternative = /(?:^|, )(?:DNS|URI|email):("(?:[^"\\]|\\.)*"|[^,]*)/;

/** A longer name would only fill logs. */
const nameLengthMax = 256;

/**
 * Whom a certificate names: the common name of its subject, or else the first of its alternative names that is a DNS name,
 * a URI or an address of e-mail. `undefined` where it has none of them, or one that is too long to be shown.
 */
export function nameOf({
  subject,
  subjectaltname,
}: Pick<PeerCertificate, 'subject' | 'subjectaltname'>): string | undefined {
  // Several common names come as an array, which the type does not say.
  const common = [(subject as { CN?: string | string[] } | undefined)?.CN].flat()[0];
  const name = common || alternativeName(subjectaltname ?? '');
  return name === undefined || name === '' || name.length > nameLengthMax ? undefined : name;
}

function alternativeName(names: string): string | undefined {
  const found = alternative.exec(names)?.[1];
  if (!found?.startsWith('"')) return found;
  try {
    return String(JSON.parse(found));
  } catch {
    return undefined;
  }
}
