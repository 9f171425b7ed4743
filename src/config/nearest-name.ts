/** Finds the name that somebody may have meant who wrote another one. */

/** More edits than this make another word. */
const editsMax = 3;

/** @returns the known name that takes the fewest edits; `undefined` where each takes so many that it is another word */
export function nearestName(word: string, known: readonly string[]): string | undefined {
  const ranked = known.map((name) => ({ name, edits: editsBetween(word, name) })).sort((a, b) => a.edits - b.edits);
  const [best] = ranked;
  return best !== undefined && best.edits <= Math.min(editsMax, word.length / 2) ? best.name : undefined;
}

/**
 * Characters to insert, remove or replace, or neighbours to swap, that make one word of the other. The optimal string
 * alignment distance (Damerau 1964, Wagner and Fischer 1974).
 */
function editsBetween(from: string, to: string): number {
  if (Math.abs(from.length - to.length) > editsMax) return Number.POSITIVE_INFINITY;
  let before: number[] = [];
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const same = from[i - 1] === to[j - 1];
      let edits = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      if (swapped) edits = Math.min(edits, before[j - 2]! + 1);
      next.push(edits);
    }
    before = row;
    row = next;
  }
  return row[to.length]!;
}
