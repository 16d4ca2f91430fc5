import fc from 'fast-check';

/** What objects have before anybody writes into them. */
const INHERITED = ['__proto__', 'constructor', 'hasOwnProperty', 'toString', 'valueOf', 'length', 'key', 'ref'];

/**
 * Text of any code points but surrogates. `fc.string({ unit: 'binary' })` is the same, but spends a second on a table of
 * all of them, in every file that has it.
 */
export function anyText(constraints: { readonly maxLength?: number } = {}): fc.Arbitrary<string> {
  const point = fc.oneof(
    fc.integer({ min: 0, max: 0x7f }),
    fc.integer({ min: 0, max: 0xd7ff }),
    fc.integer({ min: 0xe000, max: 0x10ffff }),
  );
  const text = fc.array(point, constraints).map((points) => String.fromCodePoint(...points));
  const fitting = INHERITED.filter((word) => word.length <= (constraints.maxLength ?? Number.POSITIVE_INFINITY));
  return fitting.length === 0
    ? text
    : fc.oneof({ weight: 30, arbitrary: text }, { weight: 1, arbitrary: fc.constantFrom(...fitting) });
}
