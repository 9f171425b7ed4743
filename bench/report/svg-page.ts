/** What all plots have in common: the page, its fonts, and colours that follow the reader's light or dark mode. */

export const width = 860;
export const margin = 24;

export function text(x: number, y: number, kind: string, content: string): string {
  return `<text class="${kind}" x="${x.toFixed(1)}" y="${y}">${escapeXml(content)}</text>`;
}

function escapeXml(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** @returns a whole SVG document. @param about what a reader who cannot see it is told */
export function document(height: number, about: string, parts: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeXml(about)}">
<style>
text { font: 13px system-ui, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif; fill: #24292f; }
.title { font-size: 18px; font-weight: 600; }
.group { font-weight: 600; }
.label { text-anchor: end; }
.foot, .label { fill: #57606a; }
.own { fill: #0969da; }
.mark { fill: #bc6c25; }
.other { fill: #afb8c1; }
.page { fill: #ffffff; }
.lines { fill: none; stroke-width: 2.5; stroke-linejoin: round; }
.lines.own { stroke: #0969da; }
.lines.mark { stroke: #bc6c25; }
.lines.other { stroke: #8c959f; }
.older { stroke-dasharray: 5 4; stroke-width: 1.75; }
.grid { stroke: #d0d7de; stroke-width: 1; }
.faint { opacity: 0.55; }
.middle { text-anchor: middle; }
.ahead { text-anchor: end; }
.small { font-size: 11px; fill: #57606a; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .foot, .label { fill: #9198a1; }
  .own { fill: #4493f8; }
  .mark { fill: #d29922; }
  .other { fill: #545d68; }
  .page { fill: #0d1117; }
  .lines { fill: none; }
  .lines.own { stroke: #4493f8; }
  .lines.mark { stroke: #d29922; }
  .lines.other { stroke: #7d8590; }
  .grid { stroke: #30363d; }
  .small { fill: #9198a1; }
}
</style>
<rect class="page" width="${width}" height="${height}" rx="8"/>
${parts.join('\n')}
</svg>
`;
}
