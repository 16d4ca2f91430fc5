/**
 * Chooses among instances by a key: an index into their names, or -1 when none is usable. Equal keys get the same
 * instance wherever and whenever they are asked, as long as it is usable. `lot`, from 0 to 1, 1 excluded, is always the same
 * for a key and an instance: who is usable for a share of the keys only is for those whose lot is less than that share.
 */
export type StableChoice = (key: string, isUsable?: (index: number, lot: number) => boolean) => number;

/**
 * Rendezvous hashing (highest random weight): each instance has a weight for each key, and the heaviest usable one is
 * chosen. An instance that is added takes its share from all others, and one that is lost leaves its keys to them;
 * nothing else moves. The names decide, not their order, so that all sidecars with the same names agree.
 */
export function createStableChoice(names: readonly string[]): StableChoice {
  const hashes = Uint32Array.from(names, hashText);
  return (key, isUsable) => {
    const hash = hashText(key);
    let chosen = -1;
    let most = -1;
    for (let index = 0; index < hashes.length; index++) {
      const weight = mix(hash ^ hashes[index]!);
      if (weight > most && (isUsable === undefined || isUsable(index, mix(weight ^ LOT) / 2 ** 32))) {
        most = weight;
        chosen = index;
      }
    }
    return chosen;
  };
}

/** Lots have nothing to do with weights: the keys of an instance are those for which its weight is large. */
const LOT = 0x5bd1e995;

/** 32 bits of a text: FNV-1a, and a finish that lets each of its bits change half of the result's. */
function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return mix(hash);
}

/** The finish of MurmurHash3 (32 bits). */
function mix(value: number): number {
  let hash = value ^ (value >>> 16);
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
