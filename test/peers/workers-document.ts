import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

/** Where Debian's package has the documentation, and where a checkout of Synapse would have it. */
const PLACES = [
  process.env['SYNAPSE_WORKERS_DOC'],
  '/usr/share/doc/matrix-synapse/misc/workers.md.gz',
  '/usr/share/doc/matrix-synapse/misc/workers.md',
];

/** One path that Synapse documents, as it stands there without the `^`. */
export interface ListedPath {
  readonly pattern: string;
  /** The heading above it, and the comment or else the sentence right before it. */
  readonly heading: string;
  readonly under: string;
  /** Listed for GET requests alone. */
  readonly readOnly: boolean;
  readonly line: number;
}

/** Synapse's docs/workers.md of the installed package, or a sentence that says why it is not here. */
export function findWorkersDocument(): { readonly text: string } | { readonly missing: string } {
  const place = PLACES.find((path) => path !== undefined && path !== '' && existsSync(path));
  if (place === undefined) {
    const missing =
      "Synapse's docs/workers.md is not here: install Debian's matrix-synapse with its documentation, or name the file in SYNAPSE_WORKERS_DOC";
    return { missing };
  }
  const bytes = readFileSync(place);
  return { text: (place.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString() };
}

/** All paths that the document lists, in its order. */
export function readListedPaths(text: string): readonly ListedPath[] {
  const listed: ListedPath[] = [];
  let heading = '';
  let under = '';
  let readOnly = false;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const title = /^#+ (.*)$/.exec(line)?.[1];
    const comment = /^ {4}# (.*)$/.exec(line)?.[1];
    const pattern = /^ {4}\^?(\/_(?:matrix|synapse)\/.*)$/.exec(line)?.[1];
    if (title !== undefined) {
      heading = title;
      under = '';
      readOnly = false;
    } else if (comment !== undefined) under = comment;
    else if (pattern !== undefined) listed.push({ pattern: pattern.trim(), heading, under, readOnly, line: index + 1 });
    else if (/^\S/.test(line)) {
      under = line;
      readOnly = /for GET requests/.test(line);
    }
  }
  return listed;
}
