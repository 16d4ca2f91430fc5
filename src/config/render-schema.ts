import * as z from 'zod';
import { configTable } from './table.ts';
import { fileKey, type Key, type Section, type SectionList } from './table-shape.ts';

type Schema = Record<string, unknown>;

/**
 * The JSON Schema (draft 7, which YAML editors know best) of the configuration file, as text. It knows names, types
 * and words; what only the sidecar can judge (addresses, rules between keys) is left to `config check`.
 */
export function renderSchema(): string {
  const schema: Schema = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'matrix-sidecar configuration',
    ...sectionSchema(configTable),
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

function sectionSchema(section: Section): Schema {
  const properties: Schema = {};
  const required: string[] = [];
  const eitherOf: Schema[] = [];
  for (const [name, entry] of Object.entries(section.keys)) {
    if (entry.kind === 'key') {
      properties[name] = keySchema(entry);
      const instead = entry.file === true ? fileKey(name) : entry.unless;
      if (entry.presence === 'required' && instead !== undefined) {
        eitherOf.push({ anyOf: [has(name), has(instead)] });
      } else if (entry.presence === 'required') required.push(name);
    } else if (entry.kind === 'list') {
      properties[name] = listSchema(entry);
      required.push(name);
    } else if (entry.kind === 'variants') {
      const forms = Object.values(entry.forms).map(sectionSchema);
      properties[name] = { description: entry.says, anyOf: [...forms, { type: 'null' }] };
    } else {
      const inner = sectionSchema(entry);
      // A section whose keys are all commented out is null in YAML, and counts as left out.
      properties[name] = { ...inner, type: ['object', 'null'] };
    }
  }
  const combinations = section.combinations?.map((keys) => ({ required: keys }));
  return {
    description: section.says,
    type: 'object',
    additionalProperties: false,
    properties,
    ...(required.length > 0 ? { required } : {}),
    ...(eitherOf.length > 0 ? { allOf: eitherOf } : {}),
    ...(combinations === undefined ? {} : { anyOf: [...combinations, { type: 'null' }] }),
  };
}

/** Spelt out so that validators which judge `required` by `properties` see it too. */
function has(name: string): Schema {
  return { type: 'object', properties: { [name]: {} }, required: [name] };
}

function listSchema(list: SectionList): Schema {
  return { description: list.says, type: 'array', minItems: 1, items: sectionSchema(list.of) };
}

function keySchema(key: Key): Schema {
  const { $schema: _, ...type } = z.toJSONSchema(key.type, { io: 'input', target: 'draft-7' });
  return {
    description: key.says,
    ...type,
    ...(key.presence === 'default' ? { default: key.default } : {}),
    examples: [key.example],
  };
}
