import { SidecarError } from '../base/errors.ts';

// Far beyond any Matrix document, and low enough that a hostile one cannot exhaust the stack.
const MAX_DEPTH = 500;

/**
 * Orders by Unicode code point, as canonical JSON sorts keys. JavaScript's own order is by UTF-16 code unit and puts
 * the astral characters (surrogates, D800 to DFFF) before U+E000 to U+FFFF.
 */
export function compareCodePoints(a: string, b: string): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return liftSurrogate(x) - liftSurrogate(y);
  }
  return a.length - b.length;
}

function liftSurrogate(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x1_0000 : unit;
}

/**
 * Encodes a value as Matrix canonical JSON (appendices, "Canonical JSON"): shortest form, keys by code point, only
 * integers from -(2^53)+1 to 2^53-1, `-0` written as `0`. Throws a SidecarError that names the offending value's place.
 */
export function encodeCanonicalJson(value: unknown): string {
  return encode(value, undefined);
}

/** A step and where it was taken from; undefined at the top. Written out only where something is refused. */
type Place = { readonly step: string | number; readonly from: Place; readonly depth: number } | undefined;

function stepInto(from: Place, step: string | number): Place {
  return { step, from, depth: depthOf(from) + 1 };
}

function depthOf(place: Place): number {
  return place?.depth ?? 0;
}

function encode(value: unknown, place: Place): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return encodeString(value, place);
  if (typeof value === 'number') return encodeNumber(value, place);
  if (typeof value !== 'object') throw refuse(place, `${describeType(value)} has no JSON form`);
  if (depthOf(place) >= MAX_DEPTH) throw refuse(place, `more than ${MAX_DEPTH} levels deep`);
  if (Array.isArray(value)) return encodeArray(value, place);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw refuse(place, 'only plain objects have a JSON form');
  return encodeObject(value as Readonly<Record<string, unknown>>, place);
}

function encodeArray(items: readonly unknown[], place: Place): string {
  const encoded: string[] = [];
  for (let i = 0; i < items.length; i++) encoded.push(encode(items[i], stepInto(place, i)));
  return `[${encoded.join(',')}]`;
}

function encodeObject(object: Readonly<Record<string, unknown>>, place: Place): string {
  const members = Object.keys(object)
    .sort(compareCodePoints)
    .map((key) => {
      const here = stepInto(place, key);
      return `${encodeString(key, here)}:${encode(object[key], here)}`;
    });
  return `{${members.join(',')}}`;
}

function encodeString(text: string, place: Place): string {
  // JSON.stringify would write a lone surrogate as \udXXX, which the canonical grammar does not have.
  if (!text.isWellFormed()) throw refuse(place, 'a text with half a surrogate pair has no UTF-8 form');
  return JSON.stringify(text);
}

function encodeNumber(number: number, place: Place): string {
  if (!Number.isSafeInteger(number)) {
    throw refuse(place, `${number} is not an integer between -(2^53)+1 and 2^53-1`);
  }
  // String(-0) is "0" already, which is what the specification's last test vector wants.
  return String(number);
}

function describeType(value: unknown): string {
  return value === undefined ? 'undefined' : `a ${typeof value}`;
}

function refuse(place: Place, why: string): SidecarError {
  return new SidecarError(`Cannot be written as canonical JSON at ${formatPlace(place)}: ${why}`, {
    code: 'not-canonical-json',
    blame: 'client',
    hint: 'Signed Matrix JSON holds texts, whole numbers, true, false, null, lists and objects only.',
  });
}

/** `$.content.body[2]`, for a person. */
function formatPlace(place: Place): string {
  const steps: (string | number)[] = [];
  for (let here = place; here !== undefined; here = here.from) steps.unshift(here.step);
  // The first few say where it is also at the bottom of something very deep.
  const shown = steps.slice(0, depthOf(place) >= MAX_DEPTH ? 3 : steps.length).map((step) => {
    if (typeof step === 'number') return `[${step}]`;
    return /^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(step) ? `.${step}` : `[${JSON.stringify(step.slice(0, 64))}]`;
  });
  return `$${shown.join('')}`;
}
