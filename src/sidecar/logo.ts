/** trama's mark, for the page of the HTTP API: a weft (in Spanish: trama) through three threads. */

const mark = `<g fill="none" stroke-linecap="round" stroke-width="3">
  <path stroke="#5b7083" d="M8 4v24M16 4v24M24 4v24"/>
  <path stroke="#e0673a" d="M3 11h10M19 11h10M11 21h10"/>
</g>`;

const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">${mark}</svg>`;

const banner = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 128 32" height="40">${mark}
<text x="40" y="22" font-family="system-ui, sans-serif" font-size="20" fill="#fff">trama</text></svg>`;

export const logo = { type: 'image/svg+xml', content: banner, href: '/', target: '_self' } as const;

export const favicon = {
  filename: 'trama.svg',
  rel: 'icon',
  type: 'image/svg+xml',
  sizes: 'any',
  content: icon,
} as const;
