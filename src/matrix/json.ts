/** A JSON object of which only the shape is known. */
export type JsonObject = { readonly [key: string]: unknown };

/** Whether a value that came out of JSON.parse is an object: neither null nor an array. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What stands under the object's own key; undefined when nothing does (`__proto__` and the like included). */
export function ownMember(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}
