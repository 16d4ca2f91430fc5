/** `Certificate.origin` of a bootstrap certificate: what it says in messages, and how it is told from a real one. */
export const BOOTSTRAP_ORIGIN = 'bootstrap, until the CA has signed one';
