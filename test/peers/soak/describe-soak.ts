import type { SoakAccount } from './run-soak.ts';

/** The account in Markdown, for people. */
export function describeSoak(account: SoakAccount): string {
  const { ends, rss, heap, external, descriptors } = account;
  return `# Soak: ${account.seconds} s, seed ${account.seed}

${account.sent} requests, ${ends.answered} answered, ${ends.explained} failed because of what the homeserver did, ${ends.left} left by their client, ${ends.defect} unexplained.
${account.arrivals} arrivals at the homeserver on ${account.connections} connections.

| what failed for the homeserver's sake | requests |
| --- | --- |
${table(account.explained)}

In these, ${account.unread.told} losses of requests that the homeserver had not read; there may have been ${account.unread.most} in all.

| what happened meanwhile | times |
| --- | --- |
${table(account.happened)}

| counter of the sidecar | says | at least | at most |
| --- | --- | --- | --- |
${Object.entries(account.counters)
  .map(([name, { sidecar, least, most }]) => `| ${name} | ${sidecar} | ${least} | ${most} |`)
  .join('\n')}

| memory in MiB: medians of what is resident, and of what is left without garbage | second fifth | last fifth |
| --- | --- | --- |
| resident | ${mib(rss.early)} | ${mib(rss.late)} |
| heap | ${mib(heap.early)} | ${mib(heap.late)} |
| external | ${mib(external.early)} | ${mib(external.late)} |

Resident at most: ${mib(account.mostResident)} MiB.

Descriptors: ${descriptors.before} before, ${descriptors.most} at most, ${descriptors.after} after. Left under way: ${account.left.inFlight}, held: ${account.left.held}.
Lines of the log: ${account.logLines}, of these bad: ${account.badLineCount}. stderr: ${account.stderr.length} characters.
${account.absences.map((line) => `- ${line}`).join('\n')}

${[...account.defects, ...account.complaints].map((line) => `- ${line}`).join('\n')}
`;
}

function table(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `| ${name} | ${count} |`)
    .join('\n');
}

function mib(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(1);
}
