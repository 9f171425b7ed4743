/**
 * Cuts a text that is too long for its place, and marks that with an ellipsis. A character that needs two UTF-16 units is
 * kept whole or left out: half of one is no character, and many readers refuse a whole reply for it.
 * @param unitsMax UTF-16 units that are kept at the most, the ellipsis not counted
 */
export function cutText(text: string, unitsMax: number): string {
  if (text.length <= unitsMax) return text;
  const last = text.charCodeAt(unitsMax - 1);
  const isCutInPair = last >= 0xd800 && last <= 0xdbff;
  return `${text.slice(0, isCutInPair ? unitsMax - 1 : unitsMax)}…`;
}
