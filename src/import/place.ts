/** A line of a file that somebody wrote. */
export interface Place {
  /** As it is shown to people. */
  readonly file: string;
  /** From 1; undefined where the file as a whole is meant. */
  readonly line: number | undefined;
}

/** `file:line`, as editors and compilers write it. */
export function formatPlace({ file, line }: Place): string {
  return line === undefined ? file : `${file}:${line}`;
}
