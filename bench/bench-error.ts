/** Something that the person who runs the bench can understand and mend: what and where, in one sentence or two. */
export class BenchError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'BenchError';
  }
}
