/** The names of our tables as they stand in statements, quoted and with their schema. */
export interface PostgresTables {
  readonly schema: string | undefined;
  readonly values: string;
  readonly leases: string;
  readonly migrations: string;
  /** The channel of NOTIFY: all changes of the values. */
  readonly channel: string;
}

/** `schema` has to be a plain name, as `readPostgresAddress` sees to. */
export function namePostgresTables(schema: string | undefined): PostgresTables {
  const table = (name: string): string => `${schema === undefined ? '' : `"${schema}".`}"matrix_sidecar_${name}"`;
  return {
    schema,
    values: table('values'),
    leases: table('leases'),
    migrations: table('migrations'),
    // Channels belong to the database, not to a schema.
    channel: `matrix_sidecar${schema === undefined ? '' : `_${schema}`}`,
  };
}

/** The SQL that writes a time without loss or blanks, and the same in every session whatever its settings. */
export function writeVersion(column: string): string {
  return `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US')`;
}
