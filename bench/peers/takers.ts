/**
 * Takers that work side by side: four everywhere, for all alike. One waits for an answer while another is given
 * messages; nobody has looked for the number that suits each contender best.
 */
export const TAKERS = 4
