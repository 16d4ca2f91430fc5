/** Why nothing is ordered at all: nobody can become the keeper. `why`: the store's own words, with or without a dot. */
export function describeStuckStore(why: string): string {
  return `The store cannot be written (${why.replace(/\.$/, '')}): nothing is ordered until it can.`;
}
