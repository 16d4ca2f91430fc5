import { SidecarError } from '../base/errors.ts';
import { formatPlace, type Place } from './place.ts';

/** A configuration that its own program could not read either. Code `import-syntax`. */
export function brokenText(place: Place, what: string, hint: string): SidecarError {
  return new SidecarError(`${formatPlace(place)}: ${what}.`, { code: 'import-syntax', blame: 'operator', hint });
}

/** A file or folder that cannot be read. Code `import-unreadable`. */
export function unreadableSource(what: string, hint: string, cause?: unknown): SidecarError {
  return new SidecarError(`${what}.`, { code: 'import-unreadable', blame: 'operator', hint, cause });
}

/** More than is looked at. Code `import-too-large`. */
export function tooLarge(what: string): SidecarError {
  const hint = 'Name only the files that have to do with Matrix.';
  return new SidecarError(`${what}.`, { code: 'import-too-large', blame: 'operator', hint });
}
