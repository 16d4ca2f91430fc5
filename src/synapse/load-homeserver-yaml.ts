import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '../base/errors.ts';
import { type HomeserverYamlReading, readHomeserverYaml } from './homeserver-yaml.ts';
import { readYamlFile, type YamlFile, type YamlProblem } from './yaml-file.ts';

/** Bytes of one file; Synapse's longest sample ever had an eighth of it. */
const LARGEST_FILE = 1_048_576;
/** Files of all folders together, and their bytes: a large deployment has a few dozen workers, of a few hundred bytes each. */
const MOST_FILES = 300;
const MOST_BYTES = 8 * LARGEST_FILE;

export interface LoadHomeserverYamlDeps {
  /** Reads at most `limit` + 1 bytes; throws what the system says. */
  readFile(path: string, limit: number): Uint8Array;
}

/**
 * Reads Synapse's configuration from files and folders, as Synapse does with `-c` (of a folder, its `*.yaml` in
 * alphabetical order). With a problem that leaves the whole in doubt, there is no `yaml`. Never throws.
 */
export function loadHomeserverYaml(paths: readonly string[], deps: LoadHomeserverYamlDeps): HomeserverYamlReading {
  const problems: YamlProblem[] = [];
  const files: YamlFile[] = [];
  const all = paths.flatMap(listFiles);
  const together = { file: paths.join(', '), line: undefined };
  const tooMuch = (what: string): HomeserverYamlReading => {
    return { yaml: undefined, problems: [{ place: together, what, fix: 'Name the files of Synapse alone' }] };
  };
  if (all.length > MOST_FILES) return tooMuch(`there are more than ${MOST_FILES} files ending in .yaml`);
  let length = 0;
  for (const path of all) {
    const text = readText(path, deps);
    length += text.ok ? text.text.length : 0;
    if (length > MOST_BYTES) return tooMuch('the files are larger than 8 MiB together');
    const reading = text.ok ? readYamlFile(text.text, path) : text;
    if (reading.ok) files.push(reading.file);
    else problems.push(reading.problem);
  }
  if (problems.length > 0 || files.length === 0) {
    const nothing = { place: together, what: 'there is no file ending in .yaml' };
    return { yaml: undefined, problems: problems.length > 0 ? problems : [{ ...nothing, fix: 'Check the path' }] };
  }
  return readHomeserverYaml(files);
}

/** A folder's files; anything else is itself, and may turn out not to be there. */
function listFiles(path: string): string[] {
  try {
    if (!statSync(path).isDirectory()) return [path];
    const names = readdirSync(path).filter((name) => name.endsWith('.yaml'));
    // Of all else Synapse says that it ignores it (_base.py, find_config_files); a pipe would be waited for for ever.
    const isFile = (one: string): boolean => statSync(one, { throwIfNoEntry: false })?.isFile() === true;
    return names
      .sort()
      .map((name) => join(path, name))
      .filter(isFile);
  } catch {
    return [path];
  }
}

type Text = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly problem: YamlProblem };

function readText(path: string, deps: LoadHomeserverYamlDeps): Text {
  const refuse = (what: string, fix: string): Text => {
    return { ok: false, problem: { place: { file: path, line: undefined }, what, fix } };
  };
  let bytes: Uint8Array;
  try {
    bytes = deps.readFile(path, LARGEST_FILE);
  } catch (error) {
    const code = errorCode(error) ?? 'unknown error';
    if (code === 'ENOENT') return refuse('does not exist', 'Check the path; in a container, mount the file into it');
    if (code === 'EACCES' || code === 'EPERM')
      return refuse('may not be read by this user', 'Run this as a user who may, or give a copy without its secrets');
    return refuse(`cannot be read (${code})`, 'Check the disk and the path');
  }
  if (bytes.length > LARGEST_FILE) return refuse('is larger than 1 MiB', 'Check that this is the right file');
  try {
    return { ok: true, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    return refuse('is not UTF-8 text', 'Check that this is the right file');
  }
}
