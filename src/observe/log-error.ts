import { pino } from 'pino';
import { describeError, errorCode, SidecarError } from '../base/errors.ts';

/** Causes of causes that a line has. */
const DEEPEST = 5;
/** What mistakes in a program throw; not SyntaxError, which is what JSON from elsewhere leads to. */
const MISTAKES = [TypeError, RangeError, ReferenceError] as const;
const NO_URL = 'ERR_INVALID_URL';

/**
 * An error as a line of the log has it. Only defects have a stack: to whoever runs the sidecar, that of a full disk or of a CA
 * that is away is noise, and says that the program is broken where it is not. What happened, what to do and
 * the causes are there in any case.
 */
export function describeForLog(error: unknown): unknown {
  return describe(error, 0);
}

function describe(error: unknown, depth: number): unknown {
  if (!(error instanceof Error)) return error;
  if (isDefect(error, depth)) return pino.stdSerializers.err(error);
  const known: Partial<SidecarError> = error instanceof SidecarError ? error : {};
  return {
    ...(error instanceof SidecarError ? readFields(error) : {}),
    type: error.name,
    message: describeError(error),
    code: errorCode(error),
    blame: known.blame,
    hint: known.hint,
    retryAfter: known.retryAfter,
    cause: error.cause === undefined || depth === DEEPEST ? undefined : describe(error.cause, depth + 1),
  };
}

/** What kinds of ours have beside (a CA's problem document), without what the causes say. */
function readFields(error: SidecarError): object {
  return Object.fromEntries(
    Object.entries(error).filter(
      ([key, value]) => key !== 'name' && !Array.isArray(value) && !(value instanceof Error),
    ),
  );
}

/**
 * One of ours says whose fault it is; any other that comes alone was not reckoned with. Below one of ours only what mistakes
 * throw is a defect: the rest is why ours came about.
 */
function isDefect(error: Error, depth: number): boolean {
  if (error instanceof SidecarError) return error.blame === 'us';
  if (depth === 0) return true;
  if ('syscall' in error || errorCode(error) === NO_URL) return false;
  return MISTAKES.some((mistake) => error instanceof mistake);
}
